/** Records a failed try: an event, a metric, a log line, and a tag that starts the back-off of the schedule. */
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
  /** Time of the first delivery of the message. A failure noted since then belongs to the same message and does not count twice. */
  readonly since?: Instant | undefined;
  /** Whether no further delivery follows. Then the event is sent. */
  readonly final: boolean;
  /** A dry run: only the log and the caller get the error. */
  readonly readOnly?: boolean;
  /** An on-demand request. It does not extend the back-off of the schedule. */
  readonly onDemand?: boolean;
  /** Native rotation: Secrets Manager retries at its own pace. The same failure is recorded again only after the back-off. */
  readonly paced?: boolean;
  /** The secret in the message, for a failure before the secret was described. */
  readonly secretArn?: string;
}

/** Records a failed try and returns its error. Never throws: an error while recording is logged. */
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

/** Sends the event before it writes the tag, so that no back-off starts without an event. */
async function writeDown(
  world: RenewalWorld,
  found: Described,
  error: RenewalError,
  { since, final, onDemand = false, paced = false }: FailureOptions,
): Promise<void> {
  // The tag is written only if the failed version is still current. A new version starts without a failure.
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
    // A failure that can't be noted recurs at every scan, so it is published once a day. A dead letter is always published.
    if (canNote || error.retryable || isInspectionTime(secret.arn, now, world.untilNextScan(now))) {
      await tell(world, found, secret.arn, error, count);
    }
    if (!canNote) return;
  }
  if (!isSameVersion) return;
  if (!hasRoom) return final ? noteNoRoom(world.store, secret) : undefined;
  if (!isAnnounced || (onDemand && before !== undefined)) return;
  const read = found.subject?.version.versionId === secret.currentVersionId ? found.subject : undefined;
  const dates = read?.validity
    ? { validity: read.validity, suggested: read.suggested, toServe: { certificate: read.leaf, now } }
    : {};
  await noteFailure(world.store, secret, { count, at: now, code: error.code }, { ...dates, isFinal: final });
}

/** Compares in whole seconds, as the tag has them. */
function isNotedSince({ at }: Failure, since: Instant): boolean {
  return at >= Math.floor(since / 1000) * 1000;
}

async function canBeNoted(world: RenewalWorld, secret: SecretSummary, hasRoom: boolean): Promise<boolean> {
  if (!hasRoom) return true; // as a label
  try {
    await probe(world.store, secret);
    return true;
  } catch (error) {
    world.journal.failure({ secretArn: secret.arn, error, step: 'recording the failure' });
    return false;
  }
}

/**
 * Sends the owed events of a secret that can't be read now, with the known facts, because a failure can only be noted for an
 * announced version. Throws if the event bus does not accept them.
 */
async function announceOwed(world: RenewalWorld, { secret, owed, enrolled, ...found }: Described): Promise<boolean> {
  if (owed !== undefined) return false; // the secret was read, and the log has the reason why the event was not sent
  if (isToldOfNoRoom(secret)) return true;
  const mode = enrolled?.settings.usual.mode;
  await announceUnread(world, secret, profileOf({ ...found, secret }), mode ?? 'rekey');
  return true;
}

/** Returns the profile's name. An authority's secret has no profile tag, but its profile is known before anything can fail. */
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
