/**
 * The encodings of a private key and the labels that PEM gives them: PKCS#8 (RFC 5958), SEC1 (RFC 5915) and PKCS#1
 * (RFC 8017). A key of another type takes the encoding, and the label, that its type has.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';

export type Encoding = 'pkcs8' | 'sec1' | 'pkcs1';

/** What the labels of private keys say of the content. */
export const keyLabels: ReadonlyMap<string, Encoding> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['ENCRYPTED PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
]);

/** The key of a PEM block, in the open or opened by its password. */
export interface OpenedKey extends ParsedKey {
  readonly encrypted: boolean;
  /** The block's text for another key: of the same kind, and encrypted by the same password, no weaker than it was. */
  exchange(next: KeyObject): Promise<string>;
}

export interface ParsedKey {
  readonly privateKey: KeyObject;
  readonly encoding: Encoding;
}

/** The key in DER that is not encrypted; undefined where it holds none. A label says the encoding where the content does not. */
export function parseKey(der: Uint8Array, label: string): ParsedKey | undefined {
  const encoding = encodingOf(der) ?? keyLabels.get(label);
  if (encoding === undefined || encoding === 'encrypted') return undefined;
  try {
    return { encoding, privateKey: createPrivateKey({ key: Buffer.from(der), format: 'der', type: encoding }) };
  } catch {
    return undefined; // what OpenSSL says of it is dropped: the user is told what was expected
  }
}

/**
 * What DER holds, by how it begins. PKCS#8: SEQUENCE { INTEGER, SEQUENCE …; SEC1: { INTEGER, OCTET STRING …; PKCS#1:
 * { INTEGER, INTEGER …; encrypted PKCS#8: { SEQUENCE …. Undefined for anything else.
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

/** A key in the encoding of the one before it: PKCS#8 stays; PKCS#1 and SEC1 follow the key's type. */
export function encodeLike(encoding: Encoding, key: KeyObject): Uint8Array {
  const type = (encoding === 'pkcs8' ? undefined : traditionalOf(key)?.encoding) ?? 'pkcs8';
  return key.export({ format: 'der', type });
}

/** The label of a block for a key in its place: one that names a type of key follows the key's. */
export function labelLike(label: string, key: KeyObject): string {
  if (keyLabels.get(label) === 'pkcs8') return label;
  return traditionalOf(key)?.label ?? 'PRIVATE KEY';
}

/** The encoding and the label that are the type's own; Ed25519 has none (RFC 8410). */
function traditionalOf(key: KeyObject): { encoding: 'sec1' | 'pkcs1'; label: string } | undefined {
  if (key.asymmetricKeyType === 'ec') return { encoding: 'sec1', label: 'EC PRIVATE KEY' };
  return key.asymmetricKeyType === 'rsa' ? { encoding: 'pkcs1', label: 'RSA PRIVATE KEY' } : undefined;
}

/**
 * The same key pair, however each was encoded: OpenSSL compares the public keys. Only of one type: of different ones it leaves an
 * error in its queue, which the next call throws.
 */
export function sameKey(a: KeyObject, b: KeyObject): boolean {
  return a.asymmetricKeyType === b.asymmetricKeyType && a.equals(b);
}
