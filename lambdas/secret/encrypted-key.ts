/** An encrypted private key block: PKCS#8's own encryption, or legacy PEM encryption. Loaded only where there is one. */
import type { KeyObject } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { encodePem, lineEndOf, type PemBlock } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import { DerError, encodeOctets, encodeSequence, octets, readElements, sequence } from './encryption/der.ts';
import { openLegacy, sealLegacy } from './encryption/legacy-pem.ts';
import { type Derivation, open, SealError, type Sealed, seal, usualDerivation } from './encryption/pbes.ts';
import { encodeLike, missingPassword, wrongPassword } from './private-key.ts';
import type { ReadContext } from './shape.ts';

export interface OpenedBlock {
  /** DER of the key in the encoding that the label says. */
  readonly der: Uint8Array;
  /** A block for another key: the same kind, the same password, parameters no weaker. */
  seal(block: PemBlock, next: KeyObject): Promise<string>;
}

/** Throws PasswordRequired, and UnsupportedSecret for a scheme that is not known. */
export async function openEncryptedBlock(block: PemBlock, where: string, context: ReadContext): Promise<OpenedBlock> {
  const { password } = context;
  if (password === undefined) throw missingPassword(`The private key of ${lowerFirst(where)}`);
  try {
    return await (block.label === 'ENCRYPTED PRIVATE KEY' ? openPkcs8 : openTraditional)(block, password, context);
  } catch (error) {
    throw explain(error, `The private key of ${lowerFirst(where)}`);
  }
}

/** A text's name within a sentence. */
export const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** A SealError as what the user may read. */
export function explain(error: unknown, what: string): unknown {
  if (!(error instanceof SealError)) return error;
  if (error.reason === 'password') return wrongPassword(what);
  return new RenewalError(
    'UnsupportedSecret',
    `${what} is encrypted in a way that is not supported: expected PBES2 (PBKDF2 or scrypt, with AES or 3DES in CBC), PKCS#12's 3DES or RC2 and its own MAC, or a legacy PEM block with AES or 3DES. Encrypt it again with the defaults of openssl 3 or keytool.`,
  );
}

async function openPkcs8(block: PemBlock, password: string, context: ReadContext): Promise<OpenedBlock> {
  const { algorithm, data } = readEncryptedPrivateKeyInfo(block.der);
  const opened = await open(algorithm, data, password);
  return {
    der: opened.data,
    seal: (old, next) => sealPkcs8(old, next, password, opened.derivation, context),
  };
}

/** EncryptedPrivateKeyInfo, RFC 5958 section 3. Throws SealError. */
export function readEncryptedPrivateKeyInfo(der: Uint8Array): Sealed {
  try {
    const [algorithm, data] = sequence(readElements(der)[0]);
    if (algorithm === undefined) throw new DerError('algorithm');
    return { algorithm: algorithm.encoded, data: octets(data) };
  } catch (error) {
    throw error instanceof DerError ? new SealError('scheme') : error;
  }
}

async function sealPkcs8(
  block: PemBlock,
  next: KeyObject,
  password: string,
  derivation: Derivation,
  context: Pick<ReadContext, 'entropy'>,
): Promise<string> {
  const der = await sealPrivateKey(next, password, context.entropy, derivation);
  return encodePem('ENCRYPTED PRIVATE KEY', der, lineEndOf(block));
}

/** DER of an EncryptedPrivateKeyInfo, RFC 5958 section 3: AES-256. */
export async function sealPrivateKey(
  privateKey: KeyObject,
  password: string,
  entropy: Entropy,
  derivation: Derivation = usualDerivation,
): Promise<Uint8Array> {
  const info = privateKey.export({ format: 'der', type: 'pkcs8' });
  const { algorithm, data } = await seal(info, password, derivation, entropy);
  return encodeSequence(algorithm, encodeOctets(data));
}

async function openTraditional(block: PemBlock, password: string, context: ReadContext): Promise<OpenedBlock> {
  return {
    der: openLegacy(block.headers, block.der, password),
    async seal(old, next) {
      const { label, der } = encodeLike(old.label, next);
      // An Ed25519 key is PKCS#8 (RFC 8410), and PKCS#8 has an encryption of its own, which every reader expects there.
      if (label !== old.label && label === 'PRIVATE KEY')
        return sealPkcs8(old, next, password, usualDerivation, context);
      const sealed = sealLegacy(old.headers, der, password, context.entropy);
      return encodePem(label, sealed.data, lineEndOf(old), sealed.headers);
    },
  };
}
