/** Signs a leaf's successor by an authority of the stack, by step-ca's rules (authority/tls.go, renewContext). */

import { type ElementReader, readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Credential, Entropy, IssuedChain } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import type { Wanted } from '../domain/wanted.ts';
import { checkGivenKey } from '../keys/given.ts';
import { provenKey } from '../keys/possession.ts';
import { provesItsKey } from '../x509/csr.ts';
import { findExtension, keyUsages } from '../x509/extensions.ts';
import { oids } from '../x509/oids.ts';
import { newSerialNumber, reissuedTbs, signCertificate } from '../x509/reissue.ts';
import { isSignedBy, weakSignature } from '../x509/signature.ts';
import { isSelfSigned, type LoadedAuthority } from './load.ts';
import { rehearse } from './prepare.ts';
import { checkEnabled, checkExtends, checkRenewable, claimsFor, leafValidity } from './rules.ts';

export interface SigningOptions {
  readonly now: Instant;
  /** The source of the serial number. */
  readonly entropy: Entropy;
  readonly end: Wanted['end'];
}

/**
 * Returns a new certificate for the leaf's key, or for `newKey`. All checks come before the authority's key is used.
 *
 * Throws InvalidRequest, KeyMismatch, WeakKey, CaUntrusted, CaRejected, NotYetValid, CertificateExpired, CertificateRejected, KmsDenied,
 * KmsUnavailable.
 */
export async function signLeaf(
  loaded: LoadedAuthority,
  current: Credential,
  newKey: Signer | undefined,
  { now, entropy, end }: SigningOptions,
): Promise<IssuedChain> {
  const { authority, certificate: issuer } = loaded;
  const { leaf } = current;
  await checkHolder(current);
  checkIssuedHere(leaf, loaded);
  checkEnabled(authority);
  const claims = claimsFor(authority, provisionerOf(leaf));
  checkRenewable(leaf, claims, now);
  if (newKey !== undefined) await checkNewKey(current, newKey);
  else if (leaf.keySpec !== undefined)
    checkGivenKey({ keySpec: leaf.keySpec, spki: leaf.spki }, "The certificate's key");
  const signer = await loaded.signer(); // with KMS this only reads the public key
  const { isShortened, ...validity } = leafValidity(leaf, authority, claims, loaded.end, now);
  const tbs = reissuedTbs({
    certificate: leaf,
    issuer,
    issuerKeySpec: signer.keySpec,
    ...(newKey && { spki: newKey.spki }),
    serialNumber: newSerialNumber(entropy),
    authorityKey: 'today',
    ...validity,
  });
  const after = await rehearse({
    tbs,
    issuer: loaded,
    issuerKeySpec: signer.keySpec,
    before: leaf,
    operation: newKey === undefined ? 'renew' : 'rekey',
    now,
  });
  if (isShortened) checkExtends(end, after, authority);
  return { certificates: [await signCertificate(tbs, signer), ...chainOf(loaded)] };
}

/** Returns, in DER, the authority's certificate and those above it, without a root. */
export function chainOf({ certificate, issuers }: LoadedAuthority): readonly Uint8Array[] {
  return [certificate, ...issuers].filter((each) => !isSelfSigned(each)).map(({ der }) => der);
}

/**
 * Checks that the caller has the old key: it signs, and the certificate's public key verifies. Throws InvalidRequest, KeyMismatch, and what
 * provenKey throws.
 */
async function checkHolder({ leaf, key }: Credential): Promise<void> {
  if (key === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret contains no key for the certificate, but an authority needs a proof of the old key: store the key in the secret, or in KMS.',
    );
  }
  if (await provenKey(leaf, key)) return;
  throw new RenewalError(
    'KeyMismatch',
    'The key does not belong to the certificate: store a certificate and its own key in the secret.',
  );
}

/** Checks a new key. Throws InvalidRequest for a key that would leave KMS or has no proof, WeakKey, and what the new key throws. */
async function checkNewKey({ key }: Credential, newKey: Signer): Promise<void> {
  if (key?.privateKey === undefined && newKey.privateKey !== undefined) {
    throw new RenewalError(
      'InvalidRequest',
      "The certificate's key is in KMS and can't leave it: only another key in KMS can replace it. Use the mode renew, or give a KMS key.",
    );
  }
  checkGivenKey(newKey);
  if (await provesItsKey(newKey)) return;
  throw new RenewalError(
    'InvalidRequest',
    "The new key's signature does not verify, so the public and the private key don't belong together: give a matching pair.",
    { concerns: 'request' },
  );
}

/**
 * Protects the authority's key: it only signs successors of certificates that it signed before. Names prove nothing; the signature does.
 * Throws CaUntrusted.
 */
export function checkIssuedHere(leaf: Certificate, { authority, certificate }: LoadedAuthority): void {
  const untrusted = (found: string) =>
    new RenewalError(
      'CaUntrusted',
      `${found}, so authority ${authority.name} does not renew it: it renews only certificates that it issued itself, and no CA certificates. Use the profile of the CA that issued it.`,
    );
  if (leaf.isCa || keyUsages(leaf)?.includes('keyCertSign')) throw untrusted('The certificate is a CA certificate');
  const weak = weakSignature(leaf);
  if (weak !== undefined) throw untrusted(`The certificate is signed with ${weak}, which anybody can forge`);
  if (!isSignedBy(leaf, certificate)) throw untrusted("The certificate was not signed by this authority's key");
}

/** Returns the name in step-ca's provisioner extension; undefined without one, or if it can't be read. */
export function provisionerOf(leaf: Certificate): string | undefined {
  const extension = findExtension(leaf, oids.stepProvisioner);
  if (extension === undefined) return undefined;
  try {
    const fields: ElementReader = readSequence(extension.value, 'the provisioner extension');
    fields.take(tags.integer);
    return Buffer.from(fields.take(tags.octetString).value).toString('utf8');
  } catch {
    return undefined;
  }
}
