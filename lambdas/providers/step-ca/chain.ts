/** The intermediates that step-ca needs to see with a leaf. */

import { sameBytes } from '../../domain/bytes.ts';
import type { Certificate } from '../../domain/certificate.ts';
import { isSignedBy } from '../../x509/signature.ts';

/** More than any real path has; it bounds the work that a chain full of look-alikes can cause. */
const mostIssuers = 8;

/**
 * The certificates of `pool` that lead from the leaf upwards, nearest first, by name and signature, whatever their
 * dates. Self-issued ones are left out: the CA has its roots. Several may stand for one issuer, such as an intermediate
 * and its successor with the same key.
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
 * Whether step-ca will find the token's chain valid: to let expired leaves through it looks at it one minute before the
 * leaf's end, so one intermediate for the leaf must reach as far.
 */
export function reachesEnd(leaf: Certificate, issuers: readonly Certificate[]): boolean {
  const at = leaf.notAfter - 60_000;
  return issuers.some(
    (issuer) => sameBytes(issuer.subject, leaf.issuer) && issuer.notBefore <= at && at <= issuer.notAfter,
  );
}
