/** New key pairs, of the system's own entropy. */
import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { RenewalError } from '../domain/errors.ts';
import { type KeySpec, rsaSizes } from '../domain/key-spec.ts';
import { type LocalSigner, localSigner } from './local.ts';

/** Off the main thread: RSA takes from 40 ms to seconds, and other renewals go on meanwhile. The others take less than the way there. */
const generate = promisify(generateKeyPair);

/**
 * A new key pair of this kind; RSA with the exponent 65537.
 * Throws WeakKey for RSA under 2048 bits: no caller may get past the rule that no weaker key is ever made.
 */
export async function generateKey(spec: KeySpec): Promise<LocalSigner> {
  return localSigner(await generatePrivateKey(spec));
}

async function generatePrivateKey(spec: KeySpec): Promise<KeyObject> {
  if (spec.kty === 'EC') return generateKeyPairSync('ec', { namedCurve: spec.curve }).privateKey;
  if (spec.kty === 'OKP') return generateKeyPairSync('ed25519').privateKey;
  if (spec.size < rsaSizes.least) {
    throw new RenewalError('WeakKey', `An RSA key of ${spec.size} bits is not made: the least is ${rsaSizes.least}.`);
  }
  return (await generate('rsa', { modulusLength: spec.size, publicExponent: 65_537 })).privateKey;
}
