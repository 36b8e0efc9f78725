/** Orders a chain for readers that require it: each certificate certifies the one before (RFC 8446 section 4.4.2). */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { mayName } from './issuer-rules.ts';
import { isSignedBy } from './signature.ts';

/** Limits. Real chains need much less; a hostile pool would take too long. */
const most = { certificates: 10, steps: 1_000 } as const;

interface Path {
  readonly issuers: readonly Certificate[];
  /** The earliest end of the certificates that a reader needs. */
  readonly end: Instant;
}

/**
 * Returns the certificates of `pool` on a path up from the leaf, by name, AKI and signature. The leaf's issuer is first; the root and
 * certificates that are not on the path are left out. Of several paths it takes the one that is valid longest, then the longest one: a
 * cross certificate above a root of the pool stays, for readers that trust another root.
 */
export function orderedChain(leaf: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
  // Certificates that ended before the leaf began are of no use. Those that end last are tried first.
  const useful = pool.filter(({ notAfter }) => notAfter >= leaf.notBefore).sort((a, b) => b.notAfter - a.notAfter);
  let best: Path | undefined;
  let steps = 0;
  const climb = (path: Path, isWhole: boolean): void => {
    if (steps++ >= most.steps) return;
    const below = [leaf, ...path.issuers];
    const top = below[below.length - 1] ?? leaf;
    const above = isSelfSigned(top) ? [] : useful.filter((issuer) => certifies(issuer, top));
    const reachesRoot = isWhole || above.some(isSelfSigned);
    const next = above.filter(
      (issuer) => !isSelfSigned(issuer) && !below.some((each) => isSameAuthority(each, issuer)),
    );
    if (reachesRoot || next.length === 0 || below.length >= most.certificates) best = better(best, path);
    if (below.length >= most.certificates) return;
    for (const issuer of next) {
      const end = reachesRoot ? path.end : Math.min(path.end, issuer.notAfter);
      climb({ issuers: [...path.issuers, issuer], end }, reachesRoot);
    }
  };
  climb({ issuers: [], end: leaf.notAfter }, false);
  return best?.issuers ?? [];
}

function better(best: Path | undefined, other: Path): Path {
  if (best === undefined || other.end > best.end) return other;
  return other.end === best.end && other.issuers.length > best.issuers.length ? other : best;
}

function certifies(issuer: Certificate, certificate: Certificate): boolean {
  if (!issuer.isCa || !sameBytes(certificate.issuer, issuer.subject)) return false;
  return mayName(certificate, issuer) && isSignedBy(certificate, issuer);
}

function isSelfSigned(certificate: Certificate): boolean {
  return sameBytes(certificate.subject, certificate.issuer) && isSignedBy(certificate, certificate);
}

function isSameAuthority(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.subject, b.subject) && sameBytes(a.spki, b.spki);
}
