/**
 * Issues a declared leaf by an authority of the stack: the content comes from the configuration, not from a request. All checks come before
 * the authority's key is used.
 */
import * as write from '../asn1/writer.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Entropy, IssuedChain } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import type { DeclaredContent } from '../domain/wanted.ts';
import { checkGivenKey } from '../keys/given.ts';
import { provesItsKey } from '../x509/csr.ts';
import { buildLeafCertificate, leafKeyUsages } from '../x509/leaf-certificate.ts';
import { oids } from '../x509/oids.ts';
import { newSerialNumber, signCertificate } from '../x509/reissue.ts';
import type { LoadedAuthority } from './load.ts';
import { rehearse } from './prepare.ts';
import { checkEnabled, newLeafValidity } from './rules.ts';
import { chainOf } from './sign-leaf.ts';

export interface IssuingOptions {
  readonly now: Instant;
  /** The source of the serial number. */
  readonly entropy: Entropy;
}

/**
 * Returns a certificate for `key`, after a proof of possession, with exactly the declared names, subject and usages. It does not outlive
 * the authority, and respects the authority's name constraints, path length, usages and claims.
 *
 * Throws InvalidRequest for a key without proof, WeakKey, CaRejected if this authority must not issue it, CertificateRejected, KeyMismatch
 * if the authority's key is not its certificate's, KmsDenied, KmsUnavailable.
 */
export async function issueLeaf(
  loaded: LoadedAuthority,
  content: DeclaredContent,
  key: Signer,
  { now, entropy }: IssuingOptions,
): Promise<IssuedChain> {
  const { authority, certificate: issuer } = loaded;
  checkEnabled(authority);
  checkGivenKey(key, "The certificate's key");
  const validity = newLeafValidity(content.duration, authority, loaded.end, now);
  await checkHeld(key);
  const signer = await loaded.signer(); // with KMS this only reads the public key
  const tbs = await buildLeafCertificate({
    subject: content.subject ?? write.sequence(),
    spki: key.spki,
    issuer,
    issuerKeySpec: signer.keySpec,
    serialNumber: newSerialNumber(entropy),
    names: content.names,
    keyUsages: leafKeyUsages(key.keySpec),
    usages: content.usages.map((usage) => oids[usage]),
    ...validity,
  });
  await rehearse({ tbs, issuer: loaded, issuerKeySpec: signer.keySpec, before: undefined, now });
  return { certificates: [await signCertificate(tbs, signer), ...chainOf(loaded)] };
}

/** Checks the proof of possession. Throws InvalidRequest, and what the key throws. */
async function checkHeld(key: Signer): Promise<void> {
  if (await provesItsKey(key)) return;
  throw new RenewalError(
    'InvalidRequest',
    "The signature of the certificate's key does not verify, so the public and the private key don't belong together: give a matching pair.",
  );
}
