import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { binary, goldenText, keyPem, makeMaterial, pem, text } from './material.ts';

let certificate: string;
let key: string;
beforeAll(() => {
  const m = makeMaterial();
  certificate = pem(m.leaf('P-256').der);
  key = keyPem(m.leaf('P-256').key);
});

const json = (object: unknown) => text(JSON.stringify(object));
const canary = 'hunter2-hunter2';

async function failure(value: SecretValue): Promise<RenewalError> {
  const thrown = await readSecret(value).catch((error: unknown) => error);
  if (thrown instanceof RenewalError) return thrown;
  throw new Error('It was read, or not refused with a RenewalError', { cause: thrown });
}

/** [name, value, text of the message]. Every value that has room holds the canary. No message may contain it. */
const table: [string, () => SecretValue, string][] = [
  ['nothing', () => text(''), 'An empty value'],
  ['white space', () => text(' \n'), 'An empty value'],
  ['a password', () => text(canary), 'Text of 15 characters that is neither JSON nor PEM'],
  ['a JSON string', () => json(canary), 'a string'],
  ['a JSON number', () => text('12'), 'a number'],
  ['null', () => text('null'), 'null'],
  ['a JSON array', () => json([canary]), 'an array'],
  ['broken JSON', () => text(`{"certificate":"${canary}"`), 'begins like JSON but is not valid JSON'],
  ['broken JSON behind white space', () => text(` \n{"certificate":"${canary}"`), 'begins like JSON but is not'],
  ['a password with a brace', () => text(`${canary}{`), 'neither JSON nor PEM'],
  ['JSON with a comment', () => text(`{"a":1 /* ${canary} */}`), 'begins like JSON'],
  ['other fields', () => json({ username: canary, password: canary }), 'the fields ["username", "password"]'],
  ['a long name', () => json({ ['x'.repeat(100)]: canary }), `["${'x'.repeat(64)}…"]`],
  ['names with line ends', () => json({ 'a\n"b"': canary }), '["a\\n\\"b\\""]'],
  [
    'many fields',
    () => json(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, canary]))),
    '"f19", …]',
  ],
  ['twenty fields', () => json(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, canary]))), '"f19"]'],
  [
    'many fields and no key',
    () => json({ certificate, ...Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, canary])) }),
    '"f18", …] and no key',
  ],
  ['no object', () => text('{}'), 'the fields []'],
  ['certificate, no key', () => json({ certificate, note: canary }), 'the fields ["certificate", "note"] and no key'],
  [
    'a member twice',
    () => text(`{"certificate":"${canary}","a":1,"certificat\\u0065":""}`),
    'more than one member "certificate"',
  ],
  [
    'two shapes',
    () => json({ certificate, 'tls.crt': canary, privateKey: key }),
    'has fields of a JSON object with certificate, privateKey and optionally certificateChain, and of a JSON object with tls.crt',
  ],
  ['camel and snake', () => json({ certificate, privateKey: key, ca_chain: [canary] }), 'has fields of'],
  [
    'both kinds of key',
    () => json({ certificate, privateKey: canary, kmsKeyId: 'alias/a' }),
    'both fields "privateKey" and "kmsKeyId"',
  ],
  [
    'a certificate that is a number',
    () => json({ certificate: 1, privateKey: key }),
    'The field "certificate" holds a number',
  ],
  ['a certificate that is an array', () => json({ certificate: [certificate], privateKey: key }), 'holds an array'],
  ['an empty certificate', () => json({ certificate: '', privateKey: key }), '"certificate" is empty'],
  ['a certificate without PEM', () => json({ certificate: canary, privateKey: key }), 'text without a PEM block'],
  ['a key for a certificate', () => json({ certificate: key, privateKey: key }), 'a PEM block that is not CERTIFICATE'],
  [
    'a chain of numbers',
    () => json({ certificate, private_key: key, ca_chain: [1] }),
    '"ca_chain" holds an array with a number',
  ],
  ['a chain of nulls', () => json({ certificate, private_key: key, ca_chain: [null] }), 'an array with null'],
  [
    'a chain as an object',
    () => json({ certificate, privateKey: key, certificateChain: { a: canary } }),
    'holds an object',
  ],
  ['a chain of arrays', () => json({ certificate, private_key: key, ca_chain: [[canary]] }), 'an array with an array'],
  ['a key that is an array', () => json({ certificate, privateKey: [canary] }), '"privateKey" holds an array'],
  ['a key that is an object', () => json({ certificate, privateKey: { a: canary } }), '"privateKey" holds an object'],
  ['a key without PEM', () => json({ certificate, privateKey: canary }), 'text without a PEM block'],
  [
    'a certificate for a key',
    () => json({ certificate, privateKey: certificate }),
    'a PEM block that is not a private key',
  ],
  [
    'a certificate with the key',
    () => json({ certificate, privateKey: `${key}\n${certificate}` }),
    'a PEM block that is not a private key',
  ],
  ['two keys', () => json({ certificate, privateKey: `${key}\n${key}` }), 'The field "privateKey" has 2 private keys'],
  [
    'a certificate that is cut',
    () => json({ certificate: certificate.slice(0, 100), privateKey: key }),
    'The field "certificate" has a PEM block BEGIN CERTIFICATE that is not closed',
  ],
  [
    'a key that is cut',
    () => json({ certificate, privateKey: key.slice(0, 60) }),
    'The field "privateKey" has a PEM block BEGIN PRIVATE KEY that is not closed',
  ],
  [
    'an OpenSSH key',
    () => json({ certificate, privateKey: key.replaceAll('PRIVATE', 'OPENSSH PRIVATE') }),
    'a private key of an unsupported kind: expected one PEM block PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY, RSA PRIVATE KEY',
  ],
  [
    'a key that is none',
    () => json({ certificate, privateKey: key.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA') }),
    'block without a key',
  ],
  ['a KMS key that is a number', () => json({ certificate, kmsKeyId: 1 }), '"kmsKeyId" holds a number'],
  [
    'a KMS key with a space',
    () => json({ certificate, kmsKeyId: `alias/ ${canary}` }),
    "text that can't be the name of a key",
  ],
  ['pkcs12 that is a number', () => json({ pkcs12: 1 }), '"pkcs12" holds a number'],
  ['pkcs12 that is null', () => json({ pkcs12: null }), '"pkcs12" holds null'],
  ['pkcs12 that is not base64', () => json({ pkcs12: `${canary}!` }), 'text that is not base64'],
  [
    'PEM cut in the base64',
    () => text(`${certificate}\n${key.slice(0, 60)}`),
    'The PEM text has a PEM block BEGIN PRIVATE KEY that is not closed by its END line',
  ],
  [
    'PEM with a key that is none',
    () => text(`${certificate}\n${key.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA')}`),
    'The PEM text has a private key block without a key',
  ],
  ['PEM cut at its beginning', () => text(certificate.slice(30)), 'a PEM END line without its BEGIN'],
  ['base64 with a hole', () => text(`${certificate.replace('\nMI', '\nM*')}\n${key}`), 'is not base64'],
  ['PEM without a key', () => text(certificate), 'PEM text with 1 certificate and 0 private keys: expected'],
  ['PEM without a certificate', () => text(key), 'PEM text with 0 certificates and 1 private key'],
  ['PEM with two keys', () => text(`${certificate}\n${key}\n${key}`), '2 private keys'],
  [
    'PEM with a request',
    () => text(`${certificate}\n${key}\n${certificate.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST')}`),
    '1 block of another kind',
  ],
  [
    'a thousand blocks',
    () => text(`${key}\n${`${goldenText('root.crt')}\n`.repeat(1000)}`),
    'more than 200 PEM blocks',
  ],
  ['60 KB of random bytes', () => binary(randomBytes(61_440)), 'Binary data of 61440 bytes'],
  [
    '60 KB that begin like DER',
    () => binary(Buffer.concat([Buffer.from([0x30, 0x82]), randomBytes(61_438)])),
    'Binary data of 61440 bytes',
  ],
  [
    'a certificate in DER',
    () => binary(Buffer.from(certificate.split('\n').slice(1, -1).join(''), 'base64')),
    'neither text nor PKCS#12',
  ],
  ['UTF-16', () => binary(Buffer.from(`{"certificate":"${canary}"}`, 'utf16le')), 'begins like JSON'],
  ['bytes that begin with 0 and are text', () => binary(Buffer.from('0é')), 'Text of 2 characters'],
  ['no bytes', () => binary(new Uint8Array()), 'An empty value'],
];

describe('an unsupported secret is refused, with what was found and what was expected', () => {
  it.each(table)('%s', async (_, value, found) => {
    const start = cpuTime();
    const error = await failure(value());
    expect(cpuTime() - start).toBeLessThan(1_000);
    expect(error.code).toBe('UnsupportedSecret');
    expect(error.message).toContain(found);
    expect(error.message).toContain('expected');
    expect(error.message).not.toContain(canary);
    expect(error.message).not.toMatch(/MI[A-Za-z0-9+/]{6}/);
    expect(error.message.length).toBeLessThan(2500);
    expect(error.cause).toBeUndefined();
  });

  it('a certificate that can’t be parsed', async () => {
    const other = pem(new Uint8Array(100).fill(0x30));
    const behind = pem(
      Buffer.concat([Buffer.from(certificate.split('\n').slice(1, -1).join(''), 'base64'), Buffer.alloc(3)]),
    );
    const spoilt: [string, number][] = [
      [other, 1],
      [behind, 1],
      [`${certificate}\n${other}`, 2],
    ];
    for (const [blocks, which] of spoilt) {
      const values: [SecretValue, string][] = [
        [json({ certificate: blocks, privateKey: key }), 'field "certificate"'],
        [text(`${blocks}\n${key}`), 'PEM text'],
      ];
      for (const [value, where] of values) {
        const message = expect.stringMatching(
          new RegExp(`^Certificate ${which} of the ${where} is not an X\\.509 certificate: .* Store the certificate `),
        );
        expect(await failure(value)).toMatchObject({ code: 'InvalidCertificate', message });
      }
    }
  });
});

describe('a hostile secret is refused quickly', () => {
  const hostile: [string, () => string][] = [
    [
      'nested arrays',
      () =>
        `{"certificate":${JSON.stringify(certificate)},"privateKey":${JSON.stringify(key)},"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
    ],
    [
      'nested objects',
      () =>
        `{"certificate":${JSON.stringify(certificate)},"privateKey":${JSON.stringify(key)},"x":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    ],
    [
      '__proto__ and constructor',
      () =>
        `{"__proto__":{"privateKey":"x"},"constructor":1,"toString":2,"certificate":${JSON.stringify(certificate)},"privateKey":${JSON.stringify(key)}}`,
    ],
  ];
  it.each(hostile)('%s', async (_, value) => {
    const start = cpuTime();
    const held = text(value());
    const content = await readSecret(held);
    expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(held);
    expect(cpuTime() - start).toBeLessThan(1_000);
  });

  it.each([
    '-----BEGIN ',
    '-----BEGIN A-----\n',
    '-----',
    '\n-----',
    ' \t',
    '-----BEGIN A-----\nA:b\n ',
    '=',
    '{"a":[',
  ])('60 KB of %j', async (piece) => {
    for (const value of [
      text(piece.repeat(61_440 / piece.length)),
      json({ certificate: piece.repeat(61_440 / piece.length), privateKey: key }),
    ]) {
      const start = cpuTime();
      expect(await failure(value)).toMatchObject({ code: 'UnsupportedSecret' });
      expect(cpuTime() - start).toBeLessThan(1_000);
    }
  });
});
