import { describe, expect, test } from 'vitest';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  authorityKeyIdentifierOf,
  constraintBase,
  keyIdentifier,
  nameConstraintsOf,
} from '../../lambdas/x509/extension-values.ts';
import { subjectKeyIdentifier } from '../../lambdas/x509/extensions.ts';
import {
  extension,
  subjectKeyIdentifier as fakeIdentifier,
  makeKey,
  octets,
  spkiOf,
} from '../../testkit/certificates/index.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { golden } from './golden.ts';

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

describe('the name of a key', () => {
  test.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048'] as const)(
    '%s: the same as of other software',
    (kind) => {
      const spki = spkiOf(makeKey(kind));
      expect(hex(keyIdentifier(spki))).toBe(hex(fakeIdentifier(spki).value.subarray(2)));
    },
  );

  test('is what step-ca wrote', () => {
    const certificate = parseCertificate(golden('step-intermediate'));
    expect(hex(keyIdentifier(certificate.spki))).toBe(hex(subjectKeyIdentifier(certificate)));
  });

  test('fails for an invalid key', () => {
    expect(() => keyIdentifier(Uint8Array.of(0x30, 0))).toThrow('the public key is missing');
    expect(() => keyIdentifier(Uint8Array.of(4, 0))).toThrow('the public key has tag 0x04');
  });

  test('in the authority key identifier: the issuer’s own, or else the one that its key would have', () => {
    const spki = spkiOf(makeKey('P-256'));
    const own = extension('2.5.29.14', octets(Uint8Array.of(1, 2, 3)));
    expect(hex(authorityKeyIdentifierOf({ extensions: [own], spki }).value)).toBe('30058003010203');
    expect(hex(authorityKeyIdentifierOf({ extensions: [], spki }).value)).toBe(`30168014${hex(keyIdentifier(spki))}`);
  });
});

describe('the base of a name constraint', () => {
  test.each<[string, string]>([
    ['dns:example.com', '820b6578616d706c652e636f6d'],
    ['dns:.example.com', '820c2e6578616d706c652e636f6d'],
    ['email:a@example.com', '810d61406578616d706c652e636f6d'],
    ['email:example.com', '810b6578616d706c652e636f6d'],
    ['uri:.example.com', '860c2e6578616d706c652e636f6d'],
    ['email:first.last@example.com', '811666697273742e6c617374406578616d706c652e636f6d'],
    [`email:${'x'.repeat(64)}@a`, `8142${'78'.repeat(64)}4061`],
    [`dns:${'a.'.repeat(126)}a`, `8281fd${'612e'.repeat(126)}61`], // 253 characters
    ['ip:10.0.0.0/8', '87080a000000ff000000'],
    ['ip:192.0.2.128/25', '8708c0000280ffffff80'],
    ['ip:0.0.0.0/0', '87080000000000000000'],
    ['ip:192.0.2.1/32', '8708c0000201ffffffff'],
    ['ip:fd00::/8', `8720fd${'00'.repeat(15)}ff${'00'.repeat(15)}`],
    ['ip:2001:db8::1/128', `872020010db8${'00'.repeat(11)}01${'ff'.repeat(16)}`],
    ['ip:::/0', `8720${'00'.repeat(32)}`],
    ['ip:1:2:3:4:5:6:7:8/128', `872000010002000300040005000600070008${'ff'.repeat(16)}`],
    ['ip:1:2:3:4:5:6:7::/112', `872000010002000300040005000600070000${'ff'.repeat(14)}0000`],
    ['ip:1111:2222:3333:4444:5555:6666:7777:8888/128', `872011112222333344445555666677778888${'ff'.repeat(16)}`],
  ])('%s', (text, expected) => {
    expect(hex(constraintBase(text))).toBe(expected);
  });

  test.each([
    '',
    'example.com',
    'dns:',
    'dns:*.example.com',
    'dns:exa mple',
    'dns:-x.example',
    'dns:a..b',
    `dns:${'a'.repeat(64)}.example`,
    'uri:https://example.com/',
    'email:a@b@c',
    'email:a@.example.com',
    `email:${'x'.repeat(65)}@example.com`,
    'dns:a@example.com',
    'uri:a@example.com',
    `dns:${'a.'.repeat(126)}ab`,
    'ip:10.0.0.0',
    'ip:10.0.0.1/8',
    'ip:10.0.0.0/33',
    'ip:10.0.0.0/8/8',
    'ip:10.0.0.0.0/8',
    'ip:0.0.0.0/',
    'ip:0.0.0.0/x8',
    'ip:0.0.0.0/8x',
    'ip:10.0.0/8',
    'ip:256.0.0.0/8',
    'ip:010.0.0.0/8',
    'ip:fd00::1/8',
    'ip:fd00:::/8',
    'ip:1:2:3:4:5:6:7:8:9/128',
    'ip:1:2:3:4:5:6:7/128',
    'ip:1:2:3:4::5:6:7:8/128',
    'ip:1::2::3/128',
    'ip:g1::/16',
    'ip:1g::/16',
    'ip:12345::/16',
    'ip:fd00::/129',
    'dn:CN=x',
    'DNS:example.com',
  ])('%j is invalid', (text) => {
    expect(constraintBase(text)).toBeUndefined();
  });

  test('a hostile text is refused quickly', () => {
    const started = cpuTime();
    for (const text of [`dns:${'a-'.repeat(50_000)}!`, `email:${'a.'.repeat(50_000)}`, `ip:${':'.repeat(50_000)}`]) {
      expect(constraintBase(text)).toBeUndefined();
    }
    expect(cpuTime() - started).toBeLessThan(200);
  });
});

test('name constraints without bases are omitted', () => {
  const base = constraintBase('dns:a') ?? new Uint8Array();
  expect(hex(nameConstraintsOf([base], []).value)).toBe('3007a0053003820161');
  expect(hex(nameConstraintsOf([], [base]).value)).toBe('3007a1053003820161');
});
