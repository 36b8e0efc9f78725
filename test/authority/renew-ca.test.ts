/** The certificate of an authority on its way through the same use case as any other. */
import { describe, expect, it } from 'vitest';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/queued.ts';
import { renewWithEnd } from '../../lambdas/renewal/with-end.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  der,
  extension,
  keyUsage,
  octets,
  oid,
  sequence,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
  utf8,
} from '../fakes/certificates.ts';
import { opensslText, opensslVerify } from './openssl.ts';
import { certificatesIn, day, hour, keyOf, Stack, start, year } from './world.ts';

const rename = (stack: Stack, name: string) => stack.store.summary(`pki/${name}`).arn;
const fromQueue = (stack: Stack, name: string) => {
  const { arn, currentVersionId = '' } = stack.store.summary(`pki/${name}`);
  return renewQueued(stack, { secretArn: arn, versionId: currentVersionId }, 1);
};

/** Everything that Infisical drops on the way, and what nobody understands. */
const odd: readonly Extension[] = [
  keyUsage('keyCertSign', 'cRLSign', 'digitalSignature'),
  basicConstraints(true, 0),
  extension('2.5.29.30', sequence(der(0xa0, sequence(utf8('leaf.example', 0x82)))), true),
  extension('2.5.29.32', sequence(sequence(oid('1.3.6.1.4.1.99999.5'))), true),
  extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), utf8('http://pki.example/root.crt', 0x86))),
  ),
  extension('2.5.29.31', sequence(sequence(der(0xa0, der(0xa0, utf8('http://pki.example/root.crl', 0x86)))))),
  extension('1.3.6.1.4.1.99999.1', octets(Buffer.from('nobody knows')), false),
];

/** An intermediate with every extension, signed by the root of the stack. */
function oddIntermediate(
  stack: Stack,
  more: Partial<{ notBefore: number; notAfter: number; extra: Extension[] }> = {},
) {
  const spki = spkiOf(stack.keyOf('issuing'));
  return signCertificate(
    {
      subject: commonNameOnly('Odd Issuing'),
      spki,
      notBefore: more.notBefore ?? start - 2 * year,
      notAfter: more.notAfter ?? start + 100 * day,
      extensions: [
        ...odd,
        ...(more.extra ?? []),
        subjectKeyIdentifier(spki),
        authorityKeyIdentifier(spkiOf(stack.keyOf('root'))),
      ],
    },
    { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') },
  );
}

describe('a root', () => {
  it('is renewed by its own key: same key, same name, same extensions byte for byte, a new serial and end', async () => {
    const stack = await new Stack().hierarchy();
    const before = stack.certificateOf('root');
    stack.clock.set(start + 9 * year);
    const result = await renewOnDemand(stack, { secretId: 'pki/root' });
    const after = stack.certificateOf('root');
    expect(result).toMatchObject({ outcome: 'renewed', profile: 'authority:root', keyAlgorithm: 'EC P-256' });
    expect(after.serialNumber).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.notAfter - after.notBefore).toBe(10 * year);
    expect(after.notBefore).toBe(start + 9 * year - 60_000);
    expect(after.extensions).toEqual(before.extensions);
    expect(after.spki).toEqual(before.spki);
    expect(opensslText(after.der)).toBe(opensslText(before.der));
    expect(JSON.parse(textOf(stack, 'pki/root'))).toMatchObject({ certificateChain: '' });
  });

  it('vouches for what was issued before and after its renewal, and so does the old one, by openssl', async () => {
    const stack = await new Stack().hierarchy();
    const old = stack.certificateOf('root');
    const before = stack.enrolLeaf({ name: 'before', notAfter: start + 20 * hour });
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: 'pki/root', force: true });
    await renewOnDemand(stack, { secretId: 'before', force: true });
    const renewed = certificatesIn(stack.store.value('before'));
    const now = stack.clock.now();
    for (const root of [old, stack.certificateOf('root')]) {
      for (const leaf of [before.leaf, renewed.leaf]) {
        const chain = renewed.chain.map((each) => each.der);
        expect(opensslVerify(leaf.der, { roots: [root.der], chain, now })).toMatchObject({ ok: true });
      }
    }
    const stranger = (await new Stack().hierarchy()).certificateOf('root').der;
    const chain = renewed.chain.map((each) => each.der);
    expect(opensslVerify(before.leaf.der, { roots: [stranger], chain, now })).toMatchObject({ ok: false });
  });

  it('that names itself by serial number does so by the new one', async () => {
    const stack = new Stack();
    stack.declare('root');
    const spki = spkiOf(stack.keyOf('root'));
    const subject = commonNameOnly('Named Root');
    const serialNumber = Uint8Array.of(0x11, 1, 2, 3, 4, 5, 6, 7);
    const named = extension(
      '2.5.29.35',
      sequence(
        der(0x80, subjectKeyIdentifier(spki).value.subarray(2)),
        der(0xa1, der(0xa4, subject)),
        der(0x82, serialNumber),
      ),
    );
    const extensions = [keyUsage('keyCertSign'), basicConstraints(true), subjectKeyIdentifier(spki), named];
    const dates = { notBefore: start - year, notAfter: start + 10 * day };
    const root = signCertificate(
      { subject, spki, serialNumber, ...dates, extensions },
      { subject, key: stack.keyOf('root') },
    );
    stack.install('root', root);
    await renewOnDemand(stack, { secretId: 'pki/root' });
    const after = stack.certificateOf('root').der;
    expect(opensslVerify(after, { roots: [after], now: start })).toMatchObject({ ok: true });
  });
});

describe('an intermediate', () => {
  it('keeps pathLen 0, name constraints, policies, AIA, CRL points and what nobody knows, byte for byte', async () => {
    const stack = await new Stack().hierarchy();
    const unknown = extension('1.3.6.1.4.1.99999.2', octets(Uint8Array.of(5, 0)), true);
    const der = oddIntermediate(stack, { extra: [unknown] });
    stack.install('issuing', der);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const [before, after] = [parseCertificate(der), stack.certificateOf('issuing')];
    expect(after.extensions).toEqual(before.extensions);
    expect(after).toMatchObject({ isCa: true, pathLength: 0 });
    expect(opensslText(after.der)).toBe(opensslText(before.der));
    expect(after.issuer).toEqual(stack.certificateOf('root').subject);
  });

  it('vouches for leaves of before and after by openssl, its old certificate too', async () => {
    const stack = await new Stack().hierarchy();
    stack.install('issuing', oddIntermediate(stack));
    const old = stack.certificateOf('issuing');
    const { leaf } = stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    await renewOnDemand(stack, { secretId: 'web/tls' });
    const renewed = certificatesIn(stack.store.value('web/tls'));
    expect(renewed.chain.map((each) => each.serialNumber)).toEqual([stack.certificateOf('issuing').serialNumber]);
    const roots = [stack.certificateOf('root').der];
    for (const each of [leaf, renewed.leaf]) {
      for (const issuing of [old, stack.certificateOf('issuing')]) {
        expect(opensslVerify(each.der, { roots, chain: [issuing.der], now: start })).toMatchObject({ ok: true });
      }
    }
  });

  it('keeps its duration, but never outlives its parent', async () => {
    const stack = await new Stack().hierarchy({
      issuing: { create: { subject: 'CN=I', validity: 3 * year, pathLength: 0 } },
    });
    stack.clock.set(start + 2 * year);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const { notBefore, notAfter } = stack.certificateOf('issuing');
    expect(notAfter - notBefore).toBe(3 * year);
    stack.clock.set(start + 8 * year - 30 * day);
    stack.install('issuing', oddIntermediate(stack, { notBefore: start + 5 * year, notAfter: start + 8 * year }));
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    expect(stack.certificateOf('issuing').notAfter).toBe(stack.certificateOf('root').notAfter);
  });

  it('that its parent can not extend is CertificateRejected, and no key signs', async () => {
    const stack = await new Stack().hierarchy();
    const end = stack.certificateOf('root').notAfter;
    stack.install('issuing', oddIntermediate(stack, { notBefore: end - 4 * year, notAfter: end }));
    stack.clock.set(end - 10 * day);
    const signed = stack.faults.count('sign');
    const failed = {
      name: 'CertificateRejected',
      message: expect.stringMatching(/authority root issues nothing beyond/),
    };
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject(failed);
    expect(stack.faults.count('sign')).toBe(signed);
    const forced = await renewOnDemand(stack, { secretId: 'pki/issuing', force: true });
    expect(forced.warnings).toMatchObject([{ code: 'NotExtended' }]);
  });

  it('gets the key identifier of a parent that has another key now, and else keeps its own', async () => {
    const stack = await new Stack().hierarchy();
    const key = keyOf({ kty: 'EC', curve: 'P-384' });
    const spki = spkiOf(key);
    const subject = stack.certificateOf('root').subject;
    const kmsKeyArn = stack.vault.add({ spec: { kty: 'EC', curve: 'P-384' }, privateKey: key });
    const extensions = [keyUsage('keyCertSign', 'cRLSign'), basicConstraints(true, 1), subjectKeyIdentifier(spki)];
    const dates = { notBefore: start - day, notAfter: start + 10 * year };
    const root = signCertificate({ subject, spki, ...dates, extensions }, { subject, key });
    stack.authorities.set({ ...(await found(stack, 'root')), kmsKeyArn });
    stack.install('root', root);
    stack.clock.advance(2 * year);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    const after = stack.certificateOf('issuing');
    expect(after.extensions.find((each) => each.oid === '2.5.29.35')).toEqual(authorityKeyIdentifier(spki));
    expect(opensslVerify(after.der, { roots: [root], now: stack.clock.now() })).toMatchObject({ ok: true });
  });
});

async function found(stack: Stack, name: string) {
  const authority = await stack.authorities.find(name);
  if (!authority) throw new Error(`no authority ${name}`);
  return authority;
}

function textOf(stack: Stack, secretId: string): string {
  const value = stack.store.value(secretId);
  return value.kind === 'string' ? value.text : '';
}

const specs: readonly KeySpec[] = [
  { kty: 'EC', curve: 'P-256' },
  { kty: 'EC', curve: 'P-384' },
  { kty: 'EC', curve: 'P-521' },
  { kty: 'RSA', size: 2048 },
  { kty: 'RSA', size: 3072 },
  { kty: 'RSA', size: 4096 },
];

it.each(specs.map((spec) => [formatKeySpec(spec), spec] as const))(
  'a key of %s in KMS signs for itself and for others',
  async (_, spec) => {
    const stack = await new Stack().hierarchy({ root: { spec }, issuing: { spec } });
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: 'pki/root', force: true });
    await renewOnDemand(stack, { secretId: 'pki/issuing', force: true });
    stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: 'web/tls' });
    const { leaf, chain } = certificatesIn(stack.store.value('web/tls'));
    const verified = { roots: [stack.certificateOf('root').der], chain: chain.map((each) => each.der) };
    expect(opensslVerify(leaf.der, { ...verified, now: stack.clock.now() })).toMatchObject({ ok: true });
  },
  30_000,
);

describe('a key in the secret', () => {
  it.each(['plain', 'encrypted'] as const)('that is %s signs as well', async (kind) => {
    const stack = await new Stack().hierarchy();
    const { certificate } = JSON.parse(textOf(stack, 'pki/root'));
    const format = { type: 'pkcs8', format: 'pem' } as const;
    const key = stack.keyOf('root');
    const privateKey =
      kind === 'plain' ? key.export(format) : key.export({ ...format, cipher: 'aes-256-cbc', passphrase: 'hunter2' });
    stack.store.add({ name: 'pki/password', value: 'hunter2\n' });
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set({ ...rest, ...(kind === 'encrypted' && { passwordSecretId: 'pki/password' }) });
    stack.store.write('pki/root', JSON.stringify({ certificate, privateKey }));
    stack.clock.advance(hour);
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({ outcome: 'renewed' });
    expect(await renewOnDemand(stack, { secretId: 'pki/issuing' })).toMatchObject({ outcome: 'renewed' });
    expect(JSON.parse(textOf(stack, 'pki/root')).privateKey).toBe(privateKey);
  });

  it('is KeyMismatch where it is another one, and so is a key in KMS; nothing is signed', async () => {
    const stack = await new Stack().hierarchy();
    const other = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    stack.authorities.set({ ...(await found(stack, 'root')), kmsKeyArn: other });
    stack.clock.advance(hour);
    const signed = stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'KeyMismatch' });
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({ name: 'KeyMismatch' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('that the secret names in KMS, and the configuration does not, is not used', async () => {
    const stack = await new Stack().hierarchy();
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set(rest);
    stack.clock.advance(hour);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'UnsupportedSecret',
    });
  });

  it('of RSA under 2048 bits signs nothing', async () => {
    const stack = await new Stack().hierarchy({ issuing: { spec: { kty: 'RSA', size: 2048 } } });
    const weak = keyOf({ kty: 'RSA', size: 1024 });
    const { kmsKeyArn: _, ...rest } = await found(stack, 'root');
    stack.authorities.set(rest);
    const subject = stack.certificateOf('root').subject;
    const spki = spkiOf(weak);
    const extensions = [keyUsage('keyCertSign'), basicConstraints(true), subjectKeyIdentifier(spki)];
    const dates = { notBefore: start - day, notAfter: start + year };
    const der = signCertificate({ subject, spki, ...dates, extensions }, { subject, key: weak });
    const privateKey = weak.export({ type: 'pkcs8', format: 'pem' });
    const certificate = `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
    stack.store.write('pki/root', JSON.stringify({ certificate, privateKey }));
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'WeakKey' });
  });
});

describe('what an authority does not do', () => {
  it('a new key: by tag it is InvalidTag, by request InvalidRequest', async () => {
    const stack = await new Stack().hierarchy();
    await expect(renewOnDemand(stack, { secretId: 'pki/root', mode: 'rekey' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    stack.store.setTags('pki/root', { [tags.mode]: 'rekey' });
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'InvalidTag' });
    expect(stack.publisher.of('Certificate Renewal Failed').at(-1)?.detail).toMatchObject({
      profile: 'authority:root',
    });
  });

  it('sign while it is disabled, for itself or for others', async () => {
    const stack = await new Stack().hierarchy();
    stack.authorities.set({ ...(await found(stack, 'root')), disabled: true });
    stack.clock.advance(hour);
    const signed = stack.faults.count('sign');
    const refused = { name: 'CaRejected', message: expect.stringMatching(/disabled/) };
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({ reason: { code: 'Paused' } });
    await expect(renewOnDemand(stack, { secretId: 'pki/root', force: true })).rejects.toMatchObject(refused);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject(refused);
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('renew what a CA elsewhere issued', async () => {
    const stack = await new Stack().hierarchy();
    const { parent: _, ...rest } = await found(stack, 'issuing');
    stack.authorities.set(rest);
    stack.clock.advance(hour);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'CaRejected',
      message: expect.stringMatching(/elsewhere/),
    });
  });

  it('take a leaf for its certificate', async () => {
    const stack = await new Stack().hierarchy();
    const { leaf } = stack.enrolLeaf({ key: stack.keyOf('issuing') });
    stack.install('issuing', leaf.der);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'InvalidCertificate',
    });
  });

  it('find a certificate where there is none yet: that is not due, and no failure', async () => {
    const stack = new Stack();
    stack.declare('root');
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({
      outcome: 'skipped',
      profile: 'authority:root',
      reason: { code: 'NotDue', message: expect.stringMatching(/no certificate yet/) },
    });
    expect(await fromQueue(stack, 'root')).toEqual({});
    expect(stack.publisher.events).toEqual([]);
  });

  it('go round in a circle of parents', async () => {
    const stack = await new Stack().hierarchy();
    stack.authorities.set({ ...(await found(stack, 'root')), parent: 'issuing' });
    stack.install('root', oddIntermediate(stack));
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'Internal',
      message: expect.stringMatching(/circle/),
    });
  });
});

describe('KMS', () => {
  it.each([
    ['denied', 'KmsDenied', {}],
    ['unavailable', 'KmsUnavailable', { retryAfter: 30 }],
  ] as const)('%s: %s, and nothing is promoted', async (_, code, outcome) => {
    const stack = await new Stack().hierarchy();
    stack.clock.set(start + 2.5 * year);
    const version = stack.store.summary('pki/issuing').currentVersionId;
    stack.vault.faults.failBefore('sign', new RenewalError(code, 'no'), { times: Infinity });
    expect(await fromQueue(stack, 'issuing')).toEqual(outcome);
    expect(stack.store.summary('pki/issuing').currentVersionId).toBe(version);
    expect(stack.store.tagsOf('pki/issuing')[tags.failure]).toMatch(new RegExp(`^1 .* ${code}$`));
  });

  it('that signs with another key than it showed is found out before anything is stored', async () => {
    const stack = await new Stack().hierarchy();
    const impostor = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    const signer = await stack.vault.signer(impostor);
    const real = stack.vault.signer.bind(stack.vault);
    stack.vault.signer = async (keyId) => ({ ...(await real(keyId)), sign: (data) => signer.sign(data) });
    stack.clock.set(start + 2.5 * year);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'CertificateRejected',
      message: expect.stringMatching(/does not verify/),
    });
    expect(stack.store.versionIds('pki/issuing')).toHaveLength(2);
  });
});

it('two renewals at once leave one new version', async () => {
  const stack = await new Stack().hierarchy();
  stack.clock.set(start + 2.5 * year);
  await Promise.all([fromQueue(stack, 'issuing'), fromQueue(stack, 'issuing'), fromQueue(stack, 'issuing')]);
  expect(stack.publisher.of('Certificate Renewed')).toHaveLength(1);
  const { versions, currentVersionId } = stack.store.summary('pki/issuing');
  expect([...versions.values()].filter((stages) => stages.includes('AWSPENDING'))).toHaveLength(
    versions.get(currentVersionId ?? '')?.includes('AWSPENDING') ? 1 : 0,
  );
  expect(rename(stack, 'issuing')).toMatch(/^arn:/);
});

describe('an end that is asked for by name', () => {
  const ends = (stack: Stack, notAfter: number) => renewWithEnd(stack, { secretId: 'pki/issuing', notAfter });

  it('is what the certificate gets, to the second', async () => {
    const stack = await new Stack().hierarchy();
    await ends(stack, start + 4 * year + 250);
    expect(stack.certificateOf('issuing').notAfter).toBe(start + 4 * year);
  });

  it.each<[string, (stack: Stack) => number]>([
    ['past', () => start - hour],
    ['now', () => start],
    ["today's", (stack) => stack.certificateOf('issuing').notAfter],
    ["less than a second behind today's", (stack) => stack.certificateOf('issuing').notAfter + 999],
    ["beyond the parent's", (stack) => stack.certificateOf('root').notAfter + 1000],
  ])('is refused when it is %s', async (_, end) => {
    const stack = await new Stack().hierarchy();
    const signed = stack.faults.count('sign');
    await expect(ends(stack, end(stack))).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('of a root has the last second of the year 9999 for its limit', async () => {
    const stack = await new Stack().hierarchy();
    const last = Date.UTC(9999, 11, 31, 23, 59, 59);
    const renewed = (notAfter: number) => renewWithEnd(stack, { secretId: 'pki/root', notAfter });
    await expect(renewed(last + 1000)).rejects.toMatchObject({ name: 'InvalidRequest' });
    await renewed(last);
    expect(stack.certificateOf('root').notAfter).toBe(last);
  });
});
