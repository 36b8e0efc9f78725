import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { type EcCurve, ecCurves, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import {
  algorithmOf,
  derToRawEcdsa,
  isWeakSignature,
  jwsAlgorithm,
  keySpecOfSpki,
  kmsKeySpec,
  rawToDerEcdsa,
  signatureAlgorithmDer,
} from '../../lambdas/x509/algorithms.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { weakSignature } from '../../lambdas/x509/signature.ts';
import { golden } from './golden.ts';
import { ecKey, issue, party, spkiOf } from './issue.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the table', () => {
  const rows: [KeySpec, jws: string, kmsKey: string | undefined, kmsSigning: string, algorithm: string][] = [
    [{ kty: 'EC', curve: 'P-256' }, 'ES256', 'ECC_NIST_P256', 'ECDSA_SHA_256', '300a06082a8648ce3d040302'],
    [{ kty: 'EC', curve: 'P-384' }, 'ES384', 'ECC_NIST_P384', 'ECDSA_SHA_384', '300a06082a8648ce3d040303'],
    [{ kty: 'EC', curve: 'P-521' }, 'ES512', 'ECC_NIST_P521', 'ECDSA_SHA_512', '300a06082a8648ce3d040304'],
    [{ kty: 'OKP', curve: 'Ed25519' }, 'EdDSA', 'ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', '300506032b6570'],
    [{ kty: 'RSA', size: 3072 }, 'RS256', 'RSA_3072', 'RSASSA_PKCS1_V1_5_SHA_256', '300d06092a864886f70d01010b0500'],
    [{ kty: 'RSA', size: 8192 }, 'RS256', undefined, 'RSASSA_PKCS1_V1_5_SHA_256', '300d06092a864886f70d01010b0500'],
  ];
  it.each(rows)('%o', (spec, jws, kmsKey, kmsSigning, algorithm) => {
    expect(jwsAlgorithm(spec)).toBe(jws);
    expect(kmsKeySpec(spec)).toBe(kmsKey);
    expect(algorithmOf(spec).kmsSigningAlgorithm).toBe(kmsSigning);
    expect(algorithmOf(spec).kmsMessageType).toBe(spec.kty === 'OKP' ? 'RAW' : 'DIGEST');
    expect(hex(signatureAlgorithmDer(spec))).toBe(algorithm);
  });
});

describe('keySpecOfSpki', () => {
  it.each(ecCurves)('%s', (curve) => {
    expect(keySpecOfSpki(spkiOf(ecKey(curve)))).toEqual({ kty: 'EC', curve });
  });

  it.each([1024, 2047, 2048, 2049])('RSA %i, to the bit', (modulusLength) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
    // OpenSSL may make a slightly shorter key than requested
    const size = privateKey.asymmetricKeyDetails?.modulusLength;
    expect(keySpecOfSpki(spkiOf(privateKey))).toEqual({ kty: 'RSA', size });
  });

  it('other kinds are unknown', () => {
    expect(keySpecOfSpki(spkiOf(ecKey('secp256k1')))).toBeUndefined();
    expect(keySpecOfSpki(spkiOf(generateKeyPairSync('x25519').privateKey))).toBeUndefined();
    expect(keySpecOfSpki(spkiOf(generateKeyPairSync('ed448').privateKey))).toBeUndefined();
  });

  it('refuses an invalid SubjectPublicKeyInfo', () => {
    expect(() => keySpecOfSpki(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    const algorithm = d.sequence(d.oid('1.3.101.112'));
    const key = d.bitString(new Uint8Array(32));
    expect(keySpecOfSpki(d.sequence(algorithm, key))).toEqual({ kty: 'OKP', curve: 'Ed25519' });
    expect(() => keySpecOfSpki(d.sequence(algorithm, key, d.nullValue()))).toThrow('the public key has bytes after');
  });

  const rsaKey = (modulus: string) => {
    const key = d.sequence(d.element(2, Buffer.from(modulus, 'hex')), d.integer(65_537));
    return d.sequence(d.sequence(d.oid('1.2.840.113549.1.1.1'), d.nullValue()), d.bitString(key));
  };
  it.each([
    ['00', 0],
    ['01', 1],
    ['7fff', 15],
    ['008000', 16],
  ])('RSA with a modulus of %s has %i bits', (modulus, size) => {
    expect(keySpecOfSpki(rsaKey(modulus))).toEqual({ kty: 'RSA', size });
  });

  it.each(['80', '8000', 'ff00'])('RSA with a modulus of %s is refused', (modulus) => {
    expect(() => keySpecOfSpki(rsaKey(modulus))).toThrow('the RSA public key has a negative modulus');
  });
});

describe('ECDSA signatures', () => {
  it.each(ecCurves)('%s: node accepts one for the other', (curve) => {
    const key = ecKey(curve);
    const data = Buffer.from('data');
    for (let run = 0; run < 20; run++) {
      const der = sign('sha256', data, key);
      const raw = derToRawEcdsa(der, curve);
      expect(verify('sha256', data, { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
      expect(hex(rawToDerEcdsa(raw, curve))).toBe(hex(der));
    }
  });

  it('any R and S are kept, short ones and those with the high bit too', () => {
    const widths: Record<EcCurve, number> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };
    const part = (width: number) =>
      fc
        .tuple(fc.integer({ min: 0, max: width }), fc.uint8Array({ minLength: width, maxLength: width }))
        .map(([zeros, octets]) => octets.fill(0, 0, zeros));
    fc.assert(
      fc.property(
        fc
          .constantFrom(...ecCurves)
          .chain((curve) => fc.tuple(fc.constant(curve), part(widths[curve]), part(widths[curve]))),
        ([curve, r, s]) => {
          const raw = Uint8Array.from([...r, ...s]);
          expect(derToRawEcdsa(rawToDerEcdsa(raw, curve), curve)).toEqual(raw);
        },
      ),
    );
  });

  const refused: [what: string, act: () => unknown, problem?: string][] = [
    ['R of -128', () => derToRawEcdsa(d.sequence(d.integer(-128), d.integer(1)), 'P-256'), 'is not one of P-256'],
    ['R that is negative', () => derToRawEcdsa(d.sequence(d.integer(-1), d.integer(1)), 'P-256')],
    ['S that is too long', () => derToRawEcdsa(d.sequence(d.integer(1), d.integer(2n ** 256n)), 'P-256')],
    ['one number', () => derToRawEcdsa(d.sequence(d.integer(1)), 'P-256')],
    ['three numbers', () => derToRawEcdsa(d.sequence(d.integer(1), d.integer(1), d.integer(1)), 'P-256')],
    ['raw of another curve', () => rawToDerEcdsa(new Uint8Array(96), 'P-256'), 'is not one of P-256'],
  ];
  it.each(refused)('%s is refused', (_, act, problem = '') => {
    expect(act).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(act).toThrow(`the ECDSA signature ${problem}`);
  });
});

describe('weak signatures', () => {
  const files: [string, boolean][] = [
    ['signed-sha1', true],
    ['signed-ecdsa-sha1', true],
    ['signed-pss-sha1', true],
    ['signed-pss-sha256', false],
    ['key-rsa-pss', false],
    ['key-ed25519', false],
    ['key-p256', false],
  ];
  it.each(files)('%s: %s', (file, weak) =>
    expect(weakSignature(parseCertificate(golden(file))) !== undefined).toBe(weak),
  );

  it('MD5 by its OID, and RSASSA-PSS parameters that can’t be read', () => {
    expect(isWeakSignature('1.2.840.113549.1.1.4')).toBe(true);
    expect(isWeakSignature('1.2.840.113549.1.1.11')).toBe(false);
    const ca = party('CA');
    const pss = (...parameters: Uint8Array[]) =>
      weakSignature(issue(ca, ca, { algorithm: d.sequence(d.oid('1.2.840.113549.1.1.10'), ...parameters) })) !==
      undefined;
    expect(pss()).toBe(true);
    expect(pss(d.nullValue())).toBe(true);
    expect(pss(d.sequence())).toBe(true); // SHA-1 by default
    expect(pss(d.sequence(d.context(0, d.sequence(d.oid('2.16.840.1.101.3.4.2.1')))))).toBe(false);
  });
});
