/** When a certificate is due. Pure, and the same for the plan, the scan and the worker. */
import { hash } from 'node:crypto';
import type { Warning } from '../domain/decision.ts';
import { formatDuration, windowLength } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Settings } from '../domain/settings.ts';
import type { Timing } from '../domain/timing.ts';

export interface Validity {
  readonly notBefore: Instant;
  /** The earliest notAfter on the verified path from leaf to root: a leaf may outlive its chain. */
  readonly end: Instant;
}

export interface RenewalTime {
  readonly renewAt: Instant;
  /** Milliseconds: the length of the window, or of the period. */
  readonly window: number;
  readonly dueCode: 'Expiring' | 'PeriodElapsed';
  readonly warnings: readonly Warning[];
}

/** Where nothing says otherwise: a third of the validity is left, as in `step ca rekey --daemon`. */
const defaultShare = 1 / 3;
/** Jitter is less than this share of the window, as in `step`. */
const jitterShare = 1 / 20;

/**
 * A number in [0, 1) that belongs to one certificate of one secret: no draw, so that every look gives the same answer.
 * notBefore stands for the certificate, because the scan knows it from the tags (docs/decisions/0001-rooms-and-tools.md).
 */
export function jitterFraction(secretArn: string, notBefore: Instant): number {
  return hashFraction(`${secretArn}\n${formatInstant(notBefore)}`);
}

/** SHA-256 of the text as a number in [0, 1). */
export function hashFraction(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) / 2 ** 48;
}

/**
 * The time to act, jitter included (it only ever makes it earlier). A window or period from a tag or a profile that is
 * not less than the validity would renew for ever, or never: a third applies, with the warning WindowClamped. From a
 * request it is refused (InvalidRequest).
 */
export function renewalTime(
  validity: Validity,
  settings: Pick<Settings, 'timing' | 'timingSource'>,
  secretArn: string,
): RenewalTime {
  const length = validity.end - validity.notBefore;
  const fraction = jitterFraction(secretArn, validity.notBefore);
  const third = length * defaultShare;
  if (!settings.timing) return before(validity, third, fraction, []);
  const wanted = wantedLength(settings.timing, length);
  const jitter = wanted * jitterShare * fraction;
  if (settings.timingSource === 'request') {
    if (wanted >= length) throw tooLong(settings.timing, wanted, length);
  } else if (isTooLong(settings.timing, wanted, jitter, length)) {
    return before(validity, third, fraction, [clamped(settings.timing, length, third)]);
  }
  if (settings.timing.kind === 'expiresIn') return before(validity, wanted, fraction, []);
  return { renewAt: validity.notBefore + wanted - jitter, window: wanted, dueCode: 'PeriodElapsed', warnings: [] };
}

function wantedLength(timing: Timing, length: number): number {
  return timing.kind === 'expiresIn' ? windowLength(timing.window, length) : timing.milliseconds;
}

/** A window with its jitter must leave something of the validity; a period must come before the end. */
function isTooLong(timing: Timing, wanted: number, jitter: number, length: number): boolean {
  return timing.kind === 'expiresIn' ? wanted + jitter >= length : wanted >= length;
}

function before(validity: Validity, window: number, fraction: number, warnings: readonly Warning[]): RenewalTime {
  const renewAt = validity.end - window - window * jitterShare * fraction;
  return { renewAt, window, dueCode: 'Expiring', warnings };
}

function describe(timing: Timing): string {
  return timing.kind === 'expiresIn' ? `window ${timing.window.text}` : `rekey period ${timing.text}`;
}

function tooLong(timing: Timing, wanted: number, length: number): RenewalError {
  const field = timing.kind === 'expiresIn' ? 'expiresIn' : 'rekeyPeriod';
  return new RenewalError(
    'InvalidRequest',
    `$.${field} is ${formatDuration(wanted)}, and the certificate is valid for ${formatDuration(length)}: expected less than its validity.`,
    { concerns: 'request' },
  );
}

function clamped(timing: Timing, length: number, third: number): Warning {
  return {
    code: 'WindowClamped',
    message: `The ${describe(timing)} is not less than the validity of ${formatDuration(length)}, so a third of it (${formatDuration(third)}) applies. Shorten it, or have the CA issue for longer.`,
  };
}

/** Past its time by a fifth of the window. */
export function isOverdue(time: RenewalTime, now: Instant): boolean {
  return now >= time.renewAt + time.window / 5;
}

/** In the last twentieth of the validity every scan tries, until its end. */
export function isEmergency(validity: Validity, now: Instant): boolean {
  return now < validity.end && now >= validity.end - (validity.end - validity.notBefore) / 20;
}

/** A window that is shorter than the time between two scans may pass unseen. `step`: milliseconds. */
export function belowSchedule(time: RenewalTime, step: number): Warning | undefined {
  if (time.dueCode !== 'Expiring' || time.window >= step) return undefined;
  return {
    code: 'WindowBelowSchedule',
    message: `The window of ${formatDuration(time.window)} is shorter than the longest time between two scans (${formatDuration(step)}): scan more often, or widen the window.`,
  };
}
