/** Builds and verifies certification paths (RFC 5280 section 6, RFC 4158). */
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { type PathEnd, type PathResult, PathSearch } from './path-search.ts';

export type { PathEnd, PathResult } from './path-search.ts';

/**
 * Returns a path from `leaf` through `pool` to one of `roots`, on which every certificate is valid at `now`. Of several paths it takes the
 * one that keeps most of the leaf's extended key usages, then the one that is valid longest. The pool may have any order and may contain
 * other certificates. A root is trusted by its DER; a newer self-signed certificate with the same name and key is trusted too.
 *
 * Checked at each step: names, signature, AKI and SKI, cA, keyCertSign, pathLenConstraint, name constraints, extended key usages, the
 * issuer's key, unknown critical extensions of the issuer, and no MD5 or SHA-1 below the root. Not checked: revocation and certificate
 * policies. Never throws.
 */
export function verifyPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): PathResult {
  return new PathSearch(leaf, pool, roots, now).best();
}

/** Does the same as verifyPath, but ignores dates. For a certificate in use the end of its path matters, also in the past. Never throws. */
export function longestPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
): PathResult {
  return new PathSearch(leaf, pool, roots, undefined).best();
}

/**
 * Returns the end of the path that verifyPath would take, also if it is past. A secret may hold only the leaf: if there is no path, the end
 * is the leaf's notAfter. Never throws.
 */
export function chainEnd(leaf: Certificate, pool: readonly Certificate[], roots: readonly Certificate[]): PathEnd {
  const result = longestPath(leaf, pool, roots);
  if (!result.ok) return { end: leaf.notAfter, endsWith: 'leaf' };
  const { end, endsWith } = result;
  return { end, endsWith };
}

/**
 * Returns every certificate of `pool` that is on a path up from the leaf, by the rules of verifyPath. A path may end anywhere, because
 * other users may trust a root above it. Self-signed certificates are left out, and so are those that the named issuer did not sign. Never
 * throws.
 */
export function certificatesAbove(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): readonly Certificate[] {
  const ders = new Set(pool.map(({ der }) => Buffer.from(der).toString('latin1')));
  return new PathSearch(leaf, pool, roots, now)
    .all()
    .filter(({ der }) => ders.has(Buffer.from(der).toString('latin1')));
}
