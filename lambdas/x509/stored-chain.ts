/** The chain that is stored with a new leaf, and the usages that the leaf loses by it. */
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import { certificatesAbove, verifyPath } from './chain.ts';
import { usagesLeft, usagesOf } from './extended-key-usage.ts';

/**
 * Returns the chain to store, the leaf's issuer first, without the root: the certificates of `path`, then others of `pool` on a path up
 * from the leaf, for readers that trust another root. A trusted certificate that is not a root is part of the chain, for readers that trust
 * the one above. `path` is the leaf's verified path, `pool` all certificates that the CA sent.
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
 * Returns the usages that the current certificate keeps on its own path, but that are lost on `path`. (A CA without a usage takes it from
 * the leaf: docs/decisions/0009.)
 */
export function usagesLost(
  before: Certificate,
  beforeChain: readonly Certificate[],
  path: readonly Certificate[],
  roots: readonly Certificate[],
  now: Instant,
): readonly string[] {
  const left = usagesLeft(path);
  if (usagesOf(before).every((usage) => left.includes(usage.name))) return []; // it can't lose more than it names
  const was = verifyPath(before, beforeChain, roots, Math.min(now, before.notAfter));
  return was.ok ? usagesLeft(was.path).filter((usage) => !left.includes(usage)) : [];
}
