/** Reads and writes encrypted private keys: PKCS#8 encryption or legacy PEM encryption. Loaded only if there is one. */
import type { KeyObject } from 'node:crypto';
import { readElements, readFields, readOctets } from '../asn1/ber.ts';
import { MalformedError, malformed } from '../asn1/reader.ts';
import * as write from '../asn1/writer.ts';
import { RenewalError } from '../domain/errors.ts';
import { encodePemLike, type PemBlock } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import { openLegacy, sealLegacy } from './encryption/legacy-pem.ts';
import { type Derivation, open, SealError, type Sealed, seal, usualDerivation } from './encryption/pbes.ts';
import { encodeLike, labelLike, type OpenedKey, type ParsedKey, parseKey } from './key-encoding.ts';
import { missingPassword, wrongPassword } from './password.ts';
import type { ReadContext } from './shape.ts';

/**
 * Opens an encrypted block. `legacy`: encrypted as its headers say. Throws PasswordRequired, and UnsupportedSecret for an unknown scheme.
 */
export async function openEncryptedBlock(
  block: PemBlock,
  legacy: boolean,
  where: string,
  context: ReadContext,
): Promise<OpenedKey> {
  const what = `The private key of ${lowerFirst(where)}`;
  if (context.password === undefined) throw missingPassword(what);
  const password = await context.password();
  try {
    return await (legacy ? openTraditional : openPkcs8)(block, password, context);
  } catch (error) {
    throw explain(error, what, password);
  }
}

/** Parses a decrypted key. Throws SealError: one wrong password in 256 gives valid padding, but no valid key. */
function keyIn(der: Uint8Array, label: string): ParsedKey {
  const parsed = parseKey(der, label);
  if (parsed === undefined) throw new SealError('password');
  return parsed;
}

/** Returns a text with a lower-case first letter, for use within a sentence. */
export const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** Converts a SealError to an error for the user. */
export function explain(error: unknown, what: string, password: string): unknown {
  if (!(error instanceof SealError)) return error;
  if (error.reason === 'password') return wrongPassword(what, password);
  if (error.reason === 'pbmac1') return new RenewalError('UnsupportedSecret', `${what} ${pbmac1}`);
  return new RenewalError(
    'UnsupportedSecret',
    `${what} is encrypted in a way that is not supported: expected PBES2 (PBKDF2 or scrypt, with AES or 3DES in CBC), PKCS#12's 3DES or RC2 with its own MAC, or a legacy PEM block with AES or 3DES. Encrypt it again with the defaults of openssl 3 or keytool.`,
  );
}

const pbmac1 =
  'has a MAC of the kind PBMAC1 (RFC 9579), which few readers support yet: expected HMAC with SHA-1 or SHA-2 (RFC 7292), as openssl pkcs12 -export writes it without -pbmac1_pbkdf2. Create the file again without that option. To convert it with openssl 3.4 or later: openssl pkcs12 -in old.p12 -noenc -out all.pem, then openssl pkcs12 -export -in all.pem -out new.p12.';

async function openPkcs8(block: PemBlock, password: string, context: ReadContext): Promise<OpenedKey> {
  const { algorithm, data } = readEncryptedPrivateKeyInfo(block.der);
  const opened = await open(algorithm, data, password);
  return {
    ...keyIn(opened.data, block.label),
    encrypted: true,
    exchange(next) {
      const label = sealedLabel(labelLike(block.label, next), block.label);
      return sealPkcs8(block, label, next, password, opened.derivation, context);
    },
  };
}

/** Returns the label of encrypted PKCS#8: the old label if it stays, otherwise its own. */
const sealedLabel = (label: string, before: string) => (label === before ? label : 'ENCRYPTED PRIVATE KEY');

/** Reads an EncryptedPrivateKeyInfo (RFC 5958 section 3). Throws SealError. */
export function readEncryptedPrivateKeyInfo(der: Uint8Array): Sealed {
  try {
    const [algorithm, data] = readFields(readElements(der)[0]);
    if (algorithm === undefined) throw malformed('the algorithm', 'is missing');
    return { algorithm: algorithm.bytes, data: readOctets(data) };
  } catch (error) {
    throw error instanceof MalformedError ? new SealError('scheme') : error;
  }
}

async function sealPkcs8(
  block: PemBlock,
  label: string,
  next: KeyObject,
  password: string,
  derivation: Derivation,
  context: Pick<ReadContext, 'entropy'>,
): Promise<string> {
  const der = await sealPrivateKey(next, password, context.entropy, derivation);
  return encodePemLike(block, label, der);
}

/** Encrypts a new key that replaces an unencrypted one. Throws PasswordRequired for an empty password. */
export function sealNewKey(
  block: PemBlock,
  next: KeyObject,
  password: string,
  context: Pick<ReadContext, 'entropy'>,
): Promise<string> {
  if (password === '') throw missingPassword('The new private key', 'would be encrypted with an empty password');
  return sealPkcs8(block, 'ENCRYPTED PRIVATE KEY', next, password, usualDerivation, context);
}

/** Returns the DER of an EncryptedPrivateKeyInfo (RFC 5958 section 3) with AES-256. */
export async function sealPrivateKey(
  privateKey: KeyObject,
  password: string,
  entropy: Entropy,
  derivation: Derivation = usualDerivation,
): Promise<Uint8Array> {
  const info = privateKey.export({ format: 'der', type: 'pkcs8' });
  const { algorithm, data } = await seal(info, password, derivation, entropy);
  return write.sequence(algorithm, write.octetString(data));
}

async function openTraditional(block: PemBlock, password: string, context: ReadContext): Promise<OpenedKey> {
  const parsed = keyIn(openLegacy(block.headers, block.der, password), block.label);
  return {
    ...parsed,
    encrypted: true,
    async exchange(next) {
      const label = labelLike(block.label, next);
      // An Ed25519 key is PKCS#8 (RFC 8410), and readers expect encrypted PKCS#8 to use its own encryption.
      if (label !== block.label && label === 'PRIVATE KEY')
        return sealPkcs8(block, 'ENCRYPTED PRIVATE KEY', next, password, usualDerivation, context);
      const { data, headers } = sealLegacy(block.headers, encodeLike(parsed.encoding, next), password, context.entropy);
      return encodePemLike(block, label, data, headers);
    },
  };
}
