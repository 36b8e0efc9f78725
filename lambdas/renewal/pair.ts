/** A certificate and its key, out of one version of a secret: parsed once, and proven to belong together. */
import type { Authority } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { SecretValue, SecretVersion } from '../domain/secret.ts';
import type { Signer } from '../domain/signer.ts';
import { localSigner } from '../keys/local.ts';
import { type ProvenKey, provenKey } from '../keys/possession.ts';
import { readSecret, type SecretContent } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { parseCertificate, parseIssuer } from '../x509/certificate.ts';
import { refuseAuthorityKey } from './authority-key.ts';
import type { PairWorld } from './world.ts';

/** What one version holds: the key is proven to be the leaf's. */
export interface Pair {
  readonly version: SecretVersion;
  readonly content: SecretContent;
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  /** Undefined where the CA holds it. */
  readonly key: ProvenKey | undefined;
}

/** How a secret is to be read. */
export interface Reading {
  /** Of the secret with the password, for an encrypted key. */
  readonly passwordSecretId?: string | undefined;
  /** Its certificate is declared: a new key is encrypted wherever the profile has a password. */
  readonly isDeclared?: boolean;
  /** The secret needs no key: the CA holds it. */
  readonly keyIsAtTheCa?: boolean;
  /** Whose own certificate it is, where it is that of an authority of the stack. */
  readonly authority?: Authority | undefined;
}

/**
 * Parses one version: its certificates, and its key, which must be the leaf's. Everything that believes in a pair, a CA, an
 * authority of the stack or the command line, gets it here: so it is here that the key has to prove itself.
 *
 * Throws UnsupportedSecret, PasswordRequired, InvalidCertificate, KeyMismatch, KmsDenied, KmsUnavailable.
 */
export async function readPair(world: PairWorld, reading: Reading, version: SecretVersion): Promise<Pair> {
  const content = await readContent(world, reading, version.value);
  const leaf = parseCertificate(content.leaf);
  const chain = content.chain.map(parseIssuer);
  const signer = await signerOf(world, reading, content);
  const key = signer && (await provenKey(leaf, signer));
  if (signer && !key) {
    throw new RenewalError(
      'KeyMismatch',
      `The ${signer.kmsKeyArn ? 'KMS key' : 'private key'} (public key of ${signer.spki.length} bytes) is not the certificate's: put the certificate and the key that belong together into the secret.`,
    );
  }
  if (key?.kmsKeyArn !== undefined && !reading.authority) {
    await refuseAuthorityKey(world, key, 'UnsupportedSecret', 'The kmsKeyId of the secret');
  }
  return { version, content, leaf, chain, key };
}

/** The certificate alone of a version that is of the past: its key may be gone. Throws what reading a secret throws. */
export async function readLeaf(world: PairWorld, reading: Reading, { value }: SecretVersion): Promise<Certificate> {
  return parseCertificate((await readContent(world, reading, value)).leaf);
}

export function readContent(
  { store, entropy }: PairWorld,
  { keyIsAtTheCa = false, isDeclared = false, passwordSecretId, authority }: Reading,
  value: SecretValue,
): Promise<SecretContent> {
  const allowNoKey = keyIsAtTheCa || authority?.kmsKeyArn !== undefined;
  const password = passwordIn(store, passwordSecretId);
  return readSecret(value, { entropy, allowNoKey, password, encryptsNewKey: isDeclared });
}

/** The key of an authority is the one that its configuration names, whatever the secret says. */
async function signerOf(
  { vault }: PairWorld,
  { authority }: Reading,
  { key }: SecretContent,
): Promise<Signer | undefined> {
  if (authority?.kmsKeyArn !== undefined) return vault.signer(authority.kmsKeyArn);
  switch (key.kind) {
    case 'private':
      return localSigner(key.privateKey);
    case 'kms':
      return vault.signer(key.keyId);
    case 'none':
      return undefined;
  }
}
