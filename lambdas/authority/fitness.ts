/** Checks, before a renewal, the rules of an authority that need no key. */
import type { Credential, Entropy, FitnessOptions } from '../domain/ports.ts';
import { newSerialNumber, reissuedTbs } from '../x509/reissue.ts';
import { type AuthorityWorld, type LoadedAuthority, loadAuthority } from './load.ts';
import { rehearse } from './prepare.ts';
import { parentOf } from './renew-ca.ts';
import { checkAlive, checkEnabled, checkRenewable, checkRenewalAllowed, claimsFor, leafValidity } from './rules.ts';
import { checkIssuedHere, provisionerOf } from './sign-leaf.ts';

/**
 * Throws what signLeaf would throw for this leaf: CaUntrusted, CaRejected, CertificateRejected. Unless `lasting`, also NotYetValid and
 * CertificateExpired. A new key makes no difference.
 */
export async function checkLeaf(
  loaded: LoadedAuthority,
  { leaf }: Pick<Credential, 'leaf'>,
  { now, lasting, entropy }: FitnessOptions & { readonly entropy: Entropy },
): Promise<void> {
  const { authority, certificate: issuer } = loaded;
  checkIssuedHere(leaf, loaded);
  const claims = claimsFor(authority, provisionerOf(leaf));
  if (lasting) checkRenewalAllowed(claims);
  else {
    checkEnabled(authority);
    checkRenewable(leaf, claims, now);
  }
  // An expired authority is renewed first, and then has another certificate.
  if (issuer.keySpec === undefined || (lasting && now >= loaded.end)) return;
  const { notBefore, notAfter } = leafValidity(leaf, authority, claims, loaded.end, now);
  const tbs = reissuedTbs({
    certificate: leaf,
    issuer,
    issuerKeySpec: issuer.keySpec,
    serialNumber: newSerialNumber(entropy),
    authorityKey: 'today',
    notBefore,
    notAfter,
  });
  await rehearse({ tbs, issuer: loaded, issuerKeySpec: issuer.keySpec, before: leaf, operation: 'renew', now });
}

/** Throws what renewCa would throw for the authority's own certificate: CaRejected. */
export async function checkAuthority(world: AuthorityWorld, name: string, { now }: FitnessOptions): Promise<void> {
  const loaded = await loadAuthority(world, name);
  checkEnabled(loaded.authority);
  const parent = await parentOf(world, loaded);
  if (parent !== undefined) checkAlive(parent.authority, parent.end, now);
}
