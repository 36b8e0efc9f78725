/** An encrypted private key block: PKCS#8's own encryption, or legacy PEM encryption. Loaded only where there is one. */
import type { KeyObject } from 'node:crypto';
import { DerError, encodeOctets, encodeSequence, octets, readElements, sequence } from '../asn1/ber.ts';
import { RenewalError } from '../domain/errors.ts';
import { encodePemLike, type PemBlock } from '../domain/pem.ts';
import type { Entropy } from '../domain/ports.ts';
import { openLegacy, sealLegacy } from './encryption/legacy-pem.ts';
import { type Derivation, open, SealError, type Sealed, seal, usualDerivation } from './encryption/pbes.ts';
import { missingPassword, wrongPassword } from './password.ts';
import { type Encoding, encodeLike, labelLike } from './private-key.ts';
import type { ReadContext } from './shape.ts';

export interface OpenedBlock {
  /** DER of the key. */
  readonly der: Uint8Array;
  readonly sealed: {
    readonly password: string;
    /** A block for another key: the same kind, the same password, parameters no weaker. */
    seal(block: PemBlock, encoding: Encoding, next: KeyObject): Promise<string>;
  };
}

/** `legacy`: by its headers. Throws PasswordRequired, and UnsupportedSecret for a scheme that is not known. */
export async function openEncryptedBlock(
  block: PemBlock,
  legacy: boolean,
  where: string,
  context: ReadContext,
): Promise<OpenedBlock> {
  const what = `The private key of ${lowerFirst(where)}`;
  if (context.password === undefined) throw missingPassword(what);
  const password = await context.password();
  try {
    return await (legacy ? openTraditional : openPkcs8)(block, password, context);
  } catch (error) {
    throw explain(error, what, password);
  }
}

/** A text's name within a sentence. */
export const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** A SealError as what the user may read. */
export function explain(error: unknown, what: string, password: string): unknown {
  if (!(error instanceof SealError)) return error;
  if (error.reason === 'password') return wrongPassword(what, password);
  if (error.reason === 'pbmac1') return new RenewalError('UnsupportedSecret', `${what} ${pbmac1}`);
  return new RenewalError(
    'UnsupportedSecret',
    `${what} is encrypted in a way that is not supported: expected PBES2 (PBKDF2 or scrypt, with AES or 3DES in CBC), PKCS#12's 3DES or RC2 and its own MAC, or a legacy PEM block with AES or 3DES. Encrypt it again with the defaults of openssl 3 or keytool.`,
  );
}

const pbmac1 =
  'has a MAC of the kind PBMAC1 (RFC 9579), which few readers know yet: expected HMAC with SHA-1 or SHA-2 (RFC 7292), as openssl pkcs12 -export writes it without -pbmac1_pbkdf2. Make the file again without that option; of the file itself, with openssl 3.4 or later: openssl pkcs12 -in old.p12 -noenc -out all.pem, then openssl pkcs12 -export -in all.pem -out new.p12.';

async function openPkcs8(block: PemBlock, password: string, context: ReadContext): Promise<OpenedBlock> {
  const { algorithm, data } = readEncryptedPrivateKeyInfo(block.der);
  const opened = await open(algorithm, data, password);
  const label = (old: PemBlock, next: KeyObject) => sealedLabel(labelLike(old.label, next), old.label);
  return {
    der: opened.data,
    sealed: {
      password,
      seal: (old, _, next) => sealPkcs8(old, label(old, next), next, password, opened.derivation, context),
    },
  };
}

/** PKCS#8 that is encrypted, under a label that changes: then under its own. */
const sealedLabel = (label: string, before: string) => (label === before ? label : 'ENCRYPTED PRIVATE KEY');

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
  label: string,
  next: KeyObject,
  password: string,
  derivation: Derivation,
  context: Pick<ReadContext, 'entropy'>,
): Promise<string> {
  const der = await sealPrivateKey(next, password, context.entropy, derivation);
  return encodePemLike(block, label, der);
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
    sealed: {
      password,
      async seal(old, encoding, next) {
        const label = labelLike(old.label, next);
        // An Ed25519 key is PKCS#8 (RFC 8410), and PKCS#8 has an encryption of its own, which every reader expects there.
        if (label !== old.label && label === 'PRIVATE KEY')
          return sealPkcs8(old, 'ENCRYPTED PRIVATE KEY', next, password, usualDerivation, context);
        const { data, headers } = sealLegacy(old.headers, encodeLike(encoding, next), password, context.entropy);
        return encodePemLike(old, label, data, headers);
      },
    },
  };
}
