/** What is left behind by a try that failed: an event, a metric, a log line, and a tag that makes the schedule back off. */
import { type RenewalError, toRenewalError } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { isInspectionTime } from '../policy/inspection.ts';
import { checkRoom, isToldOfNoRoom, saysNoRoom } from '../policy/room.ts';
import { type Failure, readStatus, retryAt } from '../policy/status.ts';
import { unannounced } from '../policy/unannounced.ts';
import type { Found } from './job.ts';
import { announceUnread } from './owed.ts';
import { noteFailure, noteNoRoom, probe } from './status-tags.ts';
import type { RenewalWorld } from './world.ts';

export interface FailureOptions {
  /** When a message came first: a failure that was noted since then is its own, tried again, and does not count twice. */
  readonly since?: Instant | undefined;
  /** Whether it is over for this time: then the world is told. */
  readonly final: boolean;
  /** A dry run touches nothing: the log has it, and the caller. */
  readonly readOnly?: boolean;
  /** Somebody asked for it by hand: the schedule's own back-off is not made longer by that. */
  readonly onDemand?: boolean;
  /** Secrets Manager tries again when it likes: what it has been told already is told again when the schedule would try. */
  readonly paced?: boolean;
  /** The secret of a message, for a failure that came before the secret was described. */
  readonly secretArn?: string;
}

/** Writes down a failed try. Never throws: what can't be written is logged, and the failure itself is the caller's. */
export async function recordFailure(
  world: RenewalWorld,
  found: Found,
  thrown: unknown,
  options: FailureOptions,
): Promise<RenewalError> {
  const error = toRenewalError(thrown);
  const { secret } = found;
  const secretArn = secret?.arn ?? options.secretArn ?? null;
  world.journal.failure({ secretArn, error: thrown, final: options.final });
  if (secretArn === null || options.readOnly || error.concerns !== 'certificate') return error;
  try {
    if (secret) await writeDown(world, { ...found, secret }, error, options);
    else if (options.final) await tell(world, found, secretArn, error, 1);
  } catch (second) {
    world.journal.failure({ secretArn, error: second, step: 'recording the failure' });
  }
  return error;
}

type Described = Found & { readonly secret: SecretSummary };

/** Told first and noted then, so that nothing is backed off in silence. */
async function writeDown(
  world: RenewalWorld,
  found: Described,
  error: RenewalError,
  { since, final, onDemand = false, paced = false }: FailureOptions,
): Promise<void> {
  // What is written down is of the version that was looked at: another one has a right to its own start.
  const secret = await world.store.describe(found.secret.arn).catch(() => found.secret);
  const isSameVersion = secret.currentVersionId === found.secret.currentVersionId;
  const now = world.clock.now();
  const status = readStatus(secret, now);
  const before = status.known ? status.failure : undefined;
  const hasRoom = checkRoom(secret) === undefined;
  const isTold = hasRoom ? before?.code === error.code && now < retryAt(before) : saysNoRoom(secret);
  if (isTold && (paced || (!hasRoom && !onDemand))) return;
  const isAnother = !onDemand && !(before && since !== undefined && isNotedSince(before, since));
  const count = Math.max(1, (before?.count ?? 0) + (isAnother ? 1 : 0));
  let isAnnounced = unannounced(secret).length === 0;
  if (final) {
    const canNote = await canBeNoted(world, secret, hasRoom);
    isAnnounced ||= await announceOwed(world, { ...found, secret });
    world.journal.count('Failed', profileOf(found), 1);
    // What can't be noted comes back with every scan, and is told once a day; but no dead letter goes untold.
    if (canNote || error.retryable || isInspectionTime(secret.arn, now, world.untilNextScan(now))) {
      await tell(world, found, secret.arn, error, count);
    }
    if (!canNote) return;
  }
  if (!isSameVersion) return;
  if (!hasRoom) return final ? noteNoRoom(world.store, secret) : undefined;
  if (!isAnnounced || (onDemand && before !== undefined)) return;
  const validity = found.subject?.version.versionId === secret.currentVersionId ? found.subject?.validity : undefined;
  await noteFailure(world.store, secret, { count, at: now, code: error.code }, validity);
}

/** A tag has whole seconds. */
function isNotedSince({ at }: Failure, since: Instant): boolean {
  return at >= Math.floor(since / 1000) * 1000;
}

async function canBeNoted(world: RenewalWorld, secret: SecretSummary, hasRoom: boolean): Promise<boolean> {
  if (!hasRoom) return true; // by a label
  try {
    await probe(world.store, secret);
    return true;
  } catch (error) {
    world.journal.failure({ secretArn: secret.arn, error, step: 'recording the failure' });
    return false;
  }
}

/**
 * A renewal whose event is owed, and whose secret can't be read now: it is announced with what is known, because a failure
 * can only be noted for a version that was announced. Throws where the bus does not take it.
 */
async function announceOwed(world: RenewalWorld, { secret, owed, enrolled, ...found }: Described): Promise<boolean> {
  if (owed !== undefined) return false; // it could be read, and the log says why it was not announced
  if (isToldOfNoRoom(secret)) return true;
  const mode = enrolled?.settings.usual.mode;
  await announceUnread(world, secret, profileOf({ ...found, secret }), mode ?? 'rekey');
  return true;
}

/** An authority's secret has no profile tag, and its profile is known by the time that anything can fail. */
function profileOf({ profile, secret }: Pick<Found, 'profile' | 'secret'>): string {
  return profile ?? secret?.tags.get(tags.profile) ?? 'unknown';
}

function tell(
  world: Pick<RenewalWorld, 'publisher'>,
  found: Found,
  secretArn: string,
  error: RenewalError,
  failures: number,
): Promise<void> {
  const { secret, subject } = found;
  const notAfter = subject?.leaf ? formatInstant(subject.leaf.notAfter) : secret?.tags.get(tags.notAfter);
  const { code, message, retryable } = error;
  return world.publisher.publish({
    type: 'Certificate Renewal Failed',
    secretArn,
    detail: {
      secretArn,
      name: secret?.name ?? null,
      profile: secret ? profileOf(found) : null,
      code,
      message,
      retryable,
      failures,
      notAfter: notAfter ?? null,
    },
  });
}
