/**
 * What earlier tries left undone after their promotion: events, and the tags that say so. Every look at a secret begins with
 * it, whatever the look is for.
 */
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Operation } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { foreignIssue } from '../domain/tags.ts';
import { sameKey } from '../keys/spec.ts';
import { isInspectionTime } from '../policy/inspection.ts';
import { isEmergency, renewalTime } from '../policy/renewal-time.ts';
import { checkRoom, isToldOfNoRoom } from '../policy/room.ts';
import { owedMark, type Unannounced, unannounced, unnamed } from '../policy/unannounced.ts';
import { differences } from '../x509/correspondence.ts';
import { afterPromotion, keepBundle } from './after-promotion.ts';
import { isTrusted } from './current-declaration.ts';
import { readLeaf } from './pair.ts';
import { issuedOf, type Place, readingOf, type Subject } from './place.ts';
import { outcomeOf, publishRenewed, resultOf } from './result.ts';
import { keepTrack, noteRenewal, probe } from './status-tags.ts';
import type { RenewalWorld } from './world.ts';

/** Announces what is owed and marks it. Gives what is owed still; why is in the log. */
export async function settleOwed(world: RenewalWorld, subject: Subject): Promise<readonly Unannounced[]> {
  const { secret } = subject;
  const owed = unannounced(secret);
  // Where no status tag has room the label stands for them: it says that all was told.
  if (owed.length === 0 || isToldOfNoRoom(secret)) return [];
  const isDone = await afterPromotion(world, secret.arn, () => makeUpFor(world, subject, owed));
  return isDone ? [] : owed;
}

/**
 * What is owed must not be forgotten over this renewal. A certificate that is about to end does not wait for that: then the
 * oldest goes where the mark can't hold all.
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

/** Step 7 of promotions whose makers did not get so far. Throws where the events can't be sent or the tags can't be written. */
export async function makeUpFor(world: RenewalWorld, subject: Subject, owed: readonly Unannounced[]): Promise<void> {
  const { leaf, version, validity } = subject;
  // The mark is about to be written: not by what was read a while ago, when another worker may have added to it.
  const secret = await world.store.describe(subject.secret.arn);
  if (secret.currentVersionId !== version.versionId)
    throw new RenewalError('SecretChanged', 'Another version is current.');
  const canNote = await canBeNoted(world, secret);
  await keepBundle(world, subject, leaf, undefined);
  await announceOwed(world, subject, owed);
  const hasRoom = checkRoom(secret) === undefined;
  if (!canNote) return;
  const issued = issuedOf(subject) ?? issuedByNobody(subject, world.clock.now());
  await noteRenewal(world.store, secret, version.versionId, hasRoom ? validity : undefined, issued);
}

/** Who writes a value chooses the id of its version: one that says it is ours is not for that believed to be issued here. */
function issuedByNobody(subject: Subject, now: Instant): string | undefined {
  if (subject.declared === undefined || isTrusted(subject, subject.roots, now)) return undefined;
  return foreignIssue;
}

/**
 * What can't be noted as told would be told again by every scan, so it is not told; but once a day it is all the same, and
 * then the answer is false. So it is where tags have no room, which a label will tell (failure.ts). Throws what writing a tag
 * throws.
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

/** The event of each, oldest first. Throws Throttled, AccessDenied. */
export async function announceOwed(world: RenewalWorld, subject: Subject, owed: readonly Unannounced[]): Promise<void> {
  for (const each of owed) await (each.source === undefined ? announceRenewal : announceOutput)(world, subject, each);
}

const lateReason = {
  code: 'Unknown',
  message: 'Renewed by a try that ended before it could say so.',
} as const;

async function announceRenewal(world: RenewalWorld, subject: Subject, owed: Unannounced): Promise<void> {
  const { secret } = subject;
  const certificate = await certificateOf(world, subject, owed.versionId);
  const previous = await certificateOf(world, subject, owed.previousVersionId);
  const operation = operationBetween(subject, certificate, previous);
  const place = { secretArn: secret.arn, versionId: owed.versionId };
  // Of the first certificate what is previous is null: what it replaced was none.
  const isFirst = operation === 'issue' && previous === undefined;
  const previousVersionId = isFirst ? null : (owed.previousVersionId ?? null);
  const facts = { ...place, previousVersionId, certificate, previous, operation };
  await publishRenewed(world, lateResult(subject, facts), operation);
}

/** Of the secret that the pair was made of; of its own, where that one is gone. */
async function announceOutput(world: RenewalWorld, subject: Subject, owed: Unannounced): Promise<void> {
  const { secret } = subject;
  const source = await describeSource(world, owed.source);
  if (source === undefined) return announceRenewal(world, subject, owed);
  const certificate = await certificateOf(world, subject, owed.versionId);
  const previous = await certificateOf(world, { ...subject, secret: source }, source.currentVersionId);
  const operation = operationBetween({ declared: undefined }, certificate, previous);
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

/** Undefined for a version that is gone or can't be read any more: the event says what is known. Throws what may pass. */
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

/** Only what is declared comes from nothing, or says something else than the certificate before. */
function operationBetween(
  { declared }: Pick<Subject, 'declared'>,
  certificate: Certificate | undefined,
  previous: Certificate | undefined,
): Operation {
  const mode = certificate && previous && sameKey(certificate, previous) ? 'renew' : 'rekey';
  if (declared === undefined || certificate === undefined) return mode;
  return previous === undefined || differences(previous, certificate, mode).length > 0 ? 'issue' : mode;
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
 * The events of a secret that can't be read (any more), with what its tags and labels tell: hooks need no more than where
 * the new version is. Throws Throttled, AccessDenied.
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
