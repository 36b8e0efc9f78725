/**
 * Completes earlier tries that stopped after their promotion: sends their events and writes the tags. Every look at a secret begins
 * with this.
 */
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Operation } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { foreignIssue } from '../domain/tags.ts';
import { isInspectionTime } from '../policy/inspection.ts';
import { isEmergency, renewalTime } from '../policy/renewal-time.ts';
import { checkRoom, isToldOfNoRoom } from '../policy/room.ts';
import { owedMark, type Unannounced, unannounced, unnamed } from '../policy/unannounced.ts';
import { afterPromotion, keepBundle } from './after-promotion.ts';
import { isTrusted } from './current-declaration.ts';
import { operationBetween } from './operation-between.ts';
import { readLeaf } from './pair.ts';
import { issuedOf, type Place, readingOf, type Subject } from './place.ts';
import { outcomeOf, publishRenewed, resultOf } from './result.ts';
import { keepTrack, noteRenewal, probe } from './status-tags.ts';
import type { RenewalWorld } from './world.ts';

/** Sends the owed events and marks them. Returns the events still owed. The log has the reason. */
export async function settleOwed(world: RenewalWorld, subject: Subject): Promise<readonly Unannounced[]> {
  const { secret } = subject;
  const owed = unannounced(secret);
  // Without room for status tags, the label says that everything was published.
  if (owed.length === 0 || isToldOfNoRoom(secret)) return [];
  const isDone = await afterPromotion(world, secret.arn, () => makeUpFor(world, subject, owed));
  return isDone ? [] : owed;
}

/**
 * Writes the owed events into the tag `version-id` before another renewal. Throws if that is not possible. But a renewal in the last
 * twentieth of the validity, or after its end, continues: if they do not fit, it drops the oldest event.
 */
export async function keepOwed(
  world: RenewalWorld,
  { secret, validity }: Pick<Place, 'secret' | 'validity'>,
  owed: readonly Unannounced[],
  next?: Unannounced,
): Promise<void> {
  try {
    await keepTrack(world.store, secret, owed, next);
  } catch (error) {
    const now = world.clock.now();
    if (validity === undefined || (now < validity.end && !isEmergency(validity, now))) throw error;
    world.journal.failure({ secretArn: secret.arn, error, step: 'keeping track of events' });
    if (owedMark(owed, next) === undefined) await keepOwed(world, { secret, validity }, owed.slice(1), next);
  }
}

/** Runs step 7 for earlier promotions. Throws if the events can't be sent or the tags can't be written. */
export async function makeUpFor(world: RenewalWorld, subject: Subject, owed: readonly Unannounced[]): Promise<void> {
  const { leaf, version, validity } = subject;
  // Described again before the tag `version-id` is written, because another worker may have changed it meanwhile.
  const secret = await world.store.describe(subject.secret.arn);
  if (secret.currentVersionId !== version.versionId)
    throw new RenewalError('SecretChanged', 'Another version has become current meanwhile.');
  const canNote = await canBeNoted(world, secret);
  await keepBundle(world, subject, leaf, undefined);
  await announceOwed(world, subject, owed);
  const hasRoom = checkRoom(secret) === undefined;
  if (!canNote) return;
  const issued = issuedOf(subject) ?? issuedByNobody(subject, world.clock.now());
  const toServe = hasRoom ? { certificate: leaf, now: world.clock.now() } : undefined;
  await noteRenewal(world.store, secret, version.versionId, hasRoom ? validity : undefined, { issued, toServe });
}

/**
 * Returns foreignIssue for a declared certificate without a path to a root: another writer can choose an id that looks like ours.
 */
function issuedByNobody(subject: Subject, now: Instant): string | undefined {
  if (subject.declared === undefined || isTrusted(subject, subject.roots, now)) return undefined;
  return foreignIssue;
}

/**
 * Returns whether the tags can be written. If not, every scan would send the event again, so this throws the error of writing a
 * tag. It returns false instead at the daily inspection, and if the tags have no room, because a label replaces them then
 * (failure.ts).
 */
async function canBeNoted(
  world: Pick<RenewalWorld, 'store' | 'clock' | 'untilNextScan'>,
  secret: SecretSummary,
): Promise<boolean> {
  try {
    await probe(world.store, secret);
    return true;
  } catch (error) {
    const now = world.clock.now();
    if (checkRoom(secret) !== undefined || isInspectionTime(secret.arn, now, world.untilNextScan(now))) return false;
    throw error;
  }
}

/** Sends the owed events, oldest first. Throws Throttled, AccessDenied. */
export async function announceOwed(world: RenewalWorld, subject: Subject, owed: readonly Unannounced[]): Promise<void> {
  for (const each of owed) await (each.source === undefined ? announceRenewal : announceOutput)(world, subject, each);
}

const lateReason = {
  code: 'Unknown',
  message: 'Renewed by an earlier try that ended before it sent its event.',
} as const;

async function announceRenewal(world: RenewalWorld, subject: Subject, owed: Unannounced): Promise<void> {
  const { secret } = subject;
  const certificate = await certificateOf(world, subject, owed.versionId);
  const previous = await certificateOf(world, subject, owed.previousVersionId);
  const operation = operationBetween(subject, certificate, previous, owed);
  const place = { secretArn: secret.arn, versionId: owed.versionId };
  // The first certificate replaces none, so all fields about the previous one are null.
  const isFirst = operation === 'issue' && previous === undefined;
  const previousVersionId = isFirst ? null : (owed.previousVersionId ?? null);
  const facts = { ...place, previousVersionId, certificate, previous, operation };
  await publishRenewed(world, lateResult(subject, facts), operation);
}

/** Sends the event of an `out` for its source or, if the source is gone, for the `out` itself. */
async function announceOutput(world: RenewalWorld, subject: Subject, owed: Unannounced): Promise<void> {
  const { secret } = subject;
  const source = await describeSource(world, owed.source);
  if (source === undefined) return announceRenewal(world, subject, owed);
  const certificate = await certificateOf(world, subject, owed.versionId);
  const previous = await certificateOf(world, { ...subject, secret: source }, source.currentVersionId);
  const operation = operationBetween({ ...subject, declared: undefined }, certificate, previous, owed);
  const place = { secretArn: source.arn, versionId: source.currentVersionId ?? null };
  const result = lateResult(subject, { ...place, previousVersionId: null, certificate, previous, operation });
  const out = { secretArn: secret.arn, versionId: owed.versionId };
  await publishRenewed(world, { ...result, out }, operation);
}

async function describeSource(world: RenewalWorld, name = unnamed): Promise<SecretSummary | undefined> {
  if (name === unnamed) return undefined;
  try {
    return await world.store.describe(name);
  } catch (error) {
    return ifLasting(error);
  }
}

/** Returns the certificate of a version, or undefined if it is gone or not readable. Throws retryable errors. */
async function certificateOf(
  world: RenewalWorld,
  { secret, version, leaf, ...subject }: Subject,
  versionId: string | undefined,
): Promise<Certificate | undefined> {
  if (versionId === undefined) return undefined;
  if (versionId === version.versionId) return leaf;
  try {
    return await readLeaf(world, readingOf(subject), await world.store.read(secret.arn, versionId));
  } catch (error) {
    return ifLasting(error);
  }
}

function ifLasting(error: unknown): undefined {
  if (error instanceof RenewalError && !error.retryable) return undefined;
  throw error;
}

interface LateFacts {
  readonly secretArn: string;
  readonly versionId: string | null;
  readonly previousVersionId: string | null;
  readonly certificate: Certificate | undefined;
  readonly previous: Certificate | undefined;
  readonly operation: Operation;
}

function lateResult({ secret, profile, settings, validity }: Subject, { operation, ...facts }: LateFacts) {
  const time = renewalTime(validity, settings.usual, secret.arn);
  return resultOf({
    ...facts,
    outcome: outcomeOf(operation),
    reason: lateReason,
    warnings: time.warnings,
    profile: profile.name,
    renewAt: time.renewAt,
  });
}

/**
 * Sends the owed events of a secret that can't be read, with the facts from its tags and labels. Hooks only need the secret and the
 * version. Throws Throttled, AccessDenied.
 */
export async function announceUnread(
  world: Pick<RenewalWorld, 'publisher'>,
  secret: SecretSummary,
  profile: string,
  operation: Operation,
): Promise<void> {
  for (const { versionId, previousVersionId = null } of unannounced(secret)) {
    const result = resultOf({
      outcome: outcomeOf(operation),
      reason: lateReason,
      warnings: [],
      secretArn: secret.arn,
      profile,
      versionId,
      previousVersionId,
      certificate: undefined,
      previous: undefined,
      renewAt: undefined,
    });
    await publishRenewed(world, result, operation);
  }
}
