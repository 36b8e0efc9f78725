import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';

export const signerSpecs: readonly KeySpec[] = [
  { kty: 'EC', curve: 'P-256' },
  { kty: 'EC', curve: 'P-384' },
  { kty: 'EC', curve: 'P-521' },
  { kty: 'OKP', curve: 'Ed25519' },
  { kty: 'RSA', size: 2048 },
  { kty: 'RSA', size: 3072 },
  { kty: 'RSA', size: 4096 },
];

/** The hash for each key, by RFC 5758, RFC 8410 and the port. */
const hashes: Readonly<Record<string, string | null>> = {
  'EC P-256': 'sha256',
  'EC P-384': 'sha384',
  'EC P-521': 'sha512',
  'OKP Ed25519': null,
};

/** Tests of every Signer. `make` returns a signer with a new key of that kind. */
export function signerSuite(name: string, make: (spec: KeySpec) => Promise<Signer>, kind: 'local' | 'kms'): void {
  describe.each(signerSpecs.map((spec) => [formatKeySpec(spec), spec] as const))(
    `signer: ${name}, %s`,
    (label, spec) => {
      let signer: Signer;
      let publicKey: KeyObject;
      const hash = hashes[label] ?? (spec.kty === 'RSA' ? 'sha256' : null);
      const longest = kind === 'kms' && spec.kty === 'OKP' ? 4_096 : 100_000;
      beforeAll(async () => {
        signer = await make(spec);
        publicKey = createPublicKey({ key: Buffer.from(signer.spki), format: 'der', type: 'spki' });
      }, 60_000);

      test('has its key’s kind and public half', () => {
        expect(formatKeySpec(signer.keySpec)).toBe(label);
        const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
        const curves: Record<string, string> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };
        if (spec.kty === 'RSA') expect([publicKey.asymmetricKeyType, modulusLength]).toEqual(['rsa', spec.size]);
        else if (spec.kty === 'EC')
          expect([publicKey.asymmetricKeyType, namedCurve]).toEqual(['ec', curves[spec.curve]]);
        else expect(publicKey.asymmetricKeyType).toBe('ed25519');
      });

      test('keeps the private key inside', () => {
        if (kind === 'kms') {
          expect(signer.privateKey).toBeUndefined();
          expect(signer.kmsKeyArn).toMatch(/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-f-]{36}$/);
        } else {
          expect(signer.privateKey?.type).toBe('private');
          expect(signer.kmsKeyArn).toBeUndefined();
        }
      });

      test.each([1, 32, 64, 1_000, longest])('signs %i bytes, not a digest of them', async (length) => {
        const data = new Uint8Array(randomBytes(length));
        const signature = await signer.sign(data);
        expect(verify(hash, data, publicKey, signature)).toBe(true); // ECDSA: DER, node's default
        expect(verify(hash, randomBytes(length + 1), publicKey, signature)).toBe(false);
      });

      test('signs concurrently', async () => {
        const messages = Array.from({ length: 8 }, (_, index) => Buffer.from(`message ${index}`));
        const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
        expect(
          messages.every((message, index) => verify(hash, message, publicKey, signatures[index] ?? Buffer.alloc(0))),
        ).toBe(true);
      });

      test('does not change the signed bytes', async () => {
        const data = new Uint8Array(100).fill(7);
        await signer.sign(data);
        expect([...data]).toEqual(Array(100).fill(7));
      });
    },
  );
}

/** Makes and disables keys, beside the vault. */
export interface VaultWorld {
  readonly vault: { signer(keyId: string): Promise<Signer> };
  /** Returns the key's ARN. `alias` without `alias/`. */
  create(spec: KeySpec, options?: { usage?: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT'; alias?: string }): Promise<string>;
  disable(arn: string): Promise<void>;
  close(): Promise<void>;
}

/** Tests of every KeyVault and of its signers. */
export function keyVaultSuite(name: string, open: () => Promise<VaultWorld>): void {
  let world: VaultWorld;
  const p256: KeySpec = { kty: 'EC', curve: 'P-256' };
  beforeAll(async () => {
    world = await open();
  }, 60_000);
  afterAll(() => world?.close());

  signerSuite(name, async (spec) => world.vault.signer(await world.create(spec)), 'kms');

  describe(`key vault: ${name}`, () => {
    test('finds a key by ARN, by id and by alias, and returns its ARN', async () => {
      const alias = `conformance/${randomBytes(5).toString('hex')}`;
      const arn = await world.create(p256, { alias });
      const spki = Buffer.from((await world.vault.signer(arn)).spki);
      for (const keyId of [
        arn,
        arn.split('/')[1] ?? '',
        `alias/${alias}`,
        arn.replace(/:key\/.*/, `:alias/${alias}`),
      ]) {
        const signer = await world.vault.signer(keyId);
        expect(signer.kmsKeyArn).toBe(arn);
        expect(spki.equals(signer.spki)).toBe(true);
      }
    });

    test.each([
      'alias/conformance/missing',
      '00000000-0000-4000-8000-000000000000',
      'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000',
    ])('a missing key: %s', async (keyId) => {
      await expect(world.vault.signer(keyId)).rejects.toMatchObject({ code: 'KmsDenied' });
    });

    test('a key for encryption can’t sign', async () => {
      const arn = await world.create({ kty: 'RSA', size: 2048 }, { usage: 'ENCRYPT_DECRYPT' });
      await expect(world.vault.signer(arn)).rejects.toMatchObject({ code: 'InvalidRequest' });
    });

    test('a disabled key does not sign', async () => {
      const arn = await world.create(p256);
      const signer = await world.vault.signer(arn);
      await world.disable(arn);
      await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'KmsDenied' });
    });
  });
}
