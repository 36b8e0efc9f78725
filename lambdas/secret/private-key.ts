/**
 * A private key in PEM, read and written back in the same kind of block: PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1
 * (RFC 8017), or one of them encrypted. A label says the kind; a key of another type takes the label that its type has.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { jwkOfPkcs8, pkcs8OfJwk } from '../domain/p256.ts';
import { encodePem, lineEndOf, type PemBlock } from '../domain/pem.ts';
import { sameBytes } from './certificates.ts';
import type { PemEdit } from './pem-edit.ts';
import type { ReadContext } from './shape.ts';

type Encoding = 'pkcs8' | 'sec1' | 'pkcs1';

/** The one table of private key labels. */
const encodings: ReadonlyMap<string, Encoding> = new Map([
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
  const keys = blocks.filter(isPrivateKeyBlock);
  const [block] = keys;
  const encoding = block && encodings.get(block.label);
  if (block === undefined || encoding === undefined || keys.length > 1) {
    throw new RenewalError(
      'UnsupportedSecret',
      `${where} has ${keys.length === 1 ? 'a private key of another kind' : `${keys.length} private keys`}: expected one PEM block ${[...encodings.keys()].join(', ')}.`,
    );
  }
  const { der, seal } = await openBlock(block, where, context);
  const privateKey = readDer(der, encoding, where, seal !== undefined);
  return {
    privateKey,
    encrypted: seal !== undefined,
    async exchange(next) {
      if (sameKey(privateKey, next)) return [];
      const text = await (seal ?? writePlain)(block, next);
      const replacement: PemEdit = { kind: 'replace', start: block.start, end: block.end, text };
      return [replacement, ...curveEdits(blocks, next)];
    },
  };
}

/** Writes a key in the kind of block that it came in. */
type Seal = (block: PemBlock, next: KeyObject) => Promise<string>;

async function openBlock(
  block: PemBlock,
  where: string,
  context: ReadContext,
): Promise<{ der: Uint8Array; seal: Seal | undefined }> {
  const legacy = block.headers.some((header) => header.startsWith('Proc-Type:'));
  if (!legacy && block.label !== 'ENCRYPTED PRIVATE KEY') return { der: block.der, seal: undefined };
  const { openEncryptedBlock } = await import('./encrypted-key.ts');
  return openEncryptedBlock(block, where, context);
}

function readDer(der: Uint8Array, type: Encoding, where: string, decrypted: boolean): KeyObject {
  const jwk = jwkOfPkcs8(der);
  try {
    if (jwk) return createPrivateKey({ key: { ...jwk }, format: 'jwk' });
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type });
  } catch {
    // One wrong password in 256 leaves good padding behind; what it opens is no key.
    if (decrypted) throw wrongPassword(where);
    throw new RenewalError(
      'UnsupportedSecret',
      `${where} has a private key block that holds no key, or one of an unknown kind: expected an EC, RSA or Ed25519 key.`,
    );
  }
}

/** PasswordRequired for a password that does not fit; it is named by where it comes from, never by itself. */
export function wrongPassword(where: string): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} is encrypted and the password does not open it: passwordSecretId in the profile has to name the secret that holds its password.`,
  );
}

export function missingPassword(where: string): RenewalError {
  return new RenewalError(
    'PasswordRequired',
    `${where} is encrypted: set passwordSecretId in the profile to the secret that holds its password.`,
  );
}

/** The same key pair: asked by the public key, because one private key has several encodings. */
export function sameKey(a: KeyObject, b: KeyObject): boolean {
  const spki = (key: KeyObject) => createPublicKey(key).export({ format: 'der', type: 'spki' });
  return sameBytes(spki(a), spki(b));
}

/** The label and encoding for a key in the place of a block: PKCS#8 stays; PKCS#1 and SEC1 follow the key's type. */
export function encodeLike(label: string, key: KeyObject): { label: string; der: Uint8Array } {
  const isPkcs8 = encodings.get(label) === 'pkcs8';
  if (!isPkcs8 && key.asymmetricKeyType === 'ec') {
    return { label: 'EC PRIVATE KEY', der: key.export({ format: 'der', type: 'sec1' }) };
  }
  if (!isPkcs8 && key.asymmetricKeyType === 'rsa') {
    return { label: 'RSA PRIVATE KEY', der: key.export({ format: 'der', type: 'pkcs1' }) };
  }
  return { label: 'PRIVATE KEY', der: pkcs8Of(key) };
}

function pkcs8Of(key: KeyObject): Uint8Array {
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  const der = isP256 ? pkcs8OfJwk(key.export({ format: 'jwk' })) : undefined;
  return der ?? key.export({ format: 'der', type: 'pkcs8' });
}

async function writePlain(block: PemBlock, next: KeyObject): Promise<string> {
  const { label, der } = encodeLike(block.label, next);
  return encodePem(label, der, lineEndOf(block));
}

/** `EC PARAMETERS` blocks, as `openssl ecparam -genkey` writes them: of the new curve, or gone with the EC key. */
function curveEdits(blocks: readonly PemBlock[], next: KeyObject): PemEdit[] {
  const curve = curveOids.get(next.asymmetricKeyDetails?.namedCurve ?? '');
  return blocks.filter(isCurveBlock).flatMap((block): PemEdit[] => {
    const { start, end } = block;
    if (curve === undefined) return [{ kind: 'remove', start, end }];
    if (sameBytes(curve, block.der)) return [];
    return [{ kind: 'replace', start, end, text: encodePem(block.label, curve, lineEndOf(block)) }];
  });
}
