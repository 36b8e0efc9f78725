/**
 * A declared leaf by an authority of the stack: what the configuration says there is to be, and no request of anybody. Everything
 * is judged before the authority's key is asked for.
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
  /** For the serial number. */
  readonly entropy: Entropy;
}

/**
 * The certificate of `key`, which has signed, with exactly the names, subject and usages declared: never beyond the authority's
 * own end, and within its name constraints, path length, usages and claims.
 *
 * Throws InvalidRequest for a key that does not prove itself, WeakKey, CaRejected for what this authority may not issue,
 * CertificateRejected, KeyMismatch for an authority with another key than its certificate's, KmsDenied, KmsUnavailable.
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
  const signer = await loaded.signer(); // in KMS this asks for the public key only
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

/** Throws InvalidRequest, and what the key throws. */
async function checkHeld(key: Signer): Promise<void> {
  if (await provesItsKey(key)) return;
  throw new RenewalError(
    'InvalidRequest',
    "The certificate's key did not sign its own request, so nothing proves that it is held: give a key whose two halves belong together.",
  );
}
