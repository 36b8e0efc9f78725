import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { keySpecOfSpki } from '../../lambdas/x509/algorithms.ts';
import { canonicalSpki, hasExplicitParameters, samePublicKey } from '../../lambdas/x509/public-key.ts';
import { explicitP256, recoded } from '../../testkit/certificates/encodings.ts';
import { ecKey, spkiOf } from './issue.ts';

const curves = ['P-256', 'P-384', 'P-521'] as const;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('the same key', () => {
  it.each(curves.flatMap((curve) => (['compressed', 'hybrid'] as const).map((form) => [curve, form] as const)))(
    'on %s, %s',
    (curve, form) => {
      // Both parities of y, and numbers with leading zeros.
      for (let count = 0; count < 20; count++) {
        const spki = spkiOf(ecKey(curve));
        const other = recoded(spki, form);
        expect(other).not.toEqual(spki);
        expect(samePublicKey(spki, other)).toBe(true);
        expect(samePublicKey(other, spki)).toBe(true);
        expect(samePublicKey(other, recoded(spkiOf(ecKey(curve)), form))).toBe(false);
        expect(canonicalSpki(other)).toEqual(spki);
        expect(keySpecOfSpki(other)).toEqual({ kty: 'EC', curve });
      }
    },
  );

  it('of RSA without its NULL', () => {
    const spki = spkiOf(rsa());
    const other = recoded(spki, 'without NULL');
    expect(other.length).toBe(spki.length - 2);
    expect(samePublicKey(spki, other)).toBe(true);
    expect(samePublicKey(other, recoded(spkiOf(rsa()), 'without NULL'))).toBe(false);
    expect(createPublicKey({ key: Buffer.from(other), format: 'der', type: 'spki' }).asymmetricKeyType).toBe('rsa');
  });

  it('that is uncompressed stays as it is, on any curve', () => {
    for (const spki of [spkiOf(ecKey()), explicitP256(spkiOf(ecKey())), spkiOf(ecKey('secp256k1'))]) {
      expect(canonicalSpki(spki)).toBe(spki);
    }
    const unnamed = d.sequence(d.sequence(d.oid('1.2.840.10045.2.1')), d.bitString(Buffer.alloc(33, 2)));
    expect(canonicalSpki(unnamed)).toBe(unnamed);
    expect(hasExplicitParameters(unnamed)).toBe(false);
  });

  it('of half an octet is invalid', () => {
    const odd = d.sequence(d.sequence(d.oid('1.3.101.112')), d.element(0x03, Uint8Array.of(4, 0x10)));
    expect(() => canonicalSpki(odd)).toThrow('the public key is not of whole octets');
  });

  it('of Ed25519 has one encoding', () => {
    const spki = spkiOf(generateKeyPairSync('ed25519').privateKey);
    expect(canonicalSpki(spki)).toBe(spki);
  });
});

describe('different keys', () => {
  it('the point and its negative', () => {
    const spki = recoded(spkiOf(ecKey()), 'compressed');
    const negative = spki.slice();
    const at = spki.length - 33;
    negative[at] = (spki[at] ?? 0) ^ 1;
    expect(samePublicKey(spki, negative)).toBe(false);
  });

  it('the same octets on another curve', () => {
    const point = d.bitString(Buffer.alloc(33, 2));
    const on = (curve: string) => d.sequence(d.sequence(d.oid('1.2.840.10045.2.1'), d.oid(curve)), point);
    expect(samePublicKey(on('1.2.840.10045.3.1.7'), on('1.3.132.0.34'))).toBe(false);
  });

  it('octets that are no point stay unchanged', () => {
    const none = recoded(spkiOf(ecKey()), 'compressed').fill(0xff, -32);
    expect(canonicalSpki(none)).toBe(none);
    expect(samePublicKey(none, none)).toBe(true);
    expect(samePublicKey(none, spkiOf(ecKey()))).toBe(false);
  });
});

describe('an explicit curve', () => {
  it('is recognised, and is not the named one', () => {
    const spki = spkiOf(ecKey());
    const explicit = explicitP256(spki);
    expect(hasExplicitParameters(explicit)).toBe(true);
    expect(samePublicKey(spki, explicit)).toBe(false);
    expect(keySpecOfSpki(explicit)).toBeUndefined();
    // OpenSSL takes it for the named one.
    const seen = createPublicKey({ key: Buffer.from(explicit), format: 'der', type: 'spki' });
    expect(seen.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it.each([...curves, 'secp256k1'])('%s by its name is not explicit', (curve) => {
    expect(hasExplicitParameters(spkiOf(ecKey(curve)))).toBe(false);
  });

  it('keys of other kinds are not explicit', () => {
    for (const type of ['ed25519', 'x25519'] as const) {
      const { privateKey } = type === 'ed25519' ? generateKeyPairSync(type) : generateKeyPairSync(type);
      expect(hasExplicitParameters(spkiOf(privateKey))).toBe(false);
    }
    expect(hasExplicitParameters(spkiOf(rsa()))).toBe(false);
  });
});
