/**
 * The encodings of a private key and their PEM labels: PKCS#8 (RFC 5958), SEC1 (RFC 5915) and PKCS#1 (RFC 8017). A key of another type gets
 * the encoding and the label of its type.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';

export type Encoding = 'pkcs8' | 'sec1' | 'pkcs1';

/** Encodings by the labels of private keys. */
export const keyLabels: ReadonlyMap<string, Encoding> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['ENCRYPTED PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
]);

/** The key of a PEM block, unencrypted or decrypted. */
export interface OpenedKey extends ParsedKey {
  readonly encrypted: boolean;
  /**
   * Returns the block's text with another key, in the same kind of block. If it was encrypted, it is encrypted with the same password, not
   * weaker than before.
   */
  exchange(next: KeyObject): Promise<string>;
}

export interface ParsedKey {
  readonly privateKey: KeyObject;
  readonly encoding: Encoding;
}

/** Parses an unencrypted key in DER; undefined if there is none. The label gives the encoding if the content does not. */
export function parseKey(der: Uint8Array, label: string): ParsedKey | undefined {
  const encoding = encodingOf(der) ?? keyLabels.get(label);
  if (encoding === undefined || encoding === 'encrypted') return undefined;
  try {
    return { encoding, privateKey: createPrivateKey({ key: Buffer.from(der), format: 'der', type: encoding }) };
  } catch {
    return undefined; // OpenSSL's message does not help the user
  }
}

/**
 * Returns the encoding of a key in DER by its first elements. PKCS#8: SEQUENCE { INTEGER, SEQUENCE …; SEC1: { INTEGER, OCTET STRING …;
 * PKCS#1: { INTEGER, INTEGER …; encrypted PKCS#8: { SEQUENCE …. Undefined for anything else.
 */
export function encodingOf(der: Uint8Array): Encoding | 'encrypted' | undefined {
  if (der[0] !== 0x30) return undefined;
  const length = der[1] ?? 0;
  const at = length <= 0x80 ? 2 : 2 + (length & 0x7f);
  if (der[at] === 0x30) return 'encrypted';
  if (der[at] !== 0x02 || der[at + 1] !== 1) return undefined;
  return encodingsByTag.get(der[at + 3] ?? 0);
}

const encodingsByTag: ReadonlyMap<number, Encoding> = new Map([
  [0x30, 'pkcs8'],
  [0x04, 'sec1'],
  [0x02, 'pkcs1'],
]);

/** Encodes a key like the old one: PKCS#8 stays; PKCS#1 and SEC1 depend on the key's type. */
export function encodeLike(encoding: Encoding, key: KeyObject): Uint8Array {
  const type = (encoding === 'pkcs8' ? undefined : traditionalOf(key)?.encoding) ?? 'pkcs8';
  return key.export({ format: 'der', type });
}

/** Returns the label of a block for another key: a label that names a type of key changes with the type. */
export function labelLike(label: string, key: KeyObject): string {
  if (keyLabels.get(label) === 'pkcs8') return label;
  return traditionalOf(key)?.label ?? 'PRIVATE KEY';
}

/** Returns the encoding and the label of a type of key; Ed25519 has none (RFC 8410). */
function traditionalOf(key: KeyObject): { encoding: 'sec1' | 'pkcs1'; label: string } | undefined {
  if (key.asymmetricKeyType === 'ec') return { encoding: 'sec1', label: 'EC PRIVATE KEY' };
  return key.asymmetricKeyType === 'rsa' ? { encoding: 'pkcs1', label: 'RSA PRIVATE KEY' } : undefined;
}

/**
 * Whether two keys are the same, in any encoding: OpenSSL compares the public keys. Only keys of one type are compared: for different types
 * OpenSSL leaves an error in its queue, which the next call would throw.
 */
export function sameKey(a: KeyObject, b: KeyObject): boolean {
  return a.asymmetricKeyType === b.asymmetricKeyType && a.equals(b);
}
