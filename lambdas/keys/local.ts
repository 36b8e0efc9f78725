/** A key at hand: from a secret, or just made. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { RenewalError } from '../domain/errors.ts';
import { ecCurves } from '../domain/key-spec.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, keySpecOfSpki } from '../x509/algorithms.ts';
import { canonicalSpki, hasExplicitParameters } from '../x509/public-key.ts';

/** For RSA: with a callback the signature is made off the main thread. */
const signInPool = promisify<string | null, Uint8Array, KeyObject, Buffer>(sign);

/** OpenSSL's own limit for verifying; it has none for signing, and with a modulus of 64 KiB that takes minutes. */
const longestModulus = 16_384;

export interface LocalSigner extends Signer {
  readonly privateKey: KeyObject;
}

/**
 * Signs with a private key, by the algorithm that its kind has. ECDSA signatures are DER. `spki` is the public key that the
 * file of the key claims to have: possession.ts asks whether that is true.
 * Throws UnsupportedSecret for a key that is not EC on P-256, P-384 or P-521 by name, RSA to 16,384 bits, or Ed25519. Weak
 * keys pass: whether one may be used is asked where it is given.
 */
export function localSigner(privateKey: KeyObject): LocalSigner {
  if (privateKey.type !== 'private') throw unsupported(`a ${privateKey.type} key`);
  const spki = spkiOf(privateKey);
  const keySpec = keySpecOfSpki(spki);
  if (keySpec === undefined) throw unsupported(`a private key of type ${kindOf(privateKey)}`);
  if (keySpec.kty === 'RSA' && keySpec.size > longestModulus) throw unsupported(`an RSA key of ${keySpec.size} bits`);
  const { digest } = algorithmOf(keySpec);
  return {
    keySpec,
    spki,
    privateKey,
    // An RSA key takes milliseconds, a long one many; for others the way to another thread costs more than the signature.
    sign: async (data) => {
      const isSlow = keySpec.kty === 'RSA';
      return new Uint8Array(isSlow ? await signInPool(digest, data, privateKey) : sign(digest, data, privateKey));
    },
  };
}

/**
 * DER of the public key's SubjectPublicKeyInfo, as everybody writes it: OpenSSL keeps a compressed point, and a curve that
 * was written out even where it knows its name.
 */
function spkiOf(privateKey: KeyObject): Uint8Array {
  const spki = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  if (hasExplicitParameters(spki))
    throw unsupported('an EC key with explicit EC parameters in the place of a named curve');
  return canonicalSpki(spki);
}

/** `ec secp256k1`, `ed448`, `rsa-pss`. */
function kindOf(key: KeyObject): string {
  return [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter((part) => part !== undefined).join(' ');
}

function unsupported(found: string): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `Found ${found}: expected an EC key on ${ecCurves.join(', ')}, an RSA key, or an Ed25519 key.`,
  );
}
