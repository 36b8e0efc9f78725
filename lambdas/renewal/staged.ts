/** Finds a pair that an earlier try staged and did not promote. So a crash between stage and promote costs no second issuance. */
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { sameKeySpec } from '../domain/key-spec.ts';
import type { Store } from '../domain/ports.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { declarationIn, isBasedOn, isOfDeclaration } from '../domain/version-id.ts';
import { operationOf } from '../domain/wanted.ts';
import type { SecretContent } from '../secret/index.ts';
import { samePublicKey } from '../x509/public-key.ts';
import { type Pair, readPair } from './pair.ts';
import { issuedFor, type Place, readingOf } from './place.ts';
import type { Plan } from './steps/3-plan.ts';
import { type VerifiedPair, verifyIssued } from './steps/5-verify.ts';
import type { RenewalWorld } from './world.ts';

/** A verified pair and the id of its version. */
export interface Staged {
  readonly pair: VerifiedPair;
  readonly to: string;
}

/**
 * Returns a staged pair that is based on the current version, still verifies and fits the plan. It is promoted instead of issuing
 * again. Undefined if there is none. Throws retryable errors.
 */
export async function stagedEarlier(world: RenewalWorld, subject: Place, plan: Plan): Promise<Staged | undefined> {
  const pending = ownPending(subject.secret);
  if (pending === undefined || !isMadeFor(pending, issuedFor(subject, operationOf(plan.wanted)), plan))
    return undefined;
  // A pair staged before AWSPREVIOUS was written must not be promoted. It may have been current: an operator may have rolled back
  // from it, then written another version, and rolled back from that too.
  const since = Math.max(subject.version.createdAt, await previousCreatedAt(world.store, subject.secret));
  return judgeStaged(world, subject, plan, pending, since);
}

/**
 * Returns whether the pending version was issued for this declaration. The certificate does not always show that, because the CA
 * may leave out a usage, so the version's id decides.
 */
function isMadeFor(versionId: string, declaration: string | undefined, { wanted }: Plan): boolean {
  const made = declarationIn(versionId);
  if (made === undefined) return wanted.content.kind !== 'declared';
  return declaration !== undefined && isOfDeclaration(made, declaration);
}

/** Returns the pending version, if cert-renewer wrote it to replace the current version. */
export function ownPending(secret: SecretSummary): string | undefined {
  const pending = versionWithStage(secret, 'AWSPENDING');
  const current = secret.currentVersionId;
  if (pending === undefined || current === undefined || pending === current) return undefined;
  if (pending === versionWithStage(secret, 'AWSPREVIOUS')) return undefined; // an operator rolled back from it
  return isBasedOn(pending, current) ? pending : undefined;
}

/**
 * Returns when AWSPREVIOUS was written. If that is later than the current version, an operator rolled back. -Infinity if there is
 * none or if it can't be read. Throws retryable errors.
 */
export async function previousCreatedAt(store: Pick<Store, 'read'>, secret: SecretSummary): Promise<Instant> {
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  if (previous === undefined) return Number.NEGATIVE_INFINITY;
  try {
    return (await store.read(secret.arn, previous)).createdAt;
  } catch (error) {
    if (error instanceof RenewalError && !error.retryable) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

/**
 * Returns the pair of version `to` if it verifies, fits and was written at `since` or later. Undefined otherwise. Throws retryable
 * errors.
 */
export async function judgeStaged(
  world: RenewalWorld,
  subject: Place,
  { wanted }: Plan,
  to: string,
  since: Instant = subject.version.createdAt,
): Promise<Staged | undefined> {
  // It was current, and an operator rolled back from it, so it must not become current again.
  if (versionWithStage(subject.secret, 'AWSPREVIOUS') === to) return undefined;
  try {
    const version = await world.store.read(subject.secret.arn, to);
    const staged = await readPair(world, readingOf(subject), version);
    if (staged.version.createdAt < since || !fits(staged, subject, wanted)) return undefined;
    const spki = wanted.key.kind === 'given' ? wanted.key.signer.spki : staged.leaf.spki;
    const answer = { leaf: staged.leaf, pool: staged.chain };
    const expected = { wanted, spki, roots: subject.roots, replaced: subject.leaf };
    return { pair: verifyIssued(answer, expected, world.clock.now()), to };
  } catch (error) {
    if (error instanceof RenewalError && error.retryable) throw error;
    return undefined; // The pair does not fit. The next stage moves AWSPENDING away from it.
  }
}

function fits({ leaf, content }: Pair, subject: Place, wanted: Plan['wanted']): boolean {
  const { key, notAfter } = wanted;
  if (wanted.content.kind === 'declared' && key.kind !== 'given') {
    const isKept = subject.leaf !== undefined && samePublicKey(leaf.spki, subject.leaf.spki);
    if (isKept !== (key.kind === 'same')) return false;
  }
  if (key.kind === 'new' && !(leaf.keySpec && sameKeySpec(leaf.keySpec, key.spec))) return false;
  if (notAfter !== undefined && leaf.notAfter !== notAfter) return false;
  return key.kind === 'given' || subject.content === undefined || hasSameRest(content, subject.content);
}

/**
 * Returns whether the rest of the document is unchanged. In native rotation a version's id does not show which version it is based
 * on, and the document around a fitting pair may be one that the owner rolled back from.
 */
function hasSameRest(staged: SecretContent, current: SecretContent): boolean {
  return staged.shape === current.shape && staged.rest === current.rest;
}
