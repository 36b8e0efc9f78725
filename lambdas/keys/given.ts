/** Checks keys that a user provides. step-ca itself accepts any. */
import { createPublicKey } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { rsaSizes } from '../domain/key-spec.ts';
import type { Signer } from '../domain/signer.ts';

/** FIPS 186-5 section A.1.1: the public exponent must be odd and between these two. */
const exponentFloor = 2n ** 16n;
const exponentCeiling = 2n ** 256n;

/** Throws WeakKey for RSA under 2048 bits, or with a public exponent that FIPS 186-5 does not allow. */
export function checkGivenKey(signer: Pick<Signer, 'keySpec' | 'spki'>, what = 'The given key'): void {
  const { keySpec, spki } = signer;
  if (keySpec.kty !== 'RSA') return;
  if (keySpec.size < rsaSizes.least) {
    throw new RenewalError(
      'WeakKey',
      `${what} is RSA ${keySpec.size}: expected at least ${rsaSizes.least} bits. Use another key.`,
    );
  }
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const exponent = key.asymmetricKeyDetails?.publicExponent;
  const allowed = exponent !== undefined && exponent > exponentFloor && exponent < exponentCeiling;
  if (!allowed || exponent % 2n === 0n) {
    const found = exponent !== undefined && exponent < exponentCeiling ? exponent : 'of more than 256 bits';
    throw new RenewalError(
      'WeakKey',
      `${what} is an RSA key with the public exponent ${found}: expected an odd one above 65536, such as 65537 (FIPS 186-5). Use another key.`,
    );
  }
}
