import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { type KeySpec, sameKeySpec } from '../../lambdas/domain/key-spec.ts';
import { generateKey } from '../../lambdas/keys/generate.ts';
import { checkGivenKey } from '../../lambdas/keys/given.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { keySpecFor, sameKey } from '../../lambdas/keys/spec.ts';

const specs: [string, KeySpec, string | null][] = [
  ['EC P-256', { kty: 'EC', curve: 'P-256' }, 'sha256'],
  ['EC P-384', { kty: 'EC', curve: 'P-384' }, 'sha384'],
  ['EC P-521', { kty: 'EC', curve: 'P-521' }, 'sha512'],
  ['OKP Ed25519', { kty: 'OKP', curve: 'Ed25519' }, null],
  ['RSA 2048', { kty: 'RSA', size: 2048 }, 'sha256'],
  ['RSA 3072', { kty: 'RSA', size: 3072 }, 'sha256'],
];

describe.each(specs)('%s', (_, spec, digest) => {
  it('is made new each time, and signs', async () => {
    const [signer, another] = await Promise.all([generateKey(spec), generateKey(spec)]);
    expect(signer.keySpec).toEqual(spec);
    expect(sameKey(signer, another)).toBe(false);
    const spki = createPublicKey({ key: Buffer.from(signer.spki), format: 'der', type: 'spki' });
    const data = new Uint8Array(5000).fill(7);
    const signature = await signer.sign(data);
    expect(verify(digest, data, spki, signature)).toBe(true);
    expect(verify(digest, data.with(0, 8), spki, signature)).toBe(false);
    // DER, not R‖S; RSA by PKCS #1 v1.5 without a salt, so the same each time.
    if (spec.kty === 'EC') expect(signature[0]).toBe(0x30);
    if (spec.kty === 'RSA') expect(await signer.sign(data)).toEqual(signature);
    expect(() => checkGivenKey(signer)).not.toThrow();
    expect(sameKey(localSigner(signer.privateKey), signer)).toBe(true);
  });
});

describe('unknown keys', () => {
  const table: [string, () => ReturnType<typeof createPrivateKey>, string][] = [
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey, 'secp256k1'],
    ['P-224', () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey, 'secp224r1'],
    ['Ed448', () => generateKeyPairSync('ed448').privateKey, 'ed448'],
    ['X25519', () => generateKeyPairSync('x25519').privateKey, 'x25519'],
    ['RSASSA-PSS only', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, 'rsa-pss'],
    ['a public key', () => generateKeyPairSync('ed25519').publicKey, 'a public key'],
  ];
  it.each(table)('%s', (_, key, named) => {
    expect(() => localSigner(key())).toThrow(
      expect.objectContaining({ code: 'UnsupportedSecret', message: expect.stringContaining(named) }),
    );
  });
});

describe('a given key', () => {
  const table: [string, number, number, boolean][] = [
    ['RSA 1024', 1024, 65_537, false],
    ['RSA 2047', 2047, 65_537, false],
    ['RSA 2048', 2048, 65_537, true],
    ['exponent 3', 2048, 3, false],
    ['exponent 17', 2048, 17, false],
    ['exponent 65539', 2048, 65_539, true],
  ];
  it.each(table)('%s', (_, modulusLength, publicExponent, good) => {
    const signer = localSigner(generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey);
    if (good) expect(() => checkGivenKey(signer)).not.toThrow();
    else expect(() => checkGivenKey(signer)).toThrow(expect.objectContaining({ code: 'WeakKey' }));
  });

  it('with an even or a very long exponent', () => {
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    for (const e of ['AQAC', Buffer.alloc(33, 0xff).toString('base64url')]) {
      const spki = createPublicKey({ key: { ...jwk, e }, format: 'jwk' }).export({ format: 'der', type: 'spki' });
      const signer = { keySpec: { kty: 'RSA', size: 2048 } as const, spki };
      expect(() => checkGivenKey(signer)).toThrow(
        expect.objectContaining({ code: 'WeakKey', message: expect.not.stringMatching(/\d{40}/) }),
      );
    }
  });
});

describe('the kind of the next key', () => {
  const anySpec: fc.Arbitrary<KeySpec> = fc.oneof(
    fc.constantFrom<KeySpec>(...specs.map(([, spec]) => spec)),
    fc.integer({ min: 512, max: 8192 }).map((size): KeySpec => ({ kty: 'RSA', size })),
  );
  const table: [string, KeySpec, KeySpec | undefined, KeySpec, boolean][] = [
    ['RSA 1024', { kty: 'RSA', size: 1024 }, undefined, { kty: 'RSA', size: 2048 }, true],
    ['RSA 2047', { kty: 'RSA', size: 2047 }, undefined, { kty: 'RSA', size: 2048 }, true],
    ['RSA 2048', { kty: 'RSA', size: 2048 }, undefined, { kty: 'RSA', size: 2048 }, false],
    [
      'RSA 1024, asked for EC',
      { kty: 'RSA', size: 1024 },
      { kty: 'EC', curve: 'P-256' },
      { kty: 'EC', curve: 'P-256' },
      false,
    ],
    [
      'RSA 4096, asked for 2048',
      { kty: 'RSA', size: 4096 },
      { kty: 'RSA', size: 2048 },
      { kty: 'RSA', size: 2048 },
      false,
    ],
  ];
  it.each(table)('%s', (_, present, wanted, spec, upgraded) => {
    expect(keySpecFor(present, wanted)).toEqual({ spec, upgraded });
  });

  it('is the present one, or a stronger one, by default', () => {
    fc.assert(
      fc.property(anySpec, (present) => {
        const { spec, upgraded } = keySpecFor(present, undefined);
        expect(sameKeySpec(spec, present)).toBe(!upgraded);
        if (spec.kty === 'RSA') expect(spec.size).toBeGreaterThanOrEqual(2048);
      }),
    );
  });
});

it('no RSA key under 2048 bits is ever made', async () => {
  await expect(generateKey({ kty: 'RSA', size: 2047 })).rejects.toMatchObject({ code: 'WeakKey' });
});

describe('an RSA key of extreme size', () => {
  /** A PKCS#1 key with a modulus of this many bits, just valid enough for OpenSSL. */
  function hugeKey(bits: number): KeyObject {
    const odd = (octets: number) => BigInt(`0x${'f'.repeat(2 * octets)}`);
    const octets = bits / 8;
    const numbers = [0n, odd(octets), 65_537n, odd(octets), odd(octets / 2), odd(octets / 2), 3n, 3n, 3n];
    const der = write.sequence(...numbers.map(write.integer));
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs1' });
  }

  it('does not sign: above 16,384 bits that takes minutes', () => {
    expect(localSigner(hugeKey(16_384)).keySpec).toEqual({ kty: 'RSA', size: 16_384 });
    expect(() => localSigner(hugeKey(16_392))).toThrow(/an RSA key of 16392 bits/);
  });
});
