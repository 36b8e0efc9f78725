/**
 * Reads a private key in PEM and writes it back in the same kind of block: PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017), or one of
 * them encrypted. As in OpenSSL, the content determines the kind: the label may be less precise, and stays. A key of another type gets the
 * encoding and the label of its type.
 */
import type { KeyObject } from 'node:crypto';
import { sameBytes } from '../domain/bytes.ts';
import { RenewalError } from '../domain/errors.ts';
import { encodePemLike, type PemBlock, tellLabel } from '../domain/pem.ts';
import { encodeLike, encodingOf, keyLabels, labelLike, type OpenedKey, parseKey, sameKey } from './key-encoding.ts';
import type { PemEdit } from './pem-edit.ts';
import type { ReadContext } from './shape.ts';

/** DER of the curves' OIDs in an `EC PARAMETERS` block, by Node's names of the curves. */
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
  /** Returns the edits that replace this key by another one. */
  exchange(next: KeyObject): Promise<PemEdit[]>;
}

/**
 * Reads the only private key of a text's blocks. `where` names the text in a message. Throws UnsupportedSecret (for no key, several keys or
 * an unknown kind) and PasswordRequired.
 */
export async function findPrivateKey(
  blocks: readonly PemBlock[],
  where: string,
  context: ReadContext,
): Promise<FoundPrivateKey> {
  const block = onlyKeyBlock(blocks, where);
  const opened = await openBlock(block, where, context);
  const { privateKey, encrypted } = opened;
  return {
    privateKey,
    encrypted,
    async exchange(next) {
      if (sameKey(privateKey, next)) return [];
      const text = await opened.exchange(next);
      const replacement: PemEdit = { kind: 'replace', start: block.start, end: block.end, text };
      return [replacement, ...curveEdits(blocks, next)];
    },
  };
}

/** Throws UnsupportedSecret. */
function onlyKeyBlock(blocks: readonly PemBlock[], where: string): PemBlock {
  const keys = blocks.filter(isPrivateKeyBlock);
  const [block] = keys;
  if (block !== undefined && keys.length === 1 && keyLabels.has(block.label)) return block;
  const found =
    block !== undefined && keys.length === 1
      ? `a block BEGIN ${tellLabel(block.label)}, a private key of an unsupported kind`
      : `${keys.length} private keys`;
  throw new RenewalError(
    'UnsupportedSecret',
    `${where} has ${found}: expected one PEM block ${[...keyLabels.keys()].join(', ')}.`,
  );
}

async function openBlock(block: PemBlock, where: string, context: ReadContext): Promise<OpenedKey> {
  const legacy = block.headers.some((header) => header.startsWith('Proc-Type:'));
  const found = encodingOf(block.der);
  const plain = found === undefined ? block.label !== 'ENCRYPTED PRIVATE KEY' : found !== 'encrypted';
  if (!legacy && plain) return readPlain(block, where, context);
  const { openEncryptedBlock } = await import('./encrypted-key.ts');
  return openEncryptedBlock(block, legacy, where, context);
}

/** Throws UnsupportedSecret. */
function readPlain(block: PemBlock, where: string, context: ReadContext): OpenedKey {
  const parsed = parseKey(block.der, block.label);
  if (parsed === undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `${where} has a private key block without a key, or with a key of an unknown kind: expected an EC, RSA or Ed25519 key.`,
    );
  }
  return {
    ...parsed,
    encrypted: false,
    async exchange(next) {
      if (!context.encryptsNewKey || context.password === undefined) {
        return encodePemLike(block, labelLike(block.label, next), encodeLike(parsed.encoding, next));
      }
      const { sealNewKey } = await import('./encrypted-key.ts');
      return sealNewKey(block, next, await context.password(), context);
    },
  };
}

/**
 * Returns the edits of `EC PARAMETERS` blocks (from `openssl ecparam -genkey`): they get the new curve, or are removed if the new key is
 * not EC.
 */
function curveEdits(blocks: readonly PemBlock[], next: KeyObject): PemEdit[] {
  const curve = curveOids.get(next.asymmetricKeyDetails?.namedCurve ?? '');
  return blocks.filter(isCurveBlock).flatMap((block): PemEdit[] => {
    const { start, end } = block;
    if (curve === undefined) return [{ kind: 'remove', start, end }];
    if (sameBytes(curve, block.der)) return [];
    return [{ kind: 'replace', start, end, text: encodePemLike(block, block.label, curve) }];
  });
}
