/** Signs with a key in memory: from a secret, or generated. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { RenewalError } from '../domain/errors.ts';
import { ecCurves } from '../domain/key-spec.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, keySpecOfSpki } from '../x509/algorithms.ts';
import { canonicalSpki, hasExplicitParameters } from '../x509/public-key.ts';

/** For RSA: with a callback, Node signs off the main thread. */
const signInPool = promisify<string | null, Uint8Array, KeyObject, Buffer>(sign);

/** OpenSSL's limit for verifying. It has none for signing, which takes minutes with a modulus of 64 KiB. */
const longestModulus = 16_384;

export interface LocalSigner extends Signer {
  readonly privateKey: KeyObject;
}

/**
 * Returns a signer for a private key. ECDSA signatures are DER. `spki` is the public key in the key's file, which may be wrong:
 * possession.ts proves it. Throws UnsupportedSecret for a key that is not EC on a named curve P-256, P-384 or P-521, RSA up to 16,384 bits,
 * or Ed25519. Weak keys are accepted here and checked elsewhere (given.ts).
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
    // RSA takes milliseconds, a long key many. For other keys the way to another thread takes longer than the signature.
    sign: async (data) => {
      const isSlow = keySpec.kty === 'RSA';
      return new Uint8Array(isSlow ? await signInPool(digest, data, privateKey) : sign(digest, data, privateKey));
    },
  };
}

/**
 * Returns the DER of the SubjectPublicKeyInfo in its usual form: OpenSSL keeps a compressed point. Throws for explicit curve parameters,
 * which OpenSSL keeps too, even if it knows the curve's name.
 */
function spkiOf(privateKey: KeyObject): Uint8Array {
  const spki = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  if (hasExplicitParameters(spki)) throw unsupported('an EC key with explicit EC parameters instead of a named curve');
  return canonicalSpki(spki);
}

/** Returns a name for messages: `ec secp256k1`, `ed448`, `rsa-pss`. */
function kindOf(key: KeyObject): string {
  return [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter((part) => part !== undefined).join(' ');
}

function unsupported(found: string): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `Found ${found}: expected an EC key on ${ecCurves.join(', ')}, an RSA key, or an Ed25519 key.`,
  );
}
