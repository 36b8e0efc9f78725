/** The worker's rules: renew, rekey or leave alone, once the certificate was read. */
import type { Decision } from '../domain/decision.ts';
import { formatDuration } from '../domain/duration.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { versionIdPrefix } from '../domain/version-id.ts';
import { type Check, firstOf, skip } from './check.ts';
import type { RenewalTime, Validity } from './renewal-time.ts';

/** What says whether it is time. */
interface TimeInput {
  readonly settings: Settings;
  readonly validity: Validity;
  /** Whose end `validity` is: the leaf's, or that of a certificate above it. */
  readonly endsWith: 'leaf' | 'chain';
  readonly time: RenewalTime;
  readonly now: Instant;
  /** How far ahead counts as due: until the next scan for the schedule, nothing for a request. Milliseconds. */
  readonly step: number;
}

export interface WorkerInput extends TimeInput {
  readonly profile: Profile;
  readonly versionId: string;
  readonly versionCreatedAt: Instant;
  /** `request`: asked for by hand; with `windowAsked` only if it is due by the window of the request. */
  readonly origin: 'schedule' | 'request';
  readonly windowAsked: boolean;
  /** Whether it is the certificate that is declared; true where none is declared. */
  readonly isAsDeclared: boolean;
  readonly force: boolean;
}

const reasonsToRenew: readonly Check<WorkerInput>[] = [
  expired, // its end has come, whatever was asked for
  dueByWindowAsked, // a window in the request asks "only if due"
  forced, // whatever its time
  requested, // by hand, without a window
  due, // its time to act comes before the next look
];

const workerChain: readonly Check<WorkerInput>[] = [
  paused, // by its tag or its profile, unless forced
  otherThanDeclared, // another one is declared than the one that is there, however new that is
  recentlyRenewed, // there is a reason, but we wrote it minutes ago: never a loop, whatever a window says
  ...reasonsToRenew,
];

/** For a secret that a certificate is declared for, and that holds none. */
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
  return skip('Paused', `Paused by ${by}. Use force to renew it all the same.`);
}

function otherThanDeclared({ isAsDeclared }: WorkerInput): Decision | undefined {
  if (isAsDeclared) return undefined;
  const message = 'The certificate was issued for another declaration than the one of today.';
  return { action: 'issue', code: 'Changed', message };
}

const recently = 10 * 60_000;
/** A validity below it has no ten minutes to give away. */
const longEnough = 60 * 60_000;

function recentlyRenewed(input: WorkerInput): Decision | undefined {
  const { force, versionId, versionCreatedAt, now, validity } = input;
  if (force || !versionId.startsWith(versionIdPrefix) || now - versionCreatedAt >= recently) return undefined;
  if (validity.end - validity.notBefore < longEnough || !firstOf(reasonsToRenew, input)) return undefined;
  return skip(
    'RecentlyRenewed',
    `cert-renewer wrote it at ${formatInstant(versionCreatedAt)}, under 10 minutes ago. Use force to renew it again.`,
  );
}

function dueByWindowAsked(input: WorkerInput): Decision | undefined {
  return input.windowAsked ? due(input) : undefined;
}

function forced({ force, settings }: WorkerInput): Decision | undefined {
  if (!force) return undefined;
  return { action: settings.mode, code: 'Forced', message: 'Forced: renewed whatever its time.' };
}

function requested({ origin, windowAsked, settings }: WorkerInput): Decision | undefined {
  if (origin !== 'request' || windowAsked) return undefined;
  return { action: settings.mode, code: 'Requested', message: 'Asked for on demand.' };
}

function expired({ validity, endsWith, settings, now }: TimeInput): Decision | undefined {
  if (now < validity.end) return undefined;
  const end = formatInstant(validity.end);
  return endsWith === 'chain'
    ? { action: settings.mode, code: 'ChainExpiring', message: `A certificate of its chain expired at ${end}.` }
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
    const message = `Its period of ${formatDuration(time.window)} has passed, or will have by the next scan.`;
    return { action, code: 'PeriodElapsed', message };
  }
  if (endsWith === 'chain') {
    return {
      action,
      code: 'ChainExpiring',
      message: `A certificate of its chain ends at ${end}, before the leaf does.`,
    };
  }
  const message = `It expires at ${end}, and its time to act is ${formatInstant(time.renewAt)}.`;
  return { action, code: 'Expiring', message };
}

function notDue({ time }: WorkerInput): Decision {
  return skip(
    'NotDue',
    `Not due before ${formatInstant(time.renewAt)}. Use force, or leave out expiresIn and rekeyPeriod, to renew it now.`,
  );
}
