/**
 * A private key in PEM, read and written back in the same kind of block: PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1
 * (RFC 8017), or one of them encrypted. The content says the kind, as it does for OpenSSL: a label may say less, and
 * stays. A key of another type takes the encoding, and the label, that its type has.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { encodePemLike, type PemBlock, tellLabel } from '../domain/pem.ts';
import { sameBytes } from './certificates.ts';
import { wrongPassword } from './password.ts';
import type { PemEdit } from './pem-edit.ts';
import type { ReadContext } from './shape.ts';

export type Encoding = 'pkcs8' | 'sec1' | 'pkcs1';

/** What the labels of private keys say of the content. */
const labels: ReadonlyMap<string, Encoding> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['ENCRYPTED PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
]);

/** DER of the OIDs of the named curves, as an `EC PARAMETERS` block holds it; keys are node's names of them. */
const curveOids: ReadonlyMap<string, Uint8Array> = new Map([
  ['prime256v1', Buffer.from('06082a8648ce3d030107', 'hex')],
  ['secp384r1', Buffer.from('06052b81040022', 'hex')],
  ['secp521r1', Buffer.from('06052b81040023', 'hex')],
]);

export const isPrivateKeyBlock = (block: PemBlock) => block.label.endsWith('PRIVATE KEY');
export const isCurveBlock = (block: PemBlock) => block.label === 'EC PARAMETERS';

export interface FoundPrivateKey {
  readonly privateKey: KeyObject;
  readonly encrypted: boolean;
  /** The edits that put another key in the place of this one. */
  exchange(next: KeyObject): Promise<PemEdit[]>;
}

/**
 * Reads the private key among a text's blocks. `where` names the text in a message.
 * Throws UnsupportedSecret (none, several, a kind that is not known) and PasswordRequired.
 */
export async function findPrivateKey(
  blocks: readonly PemBlock[],
  where: string,
  context: ReadContext,
): Promise<FoundPrivateKey> {
  const block = onlyKeyBlock(blocks, where);
  const { der, sealed } = await openBlock(block, where, context);
  const { privateKey, encoding } = readDer(der, block.label, where, sealed?.password);
  return {
    privateKey,
    encrypted: sealed !== undefined,
    async exchange(next) {
      if (sameKey(privateKey, next)) return [];
      const text = await (sealed?.seal ?? writePlain)(block, encoding, next);
      const replacement: PemEdit = { kind: 'replace', start: block.start, end: block.end, text };
      return [replacement, ...curveEdits(blocks, next)];
    },
  };
}

/** Throws UnsupportedSecret. */
function onlyKeyBlock(blocks: readonly PemBlock[], where: string): PemBlock {
  const keys = blocks.filter(isPrivateKeyBlock);
  const [block] = keys;
  if (block !== undefined && keys.length === 1 && labels.has(block.label)) return block;
  const found =
    block !== undefined && keys.length === 1
      ? `a block BEGIN ${tellLabel(block.label)}, a private key of another kind`
      : `${keys.length} private keys`;
  throw new RenewalError(
    'UnsupportedSecret',
    `${where} has ${found}: expected one PEM block ${[...labels.keys()].join(', ')}.`,
  );
}

/** Writes a key in the kind of block that it came in, and in an encoding of the same kind. */
type Seal = (block: PemBlock, encoding: Encoding, next: KeyObject) => Promise<string>;

interface OpenedBlock {
  /** DER of the key. */
  readonly der: Uint8Array;
  /** Undefined for a block that was in the open. */
  readonly sealed: { readonly password: string; readonly seal: Seal } | undefined;
}

async function openBlock(block: PemBlock, where: string, context: ReadContext): Promise<OpenedBlock> {
  const legacy = block.headers.some((header) => header.startsWith('Proc-Type:'));
  const found = encodingOf(block.der);
  const plain = found === undefined ? block.label !== 'ENCRYPTED PRIVATE KEY' : found !== 'encrypted';
  if (!legacy && plain) return { der: block.der, sealed: undefined };
  const { openEncryptedBlock } = await import('./encrypted-key.ts');
  return openEncryptedBlock(block, legacy, where, context);
}

/**
 * What DER holds, by how it begins. PKCS#8: SEQUENCE { INTEGER, SEQUENCE …; SEC1: { INTEGER, OCTET STRING …; PKCS#1:
 * { INTEGER, INTEGER …; encrypted PKCS#8: { SEQUENCE …. Undefined for anything else.
 */
function encodingOf(der: Uint8Array): Encoding | 'encrypted' | undefined {
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

/** `password` is set for what it opened. Throws UnsupportedSecret, PasswordRequired. */
function readDer(
  der: Uint8Array,
  label: string,
  where: string,
  password: string | undefined,
): { privateKey: KeyObject; encoding: Encoding } {
  const encoding = encodingOf(der) ?? labels.get(label) ?? 'pkcs8';
  try {
    if (encoding !== 'encrypted') {
      return { encoding, privateKey: createPrivateKey({ key: Buffer.from(der), format: 'der', type: encoding }) };
    }
  } catch {
    // What OpenSSL says of it is dropped: the user is told what was expected.
  }
  // One wrong password in 256 leaves good padding behind; what it opens is no key.
  if (password !== undefined) throw wrongPassword(where, password);
  throw new RenewalError(
    'UnsupportedSecret',
    `${where} has a private key block that holds no key, or one of an unknown kind: expected an EC, RSA or Ed25519 key.`,
  );
}

/**
 * The same key pair, however each was encoded: OpenSSL compares the public keys. Only of one type: of different ones it leaves an
 * error in its queue, which the next call throws.
 */
export function sameKey(a: KeyObject, b: KeyObject): boolean {
  return a.asymmetricKeyType === b.asymmetricKeyType && a.equals(b);
}

/** A key in the encoding of the one before it: PKCS#8 stays; PKCS#1 and SEC1 follow the key's type. */
export function encodeLike(encoding: Encoding, key: KeyObject): Uint8Array {
  const type = (encoding === 'pkcs8' ? undefined : traditionalOf(key)?.encoding) ?? 'pkcs8';
  return key.export({ format: 'der', type });
}

/** The label of a block for a key in its place: one that names a type of key follows the key's. */
export function labelLike(label: string, key: KeyObject): string {
  if (labels.get(label) === 'pkcs8') return label;
  return traditionalOf(key)?.label ?? 'PRIVATE KEY';
}

/** The encoding and the label that are the type's own; Ed25519 has none (RFC 8410). */
function traditionalOf(key: KeyObject): { encoding: 'sec1' | 'pkcs1'; label: string } | undefined {
  if (key.asymmetricKeyType === 'ec') return { encoding: 'sec1', label: 'EC PRIVATE KEY' };
  return key.asymmetricKeyType === 'rsa' ? { encoding: 'pkcs1', label: 'RSA PRIVATE KEY' } : undefined;
}

async function writePlain(block: PemBlock, encoding: Encoding, next: KeyObject): Promise<string> {
  return encodePemLike(block, labelLike(block.label, next), encodeLike(encoding, next));
}

/** `EC PARAMETERS` blocks, as `openssl ecparam -genkey` writes them: of the new curve, or gone with the EC key. */
function curveEdits(blocks: readonly PemBlock[], next: KeyObject): PemEdit[] {
  const curve = curveOids.get(next.asymmetricKeyDetails?.namedCurve ?? '');
  return blocks.filter(isCurveBlock).flatMap((block): PemEdit[] => {
    const { start, end } = block;
    if (curve === undefined) return [{ kind: 'remove', start, end }];
    if (sameBytes(curve, block.der)) return [];
    return [{ kind: 'replace', start, end, text: encodePemLike(block, block.label, curve) }];
  });
}
