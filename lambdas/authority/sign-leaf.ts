/** A leaf's successor by an authority of the stack: the rules that step-ca follows (authority/tls.go, renewContext). */

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
  /** For the serial number. */
  readonly entropy: Entropy;
  readonly end: Wanted['end'];
}

/**
 * A new certificate for the leaf's own key, or for `newKey`. Everything is judged before the authority's key is asked for.
 *
 * Throws InvalidRequest, KeyMismatch, WeakKey, CaUntrusted, CaRejected, NotYetValid, CertificateExpired,
 * CertificateRejected, KmsDenied, KmsUnavailable.
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
  const signer = await loaded.signer(); // in KMS this asks for the public key only
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

/** The authority's own certificate and those above it, the root left out; one that is no root stays. DER. */
export function chainOf({ certificate, issuers }: LoadedAuthority): readonly Uint8Array[] {
  return [certificate, ...issuers].filter((each) => !isSelfSigned(each)).map(({ der }) => der);
}

/**
 * The caller has the old key: it has signed, and the certificate's public key has verified that. Throws
 * InvalidRequest, KeyMismatch, and what provenKey throws.
 */
async function checkHolder({ leaf, key }: Credential): Promise<void> {
  if (key === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret holds no key for the certificate: an authority renews for whoever has the old key, in the secret or in KMS.',
    );
  }
  if (await provenKey(leaf, key)) return;
  throw new RenewalError(
    'KeyMismatch',
    'The key is not that of the certificate: put a certificate and its own key into the secret.',
  );
}

/** Throws InvalidRequest for a key that would leave KMS or is not held, WeakKey, and what the new key throws. */
async function checkNewKey({ key }: Credential, newKey: Signer): Promise<void> {
  if (key?.privateKey === undefined && newKey.privateKey !== undefined) {
    throw new RenewalError(
      'InvalidRequest',
      "The certificate's key is in KMS and never leaves it: only another key in KMS can follow it. Use the mode renew, or give a KMS key.",
    );
  }
  checkGivenKey(newKey);
  if (await provesItsKey(newKey)) return;
  throw new RenewalError(
    'InvalidRequest',
    'The new key did not sign its own request, so nothing proves that it is held: give a key whose two halves belong together.',
    { concerns: 'request' },
  );
}

/**
 * The one gate to the authority's key: only what this authority signed before is ever signed again. Names prove nothing;
 * the signature does. Throws CaUntrusted.
 */
export function checkIssuedHere(leaf: Certificate, { authority, certificate }: LoadedAuthority): void {
  const untrusted = (found: string) =>
    new RenewalError(
      'CaUntrusted',
      `${found}, so authority ${authority.name} does not renew it: it renews only what it issued itself, and no CA certificates. Use the profile of the CA that issued it.`,
    );
  if (leaf.isCa || keyUsages(leaf)?.includes('keyCertSign')) throw untrusted("The certificate is a CA's");
  const weak = weakSignature(leaf);
  if (weak !== undefined) throw untrusted(`The certificate is signed with ${weak}, which anybody can forge`);
  if (!isSignedBy(leaf, certificate)) throw untrusted("The certificate's signature is not by this authority's key");
}

/** The name in step-ca's provisioner extension; undefined without one, or for one that can't be read. */
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
