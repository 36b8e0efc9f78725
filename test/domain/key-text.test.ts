import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { holdsKey } from '../../lambdas/domain/key-text.ts';
import { quote } from '../../lambdas/domain/quote.ts';

const keys: readonly (readonly [string, KeyObject])[] = [
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
  ['RSA 1024', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey],
  ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
];

const containersOf = (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa'
    ? (['pkcs8', 'pkcs1'] as const)
    : key.asymmetricKeyType === 'ec'
      ? (['pkcs8', 'sec1'] as const)
      : (['pkcs8'] as const);

function formsOf(key: KeyObject): string[] {
  const jwk = key.export({ format: 'jwk' });
  return containersOf(key).flatMap((type) => {
    const options = { type, format: 'der' } as { type: 'pkcs8'; format: 'der' }; // node's types accept one kind of key for each call
    const der = key.export(options);
    const pem = String(key.export({ ...options, format: 'pem' }));
    return [
      ...[pem, pem.replaceAll('\n', ' '), pem.replaceAll('\n', ''), JSON.stringify(pem), encodeURIComponent(pem)],
      ...[der.toString('base64'), der.toString('base64url'), der.toString('hex'), der.toString('hex').toUpperCase()],
      ...[der.toString('base64').slice(0, 64), `keys/${der.toString('base64')}`, `found ${der.toString('hex')}`],
      ...[JSON.stringify(jwk), JSON.stringify(jwk, null, 2)],
    ];
  });
}

describe('a key or a token', () => {
  it.each(keys)('%s is found in every form', (_, key) => {
    for (const text of formsOf(key)) {
      expect(holdsKey(text), text).toBe(true);
      expect(quote(text)).toBe(`a text of ${text.length} characters that looks like a private key or a token`);
    }
  });

  it('a JWT', () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    expect(holdsKey(`Bearer ${part({ alg: 'ES256', typ: 'JWT' })}.${part({ iss: 'me', sub: 'x' })}.c2ln`)).toBe(true);
  });
});

describe('names are not found', () => {
  it.each([
    'web/tls',
    'MyCompanyProductionWebServerCertificateForTheInternalNetwork',
    'MCPServerCertificateOfTheProductionEnvironmentInFrankfurt',
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/MII/web-server+private-key_2026-AbCdEf',
    'arn:aws:kms:us-east-1:000000000000:key/mrk-1234abcd12ab34cd56ef1234567890ab',
    'alias/private-key',
    'privateKey',
    '-----BEGIN CERTIFICATE-----',
    'cert-renewer-3082a0b1-30203040506070809010203040506070',
    '{"certificate":"x"}',
  ])('%s', (text) => {
    expect(holdsKey(text)).toBe(false);
  });

  it('nor ids and hashes', () => {
    for (let n = 0; n < 20_000; n++) {
      expect(holdsKey(randomUUID())).toBe(false);
      expect(holdsKey(createHash('sha256').update(String(n)).digest('hex'))).toBe(false);
      expect(holdsKey(randomBytes(32).toString('base64url'))).toBe(false);
    }
  });
});
