/** Keys for tests, by curve or size. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | `RSA-${number}`;

/** Makes a private key. RSA is slow: 0.2 s for 2048 bits, 2 s for 4096. */
export function makeKey(kind: KeyKind = 'P-256'): KeyObject {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (kind.startsWith('RSA-')) return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
}

const spkis = new WeakMap<KeyObject, Uint8Array>();

/** DER SubjectPublicKeyInfo of a private or public key. */
export function spkiOf(key: KeyObject): Uint8Array {
  const known = spkis.get(key);
  if (known) return known;
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  spkis.set(key, spki);
  return spki;
}

/** PKCS#8 in PEM, not encrypted. */
export const pkcs8Pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

const kinds: Readonly<Record<string, KeyKind>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
  ed25519: 'Ed25519',
};

/** Takes a private or a public key. */
export function kindOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): KeyKind | undefined {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails;
  return asymmetricKeyType === 'rsa' ? `RSA-${modulusLength}` : kinds[namedCurve ?? asymmetricKeyType ?? ''];
}

/** Returns the name of a kind of key in the product's answers: EC P-256, OKP Ed25519, RSA 2048. */
export function keyAlgorithm(kind: KeyKind): string {
  if (kind.startsWith('RSA-')) return kind.replace('-', ' ');
  return kind === 'Ed25519' ? `OKP ${kind}` : `EC ${kind}`;
}
