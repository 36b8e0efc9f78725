/** Building and judging certification paths (RFC 5280 section 6, RFC 4158). */
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { type PathEnd, type PathResult, PathSearch } from './path-search.ts';

export type { PathEnd, PathResult } from './path-search.ts';

/**
 * The path from `leaf` through `pool` to one of `roots` that keeps most of the leaf's extended key usages, and of those
 * the one that lasts longest, among those on which every certificate is valid at `now`. The pool may be in any order and
 * hold certificates that don't belong. A root is trusted by its own DER, and so is a newer self-signed certificate of the
 * same name and key.
 *
 * Checked at each step: names, signature, AKI and SKI, cA, keyCertSign, pathLenConstraint, name constraints, extended key
 * usages, the issuer's key, that an issuer has no critical extension that is not known here, and that nothing below the
 * root rests on MD5 or SHA-1. Not checked: revocation and certificate policies. Never throws.
 */
export function verifyPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): PathResult {
  return new PathSearch(leaf, pool, roots, now).best();
}

/** As verifyPath, whatever the dates: of a certificate in use it matters too how long its path did last. Never throws. */
export function longestPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
): PathResult {
  return new PathSearch(leaf, pool, roots, undefined).best();
}

/**
 * When the certificate in use stops being of use: the end of the path that verifyPath would take, whether that is past or
 * not. A secret may hold the leaf alone, so where no path can be built the leaf's own notAfter counts. Never throws.
 */
export function chainEnd(leaf: Certificate, pool: readonly Certificate[], roots: readonly Certificate[]): PathEnd {
  const result = longestPath(leaf, pool, roots);
  if (!result.ok) return { end: leaf.notAfter, endsWith: 'leaf' };
  const { end, endsWith } = result;
  return { end, endsWith };
}

/**
 * Every certificate of `pool` that stands on a path from the leaf up by the rules of verifyPath, each behind one that it
 * issued. A path may end anywhere: above it may be a root that is trusted by others. Self-signed certificates are left
 * out, and so are those that are known not to be by the issuer that they name. Never throws.
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
