/** Renews an authority's own certificate: same key and extensions, new serial number and new end. */

import { sameBytes } from '../domain/bytes.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Credential, IssuedChain } from '../domain/ports.ts';
import { newSerialNumber, reissuedTbs, signCertificate } from '../x509/reissue.ts';
import { type AuthorityWorld, type LoadedAuthority, loadAuthority } from './load.ts';
import { rehearse } from './prepare.ts';
import { caValidity, checkAlive, checkEnabled, checkExtends } from './rules.ts';
import { chainOf, type SigningOptions } from './sign-leaf.ts';

/**
 * Returns the successor of the certificate in `current`, which must be the authority's. The parent's key signs it or, for a root, its own.
 * All checks come before a key signs.
 *
 * Throws CaRejected (disabled, or the parent is not in this stack), InvalidRequest (an end that is not possible), CertificateRejected,
 * KeyMismatch, KmsDenied, KmsUnavailable, SecretChanged.
 */
export async function renewCa(
  world: AuthorityWorld,
  name: string,
  current: Credential,
  { now, entropy, end, notAfter }: SigningOptions & { readonly notAfter?: Instant | undefined },
): Promise<IssuedChain> {
  const loaded = await loadAuthority(world, name);
  const { authority, certificate } = loaded;
  if (!sameBytes(certificate.der, current.leaf.der)) {
    throw new RenewalError('SecretChanged', `The certificate of authority ${name} was replaced meanwhile.`);
  }
  checkEnabled(authority);
  await loaded.signer(); // throws unless the authority's key is the certificate's, even if the parent signs
  const parent = await parentOf(world, loaded);
  const signer = await (parent ?? loaded).signer();
  if (parent !== undefined) checkAlive(parent.authority, parent.end, now);
  const issuer = parent === undefined ? 'self' : parent.certificate;
  const { isShortened, ...validity } = caValidity({
    certificate,
    parentEnd: parent?.end,
    backdate: authority.backdate,
    now,
    requested: notAfter,
  });
  const tbs = reissuedTbs({
    certificate,
    issuer,
    issuerKeySpec: signer.keySpec,
    serialNumber: newSerialNumber(entropy),
    authorityKey: 'keep',
    ...validity,
  });
  const after = await rehearse({
    tbs,
    issuer: parent ?? 'self',
    issuerKeySpec: signer.keySpec,
    before: certificate,
    operation: 'renew',
    now,
  });
  if (isShortened) checkExtends(end, after, (parent ?? loaded).authority);
  const renewed = await signCertificate(tbs, signer);
  return { certificates: [renewed, ...(parent === undefined ? [] : chainOf(parent))] };
}

/** Returns the parent; undefined for a root. Throws CaRejected for a parent that is disabled, expired or outside of the stack. */
export async function parentOf(world: AuthorityWorld, loaded: LoadedAuthority): Promise<LoadedAuthority | undefined> {
  const { name, parent: parentName } = loaded.authority;
  if (parentName === undefined && loaded.isRoot) return undefined;
  if (parentName === undefined) {
    throw new RenewalError(
      'CaRejected',
      `The certificate of authority ${name} was issued by a CA outside of this stack: renew it there and store it in the secret, or configure its parent.`,
    );
  }
  if (loaded.isRoot) {
    throw new RenewalError(
      'CaRejected',
      `The certificate of authority ${name} is self-signed, but the configuration names ${parentName} as its parent: remove the parent, or store a certificate in the secret that the parent issued.`,
    );
  }
  const parent = await loadAuthority(world, parentName);
  checkEnabled(parent.authority);
  return parent;
}
