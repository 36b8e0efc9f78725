/** Finds the intermediates that step-ca needs with a leaf. */

import { sameBytes } from '../../domain/bytes.ts';
import type { Certificate } from '../../domain/certificate.ts';
import { isSignedBy } from '../../x509/signature.ts';

/** Limit of issuers. No real path has so many; it bounds the work for a hostile chain. */
const mostIssuers = 8;

/**
 * Returns the certificates of `pool` on the way up from the leaf, nearest first, by name and signature, without regard to dates.
 * Self-issued ones are left out, because the CA has its roots. There may be several for one issuer, such as an intermediate and its
 * successor with the same key.
 */
export function issuersOf(leaf: Certificate, pool: readonly Certificate[]): Certificate[] {
  const found: Certificate[] = [];
  for (let child: Certificate | undefined = leaf, next = 0; child !== undefined; child = found[next++]) {
    for (const candidate of pool) {
      if (found.length === mostIssuers) return found;
      if (!sameBytes(candidate.subject, child.issuer) || sameBytes(candidate.subject, candidate.issuer)) continue;
      if (found.some(({ der }) => sameBytes(der, candidate.der)) || !isSignedBy(child, candidate)) continue;
      found.push(candidate);
    }
  }
  return found;
}

/**
 * Whether the token's chain will be valid for step-ca. To accept expired leaves, step-ca verifies the chain one minute before the leaf's
 * end, so one intermediate for the leaf must be valid then.
 */
export function reachesEnd(leaf: Certificate, issuers: readonly Certificate[]): boolean {
  const at = leaf.notAfter - 60_000;
  return issuers.some(
    (issuer) => sameBytes(issuer.subject, leaf.issuer) && issuer.notBefore <= at && at <= issuer.notAfter,
  );
}
