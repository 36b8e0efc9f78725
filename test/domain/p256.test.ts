import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { jwkOfPkcs8, pkcs8OfJwk } from '../../lambdas/domain/p256.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

describe('a P-256 key by its frame', () => {
  it('is byte for byte what OpenSSL reads and writes', () => {
    // Enough keys for numbers that begin with zeros, which a JSON Web Key keeps.
    for (let count = 0; count < 600; count++) {
      const key = newKey();
      const der = key.export({ format: 'der', type: 'pkcs8' });
      const jwk = key.export({ format: 'jwk' });
      expect(jwkOfPkcs8(der)).toEqual(jwk);
      expect(hex(pkcs8OfJwk(jwk))).toBe(hex(der));
    }
  });

  it('is read from a part of a larger buffer', () => {
    const key = newKey();
    const der = Buffer.concat([Buffer.alloc(7), key.export({ format: 'der', type: 'pkcs8' }), Buffer.alloc(9)]);
    const jwk = jwkOfPkcs8(der.subarray(7, der.length - 9));
    expect(createPrivateKey({ key: { ...jwk }, format: 'jwk' }).equals(key)).toBe(true);
  });

  it.each([
    { name: 'another curve', key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey },
    { name: 'secp256k1', key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey },
    { name: 'Ed25519', key: generateKeyPairSync('ed25519').privateKey },
    { name: 'RSA', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  ])('is not what $name is', ({ key }) => {
    expect(jwkOfPkcs8(key.export({ format: 'der', type: 'pkcs8' }))).toBeUndefined();
    const jwk = key.export({ format: 'jwk' });
    expect(pkcs8OfJwk(jwk)).toBeUndefined();
  });

  it('is not what lacks a byte, has one more, or another frame', () => {
    const der = newKey().export({ format: 'der', type: 'pkcs8' });
    expect(jwkOfPkcs8(der.subarray(0, -1))).toBeUndefined();
    expect(jwkOfPkcs8(Buffer.concat([der, Buffer.alloc(1)]))).toBeUndefined();
    for (const at of [0, 10, 35, 70, 73]) {
      const other = Buffer.from(der);
      other[at] = (other[at] ?? 0) ^ 1;
      expect(jwkOfPkcs8(other), `byte ${at}`).toBeUndefined();
    }
  });
});
