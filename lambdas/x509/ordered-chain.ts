/** A chain in order, for readers that take no other: each certificate certifies the one before (RFC 8446 section 4.4.2). */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { mayName } from './issuer-rules.ts';
import { isSignedBy } from './signature.ts';

/** No real chain comes near these; a pool that was made for it would take for ever. */
const most = { certificates: 10, steps: 1_000 } as const;

interface Path {
  readonly issuers: readonly Certificate[];
  /** Of whichever is needed and ends first. */
  readonly end: Instant;
}

/**
 * The certificates of `pool` that lead from the leaf upwards, by name, AKI and signature, the leaf's issuer first and the root
 * left out; what is not on the path is left out too. Of several paths the one that lasts longest, and of those the longest: a
 * cross certificate above what a root of the pool has issued is for readers who know another root, and stays.
 */
export function orderedChain(leaf: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
  // What ended before the leaf began was of no use to it; what ends last is tried first.
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
