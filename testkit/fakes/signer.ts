import { type KeyObject, sign } from 'node:crypto';
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { spkiOf } from '../certificates/index.ts';

/** The digests are repeated here on purpose, because a fake that shares them with the product could not find an error in them. */
const kinds: Readonly<Record<string, { spec: KeySpec; digest: string | null }>> = {
  prime256v1: { spec: { kty: 'EC', curve: 'P-256' }, digest: 'sha256' },
  secp384r1: { spec: { kty: 'EC', curve: 'P-384' }, digest: 'sha384' },
  secp521r1: { spec: { kty: 'EC', curve: 'P-521' }, digest: 'sha512' },
  ed25519: { spec: { kty: 'OKP', curve: 'Ed25519' }, digest: null },
};

/** Returns a Signer for a private key. `inKms` hides the key, as KMS does. */
export function signerFor(key: KeyObject, { inKms = false }: { inKms?: boolean } = {}): Signer {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const rsa = { spec: { kty: 'RSA', size: modulusLength } as const, digest: 'sha256' };
  const { spec, digest } = kinds[namedCurve ?? key.asymmetricKeyType ?? ''] ?? rsa;
  const signer: Signer = {
    keySpec: spec,
    spki: spkiOf(key),
    sign: async (data) => new Uint8Array(sign(digest, data, key)),
  };
  if (!inKms) return { ...signer, privateKey: key };
  return { ...signer, kmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000001' };
}
