/** Generates key pairs from the system's entropy. */
import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { RenewalError } from '../domain/errors.ts';
import { type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import { type LocalSigner, localSigner } from './local.ts';

/**
 * Generates off the main thread: RSA takes from 40 ms to seconds, during which other renewals continue. Other types take less time than the
 * way to another thread.
 */
const generate = promisify(generateKeyPair);

/** Generates a key pair; RSA has the exponent 65537. Throws WeakKey for RSA under 2048 bits, so that no caller can get a weaker key. */
export async function generateKey(spec: KeySpec): Promise<LocalSigner> {
  return localSigner(await generatePrivateKey(spec));
}

async function generatePrivateKey(spec: KeySpec): Promise<KeyObject> {
  if (spec.kty === 'EC') return generateKeyPairSync('ec', { namedCurve: spec.curve }).privateKey;
  if (spec.kty === 'OKP') return generateKeyPairSync('ed25519').privateKey;
  if (spec.size < rsaSizes.least) {
    throw new RenewalError(
      'WeakKey',
      `An RSA key of ${spec.size} bits is too weak: expected at least ${rsaSizes.least} bits.`,
    );
  }
  return (await generate('rsa', { modulusLength: spec.size, publicExponent: 65_537 })).privateKey;
}
