/** Steps 4 to 10: what happens to a certificate that is due, in one direction. */
import type { Certificate } from '../../domain/certificate.ts';
import type { Decision, Warning } from '../../domain/decision.ts';
import { ofRequest, RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { sameKeySpec } from '../../domain/key-spec.ts';
import type { RenewalResult } from '../../domain/result.ts';
import { type SecretSummary, type SecretValue, versionWithStage } from '../../domain/secret.ts';
import type { Settings } from '../../domain/settings.ts';
import { newVersionId } from '../../domain/version-id.ts';
import { isEmergency, renewalTime } from '../../policy/renewal-time.ts';
import { resolveSettings } from '../../policy/settings.ts';
import { owedMark, type Unannounced } from '../../policy/unannounced.ts';
import type { SecretContent } from '../../secret/index.ts';
import type { RenewalWorld } from '../world.ts';
import { readPair, type Subject } from './gather.ts';
import { type Issued, issue } from './issue.ts';
import type { Plan } from './plan.ts';
import { afterwards, keepBundle, publishRenewed, resultOf } from './record.ts';
import { announceLate } from './settle.ts';
import { keepTrack, noteOutput, noteRenewal } from './status-tags.ts';
import { ownPending, previousCreatedAt, promote, type Swap, stage } from './swap.ts';
import { type VerifiedPair, verifyIssued } from './verify.ts';

export interface Performance {
  readonly decision: Decision;
  readonly settings: Settings;
  readonly plan: Plan;
  readonly warnings: readonly Warning[];
  readonly force: boolean;
  /** Events of earlier renewals that could not be sent yet: they come before this one's. */
  readonly owed: readonly Unannounced[];
  /** Where the pair goes, if not to the source itself. */
  readonly output?: SecretSummary | undefined;
}

export interface Performed {
  readonly result: RenewalResult;
  /** False: the event or the tags are left to a later look. */
  readonly isAnnounced: boolean;
}

/** Steps 4 to 10. */
export async function perform(world: RenewalWorld, subject: Subject, work: Performance): Promise<Performed> {
  const started = world.clock.now();
  const target = work.output ?? subject.secret;
  if (!work.output) await keepOwed(world, subject, work.owed);
  const pending = work.output ? undefined : await takeUpPending(world, subject, work);
  const { pair, to } = pending ?? (await issueAndStage(world, subject, work, target));
  const isOurs = await ofTarget(work, promote(world, { secretArn: target.arn, from: target.currentVersionId, to }));
  // The worker that has promoted the pair announces it. An `out` has the new pair then, and its event is this worker's.
  if (!isOurs && !work.output) throw new RenewalError('SecretChanged', 'Another worker has promoted the staged pair.');
  const result = resultOfSwap(subject, work, pair, to);
  const swapped = { result, target, pair, to };
  const isAnnounced = await afterwards(world, target.arn, () => announce(world, subject, work, swapped));
  world.journal.count('Renewed', subject.profile.name, 1);
  world.journal.measure('RenewalDuration', subject.profile.name, world.clock.now() - started);
  return { result, isAnnounced };
}

/** What AWS says of an `out` is none of the certificate's. */
function ofTarget<T>({ output }: Pick<Performance, 'output'>, call: Promise<T>): Promise<T> {
  if (output === undefined) return call;
  return call.catch((error: unknown) => {
    throw ofRequest(error);
  });
}

/**
 * What is owed must not be forgotten over this renewal. A certificate that is about to end does not wait for that: then the
 * oldest goes where the mark can't hold all.
 */
export async function keepOwed(
  world: RenewalWorld,
  { secret, validity }: Pick<Subject, 'secret' | 'validity'>,
  owed: readonly Unannounced[],
  next?: Unannounced,
): Promise<void> {
  try {
    await keepTrack(world.store, secret, owed, next);
  } catch (error) {
    const now = world.clock.now();
    if (now < validity.end && !isEmergency(validity, now)) throw error;
    world.journal.failure({ secretArn: secret.arn, error, step: 'keeping track of events' });
    if (owedMark(owed, next) === undefined) await keepOwed(world, { secret, validity }, owed.slice(1), next);
  }
}

interface Swapped {
  readonly result: RenewalResult;
  readonly target: SecretSummary;
  readonly pair: VerifiedPair;
  readonly to: string;
}

/** Steps 9 and 10. Throws where either can't be done. */
export async function announce(
  world: RenewalWorld,
  subject: Subject,
  { plan, owed, output }: Pick<Performance, 'plan' | 'owed' | 'output'>,
  { result, target, pair, to }: Swapped,
): Promise<void> {
  await keepBundle(world, subject.secret.arn, subject.profile, pair.leaf, subject.leaf);
  if (output === undefined) await announceLate(world, subject, owed);
  await publishRenewed(world, result, plan.operation);
  await noteRenewal(world.store, target, to, { notBefore: pair.leaf.notBefore, end: pair.end });
}

/** The answer: of the source, with what was written where. */
export function resultOfSwap(subject: Subject, work: Performance, pair: VerifiedPair, to: string): RenewalResult {
  const { secret, version, profile, leaf } = subject;
  const validity = { notBefore: pair.leaf.notBefore, end: pair.end };
  const time = renewalTime(validity, withoutRequest(work.settings, subject), (work.output ?? secret).arn);
  const result = resultOf({
    outcome: work.plan.operation === 'renew' ? 'renewed' : 'rekeyed',
    reason: work.decision,
    warnings: [...work.warnings, ...pair.warnings],
    secretArn: secret.arn,
    profile: profile.name,
    versionId: work.output ? version.versionId : to,
    previousVersionId: work.output ? null : version.versionId,
    certificate: pair.leaf,
    previous: leaf,
    renewAt: time.renewAt,
  });
  return work.output ? { ...result, out: { secretArn: work.output.arn, versionId: to } } : result;
}

/** The next renewal follows the tags and the profile: what one request asked for is not asked for ever. */
function withoutRequest(settings: Settings, subject: Subject): Settings {
  return settings.timingSource === 'request' ? resolveSettings(undefined, subject.tagged, subject.profile) : settings;
}

/**
 * A pair that was staged from the version that is current, still verifies and fits what is asked for, is promoted and
 * not issued again: a crash between stage and promote costs nothing.
 */
async function takeUpPending(
  world: RenewalWorld,
  subject: Subject,
  work: Performance,
): Promise<{ pair: VerifiedPair; to: string } | undefined> {
  const pending = ownPending(subject.secret);
  if (pending === undefined) return undefined;
  // Staged before AWSPREVIOUS was written, it may have been current itself, until somebody rolled back from it, wrote
  // another one and rolled back from that too.
  const since = Math.max(subject.version.createdAt, await previousCreatedAt(world.store, subject.secret));
  return judgeStaged(world, subject, work, pending, since);
}

/**
 * The pair that version `to` holds, if it is proven, fits and was written at `since` or later; undefined for anything else.
 * Throws what may pass by itself.
 */
export async function judgeStaged(
  world: RenewalWorld,
  subject: Subject,
  { plan, force }: Pick<Performance, 'plan' | 'force'>,
  to: string,
  since: Instant = subject.version.createdAt,
): Promise<{ pair: VerifiedPair; to: string } | undefined> {
  // It was current, and somebody rolled back from it: what they did not want is not given to them again.
  if (versionWithStage(subject.secret, 'AWSPREVIOUS') === to) return undefined;
  try {
    const staged = await readPair(world, subject.profile, await world.store.read(subject.secret.arn, to));
    if (plan.keySpec && !(staged.leaf.keySpec && sameKeySpec(staged.leaf.keySpec, plan.keySpec))) return undefined;
    if (plan.notAfter !== undefined && staged.leaf.notAfter !== plan.notAfter) return undefined;
    if (staged.version.createdAt < since) return undefined;
    if (plan.givenKey === undefined && !hasSameRest(staged.content, subject.content)) return undefined;
    const spki = plan.givenKey?.spki ?? staged.leaf.spki;
    const answer = { leaf: staged.leaf, pool: staged.chain };
    const pair = verifyIssued(answer, expectation(subject, plan, spki, force), world.clock.now());
    return { pair, to };
  } catch (error) {
    if (error instanceof RenewalError && error.retryable) throw error;
    return undefined; // It does not fit, whatever it is: the next stage takes its label.
  }
}

/**
 * What the owner keeps beside the pair is as it was staged. In native rotation a version's id does not tell what it was made
 * of, and a pair that fits may stand in a document that the owner has rolled back from.
 */
function hasSameRest(staged: SecretContent, current: SecretContent): boolean {
  return staged.shape === current.shape && staged.rest === current.rest;
}

function expectation(subject: Subject, plan: Plan, spki: Uint8Array, force: boolean) {
  const { leaf: before, chain: beforeChain, validity, roots } = subject;
  return { operation: plan.operation, before, beforeChain, beforeEnd: validity.end, spki, roots, force };
}

async function issueAndStage(
  world: RenewalWorld,
  subject: Subject,
  work: Performance,
  target: SecretSummary,
): Promise<{ pair: VerifiedPair; to: string }> {
  const { pair, value } = await issueAndVerify(world, subject, work);
  const from = target.currentVersionId;
  const to = newVersionId(from ?? subject.version.versionId, world.entropy);
  const swap: Swap = { secretArn: target.arn, from, to };
  if (work.output) await ofTarget(work, noteOutput(world.store, target, to, subject.secret));
  await ofTarget(work, stage(world.store, swap, value));
  return { pair, to };
}

/** Steps 4 to 6, and the value to store: the source's shape with the new pair in it. */
export async function issueAndVerify(
  world: RenewalWorld,
  subject: Subject,
  { plan, force }: Pick<Performance, 'plan' | 'force'>,
): Promise<{ pair: VerifiedPair; value: SecretValue }> {
  const issued = await issueLater(world, subject, plan, force);
  const spki = issued.key?.spki ?? subject.leaf.spki;
  const now = world.clock.now();
  const pair = verifyIssued(issued.answer, expectation(subject, plan, spki, force), now);
  if (pair.validFrom > now) await world.clock.sleep(pair.validFrom - now);
  const value = await subject.content.write({
    leaf: pair.leaf.der,
    chain: pair.chain.map(({ der }) => der),
    root: pair.root?.der,
    key: plan.operation === 'rekey' ? keyContent(issued) : undefined,
  });
  return { pair, value };
}

/**
 * A CA that keeps the duration and reckons in whole seconds gives a certificate of this very second the same dates again:
 * a pair that was put into its secret a moment ago. It is worth a second's patience, once.
 */
async function issueLater(world: RenewalWorld, subject: Subject, plan: Plan, force: boolean): Promise<Issued> {
  const issued = await issue(world, subject, plan, force);
  if (force || !hasSameDates(issued.answer.leaf, subject.leaf)) return issued;
  await world.clock.sleep(1000);
  return issue(world, subject, plan, force);
}

function hasSameDates(after: Certificate, before: Certificate): boolean {
  if (Buffer.from(before.der).equals(after.der)) return false;
  return after.notBefore === before.notBefore && after.notAfter === before.notAfter;
}

function keyContent({ key }: Issued) {
  if (key?.kmsKeyArn !== undefined) return { kind: 'kms', keyId: key.kmsKeyArn } as const;
  return key?.privateKey && ({ kind: 'private', privateKey: key.privateKey } as const);
}
