/** The worker's rules: renew, rekey, issue or skip, after the certificate was read. */
import type { Decision } from '../domain/decision.ts';
import { formatDuration } from '../domain/duration.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { versionIdPrefix } from '../domain/version-id.ts';
import { type Check, firstOf, skip } from './check.ts';
import type { RenewalTime, Validity } from './renewal-time.ts';

/** The input of the checks whether a certificate is due. */
interface TimeInput {
  readonly settings: Settings;
  readonly validity: Validity;
  /** Which certificate sets the end of `validity`: the leaf, or one above it in the chain. */
  readonly endsWith: 'leaf' | 'chain';
  readonly time: RenewalTime;
  readonly now: Instant;
  /** Milliseconds ahead of `renewAt` that count as due: for the schedule the time until the next scan, for a request 0. */
  readonly step: number;
}

export interface WorkerInput extends TimeInput {
  readonly profile: Profile;
  readonly versionId: string;
  readonly versionCreatedAt: Instant;
  /** `request`: on demand. */
  readonly origin: 'schedule' | 'request';
  /** Whether the request names a window. Then it renews only a certificate that is due by that window. */
  readonly windowAsked: boolean;
  /** Whether the certificate is as declared. True without a declaration. */
  readonly isAsDeclared: boolean;
  readonly force: boolean;
}

const reasonsToRenew: readonly Check<WorkerInput>[] = [
  expired, // regardless of the request
  dueByWindowAsked, // a window in the request means "only if due"
  forced, // regardless of its time
  requested, // on demand, without a window
  due, // its time comes before the next scan
];

const workerChain: readonly Check<WorkerInput>[] = [
  paused, // by its tag or its profile, unless forced
  otherThanDeclared, // even if the certificate is new
  recentlyRenewed, // cert-renewer wrote it minutes ago: prevents a loop
  ...reasonsToRenew,
];

/** Decides for a secret with a declaration and without a certificate. */
export function checkVacancy(input: Pick<WorkerInput, 'force' | 'settings' | 'profile'>, found: string): Decision {
  return paused(input) ?? { action: 'issue', code: 'Missing', message: `${found} A certificate is declared for it.` };
}

export function checkDue(input: WorkerInput): Decision {
  return firstOf(workerChain, input) ?? notDue(input);
}

export function paused(input: Pick<WorkerInput, 'force' | 'settings' | 'profile'>): Decision | undefined {
  const { force, settings, profile } = input;
  if (force || !settings.paused) return undefined;
  const by = profile.paused ? `the profile ${profile.name}` : `the tag ${tags.paused}`;
  return skip('Paused', `Paused by ${by}. Use force to renew it anyway.`);
}

function otherThanDeclared({ isAsDeclared }: WorkerInput): Decision | undefined {
  if (isAsDeclared) return undefined;
  const message = 'The declaration has changed since the certificate was issued.';
  return { action: 'issue', code: 'Changed', message };
}

const recently = 10 * 60_000;
/** With a shorter validity, a pause of ten minutes would be too long. */
const longEnough = 60 * 60_000;

function recentlyRenewed(input: WorkerInput): Decision | undefined {
  const { force, versionId, versionCreatedAt, now, validity } = input;
  if (force || !versionId.startsWith(versionIdPrefix) || now - versionCreatedAt >= recently) return undefined;
  if (validity.end - validity.notBefore < longEnough || !firstOf(reasonsToRenew, input)) return undefined;
  return skip(
    'RecentlyRenewed',
    `cert-renewer wrote this version at ${formatInstant(versionCreatedAt)}, less than 10 minutes ago. Use force to renew it again.`,
  );
}

function dueByWindowAsked(input: WorkerInput): Decision | undefined {
  return input.windowAsked ? due(input) : undefined;
}

function forced({ force, settings }: WorkerInput): Decision | undefined {
  if (!force) return undefined;
  return { action: settings.mode, code: 'Forced', message: 'Renewal forced by the request.' };
}

function requested({ origin, windowAsked, settings }: WorkerInput): Decision | undefined {
  if (origin !== 'request' || windowAsked) return undefined;
  return { action: settings.mode, code: 'Requested', message: 'Requested on demand.' };
}

function expired({ validity, endsWith, settings, now }: TimeInput): Decision | undefined {
  if (now < validity.end) return undefined;
  const end = formatInstant(validity.end);
  return endsWith === 'chain'
    ? { action: settings.mode, code: 'ChainExpiring', message: `A certificate in its chain expired at ${end}.` }
    : { action: settings.mode, code: 'Expired', message: `The certificate expired at ${end}.` };
}

export function due(input: TimeInput): Decision | undefined {
  const { time, now, step } = input;
  return expired(input) ?? (now + step >= time.renewAt ? soonDue(input) : undefined);
}

function soonDue({ settings, validity, endsWith, time }: TimeInput): Decision {
  const action = settings.mode;
  const end = formatInstant(validity.end);
  if (time.dueCode === 'PeriodElapsed') {
    const message = `Its rekey period of ${formatDuration(time.window)} has passed, or will pass before the next scan.`;
    return { action, code: 'PeriodElapsed', message };
  }
  if (time.dueCode === 'Suggested') {
    const message = `The CA suggests to renew it at ${formatInstant(time.renewAt)}.`;
    return { action, code: 'Suggested', message };
  }
  if (endsWith === 'chain') {
    return {
      action,
      code: 'ChainExpiring',
      message: `A certificate in its chain expires at ${end}, before the leaf.`,
    };
  }
  const message = `It expires at ${end} and is due at ${formatInstant(time.renewAt)}.`;
  return { action, code: 'Expiring', message };
}

function notDue({ time }: WorkerInput): Decision {
  return skip(
    'NotDue',
    `Not due before ${formatInstant(time.renewAt)}. To renew it now, use force, or leave out expiresIn and rekeyPeriod.`,
  );
}
