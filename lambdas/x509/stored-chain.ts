/** What is stored with a new leaf, and what it can be used for with that. */
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { certificatesAbove, verifyPath } from './chain.ts';
import { usagesLeft, usagesOf } from './extended-key-usage.ts';

/**
 * `path` is the verified one of the leaf, `pool` all that came with it. The chain goes from the leaf's issuer upwards, root left
 * out: the path, then what else of the pool lies on a path from the leaf up. A cross certificate is for those who know another
 * root. Each stands behind one that it issued. What is trusted and no root is part of the chain, for those who trust the one above.
 */
export function chainToStore(
  path: readonly Certificate[],
  leaf: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  at: Instant,
): { readonly chain: readonly Certificate[]; readonly root: Certificate | undefined } {
  const anchor = path.at(-1) ?? leaf;
  const root = sameBytes(anchor.subject, anchor.issuer) ? anchor : undefined;
  const isOnPath = ({ der }: Certificate) => path.some((one) => sameBytes(one.der, der));
  const above = pool.every(isOnPath) ? [] : certificatesAbove(leaf, pool, roots, at);
  return { chain: [...path.slice(1, root ? -1 : undefined), ...above.filter((each) => !isOnPath(each))], root };
}

/**
 * The usages of the certificate in use that its own path leaves to it today, and the new `path` does not: a CA above a leaf that
 * does not allow a usage takes it away, though the leaf names it (docs/decisions/0009).
 */
export function usagesLost(
  before: Certificate,
  beforeChain: readonly Certificate[],
  path: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): readonly string[] {
  const left = usagesLeft(path);
  if (usagesOf(before).every((usage) => left.includes(usage.name))) return []; // more can't be lost than it has
  const was = verifyPath(before, beforeChain, roots, Math.min(now, before.notAfter));
  return was.ok ? usagesLeft(was.path).filter((usage) => !left.includes(usage)) : [];
}
