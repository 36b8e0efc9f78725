/**
 * The rules, in order. A check is a function of one input; the first that answers decides. `checkScan` judges by tags
 * alone, `checkAccess` and `checkDue` are the worker's.
 */

import { count } from '../domain/count.ts';
import type { Action, Decision } from '../domain/decision.ts';
import { formatDuration } from '../domain/duration.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { foreignTags, mostTags, noRoomLabel, statusTags, tags } from '../domain/tags.ts';
import { versionIdPrefix } from '../domain/version-id.ts';
import { hashFraction, isEmergency, type RenewalTime, type Validity } from './renewal-time.ts';
import { retryAt, type Status } from './status.ts';
import { unannounced } from './unannounced.ts';

type Check<Input> = (input: Input) => Decision | undefined;

function firstOf<Input>(checks: readonly Check<Input>[], input: Input): Decision | undefined {
  for (const check of checks) {
    const decision = check(input);
    if (decision) return decision;
  }
  return undefined;
}

const skip = (code: Decision['code'], message: string): Decision => ({ action: 'skip', code, message });
const day = 24 * 60 * 60_000;
const recently = 10 * 60_000;

// ---- Secrets that are not ours to write, whatever their tags say ------------------------------------------------

export interface OwnershipInput {
  readonly secret: SecretSummary;
  /** Our own ARN when native rotation calls us: then the rotation is ours. */
  readonly rotationFunctionArn?: string;
}

const ownershipChecks: readonly Check<OwnershipInput>[] = [
  ({ secret }) =>
    secret.deletedAt === undefined
      ? undefined
      : skip(
          'SecretNotFound',
          'The secret is scheduled for deletion. Restore it (aws secretsmanager restore-secret) to have it renewed.',
        ),
  ({ secret }) =>
    secret.isReplica
      ? skip(
          'Replica',
          'The secret is a replica, which only its primary Region may write. It follows when the primary is renewed there.',
        )
      : undefined,
  ({ secret, rotationFunctionArn }) =>
    secret.rotation.enabled &&
    (rotationFunctionArn === undefined || secret.rotation.functionArn !== rotationFunctionArn)
      ? skip(
          'RotationEnabled',
          'Secrets Manager rotates this secret by another function. Switch that off (aws secretsmanager cancel-rotate-secret) to have it renewed here.',
        )
      : undefined,
  ({ secret }) =>
    secret.owningService === undefined
      ? undefined
      : skip(
          'ManagedByService',
          `The secret belongs to the AWS service ${secret.owningService}, which alone may change it.`,
        ),
];

/** Undefined: the secret may be written. */
export function checkOwnership(input: OwnershipInput): Decision | undefined {
  return firstOf(ownershipChecks, input);
}

// ---- The scan: tags alone ---------------------------------------------------------------------------------------

export interface ScanInput {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly settings: Settings;
  readonly status: Status;
  /** Undefined while the tags don't tell the certificate's window. */
  readonly time: RenewalTime | undefined;
  readonly force: boolean;
  readonly now: Instant;
  /** Until the next scan, milliseconds. */
  readonly step: number;
}

const isBackingOff = (status: Status, now: Instant): boolean =>
  status.known &&
  status.failure !== undefined &&
  now < retryAt(status.failure) &&
  !(status.validity !== undefined && isEmergency(status.validity, now));

/** The day's inspection falls to the scan whose turn holds the secret's own time of day; a minute more for its lateness. */
export function isInspectionTime(secretArn: string, now: Instant, step: number): boolean {
  const due = hashFraction(secretArn) * day;
  const sinceDue = (((now - due) % day) + day) % day;
  return step + 60_000 >= day || sinceDue >= day - step - 60_000;
}

/** Room for every status tag, so that nothing is issued that could not be noted. Undefined: there is. */
export function checkRoom({ tags: secretTags }: Pick<SecretSummary, 'tags'>): string | undefined {
  const most = mostTags - statusTags.length;
  const found = foreignTags(secretTags);
  if (found <= most) return undefined;
  return `The secret has ${found} tags besides cert-renewer's own, and AWS takes ${mostTags}: expected ${most} at most, for cert-renewer writes ${statusTags.length} (${statusTags.join(', ')}). Remove a tag.`;
}

const scanChecks: readonly Check<ScanInput>[] = [
  ({ secret }) =>
    secret.currentVersionId === undefined
      ? skip('NotDue', 'The secret has no value yet: put the first certificate and key into it.')
      : undefined,
  ({ secret }) =>
    unannounced(secret).length > 0 && !(checkRoom(secret) !== undefined && saysNoRoom(secret))
      ? { action: 'inspect', code: 'Unknown', message: 'Its last renewal has not been announced yet: a worker has to.' }
      : undefined,
  ({ settings, force, profile }) => (force ? undefined : paused(settings, profile)),
  ({ force, settings }) =>
    force
      ? { action: settings.mode, code: 'Forced', message: 'The scan was asked to renew it whatever its time.' }
      : undefined,
  ({ secret }) => noRoom(secret),
  ({ status }) =>
    status.known
      ? undefined
      : {
          action: 'inspect',
          code: 'Unknown',
          message: 'The secret is new, or its value was replaced: a worker has to look.',
        },
  ({ status, now }) => {
    if (!status.known || !status.failure || !isBackingOff(status, now)) return undefined;
    const { count: failures, code } = status.failure;
    return skip(
      'BackingOff',
      `${count(failures, 'try', 'tries')} failed, the last with ${code}. Next try at ${formatInstant(retryAt(status.failure))}; force tries now.`,
    );
  },
  ({ time }) =>
    time === undefined
      ? {
          action: 'inspect',
          code: 'Unknown',
          message: 'No certificate could be read from it so far: a worker has to look again.',
        }
      : undefined,
  ({ time, now, step, status, settings }) =>
    time && status.known && status.validity ? due(time, status.validity, settings.mode, now, step, 'scan') : undefined,
  ({ secret, now, step }) =>
    isInspectionTime(secret.arn, now, step)
      ? { action: 'inspect', code: 'Unknown', message: 'The inspection that every secret gets once a day.' }
      : undefined,
  ({ time }) => notDueBefore(time?.renewAt ?? 0),
];

/** A worker tells it once a version, and leaves the label. */
function noRoom(secret: SecretSummary): Decision | undefined {
  const message = checkRoom(secret);
  if (message === undefined) return undefined;
  return { action: saysNoRoom(secret) ? 'skip' : 'inspect', code: 'UnsupportedSecret', message };
}

/** Whether the current version carries the note that there is no room for others. */
export function saysNoRoom({ versions, currentVersionId }: SecretSummary): boolean {
  return versions.get(currentVersionId ?? '')?.includes(noRoomLabel) === true;
}

/** A scan finds this of nearly every secret, and nobody reads it but in a plan: it is put into words where it is asked for. */
const notDueBefore = (renewAt: Instant): Decision => ({
  action: 'skip',
  code: 'NotDue',
  get message() {
    return `Not due before ${formatInstant(renewAt)}.`;
  },
});

/** What the scan does with a secret that is ours, whose tags are good and whose profile is there. */
export function checkScan(input: ScanInput): Decision {
  return firstOf(scanChecks, input) ?? skip('NotDue', 'Nothing to do.');
}

function paused(settings: Settings, profile: Profile): Decision | undefined {
  if (!settings.paused) return undefined;
  const by = profile.paused ? `the profile ${profile.name}` : `the tag ${tags.paused}`;
  return skip('Paused', `Paused by ${by}. Use force to renew it all the same.`);
}

function due(
  time: RenewalTime,
  validity: Validity,
  action: Action,
  now: Instant,
  step: number,
  endsWith: 'leaf' | 'chain' | 'scan',
): Decision | undefined {
  const isOver = now >= validity.end;
  if (!isOver && now + step < time.renewAt) return undefined;
  const end = formatInstant(validity.end);
  if (isOver) {
    const what = endsWith === 'chain' ? 'A certificate of its chain' : 'The certificate';
    return { action, code: endsWith === 'chain' ? 'ChainExpiring' : 'Expired', message: `${what} expired at ${end}.` };
  }
  if (time.dueCode === 'PeriodElapsed') {
    return {
      action,
      code: 'PeriodElapsed',
      message: `Its period of ${formatDuration(time.window)} has passed, or will have by the next scan.`,
    };
  }
  if (endsWith === 'chain') {
    return {
      action,
      code: 'ChainExpiring',
      message: `A certificate of its chain ends at ${end}, before the leaf does.`,
    };
  }
  return {
    action,
    code: 'Expiring',
    message: `It expires at ${end}, and its time to act is ${formatInstant(time.renewAt)}.`,
  };
}

// ---- The worker: the certificate itself -------------------------------------------------------------------------

export interface WorkerInput {
  readonly profile: Profile;
  readonly settings: Settings;
  readonly validity: Validity;
  readonly endsWith: 'leaf' | 'chain';
  readonly time: RenewalTime;
  readonly versionId: string;
  readonly versionCreatedAt: Instant;
  /** `request`: asked for by hand; with `windowAsked` only if it is due by the window of the request. */
  readonly origin: 'schedule' | 'request';
  readonly windowAsked: boolean;
  readonly force: boolean;
  readonly now: Instant;
  /** How far ahead counts as due: until the next scan for the schedule, nothing for a request. Milliseconds. */
  readonly step: number;
}

const workerChecks: readonly Check<WorkerInput>[] = [
  ({ force, settings, profile }) => (force ? undefined : paused(settings, profile)),
  (input) => dueNow(input) ?? notDue(input),
];

function dueNow(input: WorkerInput): Decision | undefined {
  const { settings, time, validity, now, step, endsWith, origin, windowAsked, force } = input;
  const action = settings.mode;
  const asked: Decision | undefined = force
    ? { action, code: 'Forced', message: 'Forced: renewed whatever its time.' }
    : origin === 'request' && !windowAsked
      ? { action, code: 'Requested', message: 'Asked for on demand.' }
      : undefined;
  // What was asked for is the reason, unless it is too late anyway; a window in the request asks "only if due".
  const byTime = due(time, validity, action, now, step, endsWith);
  const decision = windowAsked || now >= validity.end ? (byTime ?? asked) : (asked ?? byTime);
  return decision && !force && isRecent(input)
    ? skip(
        'RecentlyRenewed',
        `cert-renewer wrote it at ${formatInstant(input.versionCreatedAt)}, under 10 minutes ago. Use force to renew it again.`,
      )
    : decision;
}

/** Never a loop, whatever a window says; but a validity under an hour has no ten minutes to give away. */
function isRecent({ versionId, versionCreatedAt, now, validity }: WorkerInput): boolean {
  return (
    versionId.startsWith(versionIdPrefix) &&
    now - versionCreatedAt < recently &&
    validity.end - validity.notBefore >= 60 * 60_000
  );
}

function notDue({ time }: WorkerInput): Decision {
  return skip(
    'NotDue',
    `Not due before ${formatInstant(time.renewAt)}. Use force, or leave out expiresIn and rekeyPeriod, to renew it now.`,
  );
}

/** Renew, rekey or leave alone, once the certificate was read. */
export function checkDue(input: WorkerInput): Decision {
  return firstOf(workerChecks, input) ?? notDue(input);
}
