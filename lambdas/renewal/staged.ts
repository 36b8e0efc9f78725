/** A pair that an earlier try staged and did not get to promote: a crash between stage and promote costs nothing. */
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

/** A verified pair, and the version that holds it. */
export interface Staged {
  readonly pair: VerifiedPair;
  readonly to: string;
}

/**
 * A pair that was staged from the version that is current, still verifies and fits what is wanted: it is promoted and not issued
 * again. Undefined where there is none. Throws what may pass by itself.
 */
export async function stagedEarlier(world: RenewalWorld, subject: Place, plan: Plan): Promise<Staged | undefined> {
  const pending = ownPending(subject.secret);
  if (pending === undefined || !isMadeFor(pending, issuedFor(subject, operationOf(plan.wanted)), plan))
    return undefined;
  // Staged before AWSPREVIOUS was written, it may have been current itself, until somebody rolled back from it, wrote
  // another one and rolled back from that too.
  const since = Math.max(subject.version.createdAt, await previousCreatedAt(world.store, subject.secret));
  return judgeStaged(world, subject, plan, pending, since);
}

/**
 * What differs between two declarations can't always be told from a certificate: the CA may have left out a usage that was declared
 * before, or was not. So a pair that was issued for another declaration fits none of the present one.
 */
function isMadeFor(versionId: string, declaration: string | undefined, { wanted }: Plan): boolean {
  const made = declarationIn(versionId);
  if (made === undefined) return wanted.content.kind !== 'declared';
  return declaration !== undefined && isOfDeclaration(made, declaration);
}

/** A pending version of ours that was made from the version that is current now. */
export function ownPending(secret: SecretSummary): string | undefined {
  const pending = versionWithStage(secret, 'AWSPENDING');
  const current = secret.currentVersionId;
  if (pending === undefined || current === undefined || pending === current) return undefined;
  if (pending === versionWithStage(secret, 'AWSPREVIOUS')) return undefined; // somebody rolled back from it
  return isBasedOn(pending, current) ? pending : undefined;
}

/**
 * When AWSPREVIOUS was written. Later than another version means that it was current after that one. -Infinity where there
 * is none, or none to be read any more. Throws what may pass by itself.
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
 * The pair that version `to` holds, if it is proven, fits and was written at `since` or later; undefined for anything else.
 * Throws what may pass by itself.
 */
export async function judgeStaged(
  world: RenewalWorld,
  subject: Place,
  { wanted }: Plan,
  to: string,
  since: Instant = subject.version.createdAt,
): Promise<Staged | undefined> {
  // It was current, and somebody rolled back from it: what they did not want is not given to them again.
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
    return undefined; // The pair does not fit. The next stage takes its label.
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
 * What the owner keeps beside the pair is as it was staged. In native rotation a version's id does not tell what it was made
 * of, and a pair that fits may stand in a document that the owner has rolled back from.
 */
function hasSameRest(staged: SecretContent, current: SecretContent): boolean {
  return staged.shape === current.shape && staged.rest === current.rest;
}
