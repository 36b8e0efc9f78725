/** A certificate and its key from one version of a secret, parsed once, with a proof that they match. */
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

/** The content of one version. The key is proven to be the leaf's. */
export interface Pair {
  readonly version: SecretVersion;
  readonly content: SecretContent;
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  /** Undefined if the CA holds it. */
  readonly key: ProvenKey | undefined;
}

/** How to read a secret. */
export interface Reading {
  /** ARN or name of the secret with the password of encrypted keys. */
  readonly passwordSecretId?: string | undefined;
  /** Whether its certificate is declared. Then a new key is encrypted if the profile has a password. */
  readonly isDeclared?: boolean;
  /** Whether the CA holds the key, so that the secret needs none. */
  readonly keyIsAtTheCa?: boolean;
  /** The authority, if the secret holds an authority's own certificate. */
  readonly authority?: Authority | undefined;
}

/**
 * Parses one version and proves that the key is the leaf's. CAs, authorities and the command line get their pairs from here, so the
 * proof is here.
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
      `The ${signer.kmsKeyArn ? 'KMS key' : 'private key'} (public key of ${signer.spki.length} bytes) does not match the certificate: store a certificate and its own key in the secret.`,
    );
  }
  if (key?.kmsKeyArn !== undefined && !reading.authority) {
    await refuseAuthorityKey(world, key, 'UnsupportedSecret', 'The kmsKeyId of the secret');
  }
  return { version, content, leaf, chain, key };
}

/** Reads only the certificate of an older version, whose key may be gone. Throws the errors of reading a secret. */
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

/** Returns the signer of the key. For an authority with a key in KMS the configuration names the key, not the secret. */
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
