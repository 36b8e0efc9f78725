/** Calculates when a certificate is due, for the plan, the scan and the worker. Pure. */
import { hash } from 'node:crypto';
import type { Warning } from '../domain/decision.ts';
import { formatDuration, windowLength } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { SuggestedWindow } from '../domain/ports.ts';
import type { Settings } from '../domain/settings.ts';
import type { Timing } from '../domain/timing.ts';

export interface Validity {
  readonly notBefore: Instant;
  /** The earliest notAfter on the verified path from leaf to root, because a certificate above the leaf may expire first. */
  readonly end: Instant;
}

export interface RenewalTime {
  readonly renewAt: Instant;
  /** Length of the window or of the period in milliseconds. At a suggested time it is the default window. */
  readonly window: number;
  readonly dueCode: 'Expiring' | 'PeriodElapsed' | 'Suggested';
  readonly warnings: readonly Warning[];
}

/** The default window is a third of the validity, as in `step ca rekey --daemon`. */
const defaultShare = 1 / 3;
/** The jitter is less than this share of the window, as in `step`. */
const jitterShare = 1 / 20;

/**
 * Returns a number in [0, 1) for one certificate of one secret. It is a hash and not random, so that scan and worker agree.
 * notBefore identifies the certificate, because the scan knows it from the tags (docs/decisions/0001-rooms-and-tools.md).
 */
export function jitterFraction(secretArn: string, notBefore: Instant): number {
  return hashFraction(`${secretArn}\n${formatInstant(notBefore)}`);
}

/** Returns SHA-256 of the text as a number in [0, 1). */
export function hashFraction(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) / 2 ** 48;
}

/**
 * Returns the time within the CA's window at which this certificate is to be renewed, in whole seconds, as the tag `renew-at` holds it.
 * It is a hash and not random, so that every look gives the same answer, and certificates are spread over the window (RFC 9773 section
 * 4.2). If that time is past, it is `now`: renewed at the next inspection. Undefined for a window that does not end after its start, which
 * counts as none.
 *
 * @param noted the time in the tag. If it is past too it stays, so that a certificate whose renewal keeps failing becomes overdue.
 */
export function suggestedTime(
  { start, end }: SuggestedWindow,
  secretArn: string,
  notBefore: Instant,
  now: Instant,
  noted?: Instant,
): Instant | undefined {
  if (!(end > start)) return undefined; // also NaN
  const chosen = wholeSeconds(start + jitterFraction(secretArn, notBefore) * (end - start));
  if (chosen > now) return chosen;
  return noted !== undefined && noted > notBefore && noted <= now ? noted : wholeSeconds(now);
}

const wholeSeconds = (instant: Instant): Instant => Math.floor(instant / 1000) * 1000;

/**
 * Returns when the certificate is due: by its settings, or when its CA suggests it. `suggested` replaces the default third of the
 * validity. With a window or a period, the earlier time applies. A request with its own window ignores `suggested`, and so does
 * everything if it is not within the validity. Throws InvalidRequest as timeBySettings.
 */
export function renewalTime(
  validity: Validity,
  settings: Pick<Settings, 'timing' | 'timingSource'>,
  secretArn: string,
  suggested?: Instant,
): RenewalTime {
  const time = timeBySettings(validity, settings, secretArn);
  if (suggested === undefined || settings.timingSource === 'request') return time;
  // A time before notBefore is about an earlier certificate. This one would be renewed again and again.
  if (suggested <= validity.notBefore || suggested >= validity.end) return time;
  if (settings.timing && time.renewAt <= suggested) return time;
  const window = (validity.end - validity.notBefore) * defaultShare;
  return { renewAt: suggested, window, dueCode: 'Suggested', warnings: time.warnings };
}

/**
 * Returns when the certificate is due by its settings. The jitter only makes it earlier. With a window or period that is not less than
 * the validity, the certificate would be due always, or never. If it comes from a tag or a profile, a third of the validity applies,
 * with the warning WindowClamped. If it comes from a request, throws InvalidRequest.
 */
function timeBySettings(
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
    return before(validity, third, fraction, [clamped(settings.timing, wanted, length)]);
  }
  if (settings.timing.kind === 'expiresIn') return before(validity, wanted, fraction, []);
  return { renewAt: validity.notBefore + wanted - jitter, window: wanted, dueCode: 'PeriodElapsed', warnings: [] };
}

/**
 * Returns the warnings of a timing that are known before the validity is: a percentage that leaves no room for its jitter, and a
 * window that is shorter than the longest time between two scans, `gap` milliseconds.
 */
export function foreseeableWarnings({ timing }: Pick<Settings, 'timing'>, gap: number): readonly Warning[] {
  if (timing?.kind !== 'expiresIn') return [];
  const { window } = timing;
  if (window.kind === 'duration') return below(window.milliseconds, gap);
  if (window.percent * (1 + jitterShare) < 100) return [];
  return [
    {
      code: 'WindowClamped',
      message: `The ${describe(timing)} may be the whole validity, as a jitter of up to a twentieth is added. Then a third of the validity applies instead. Set ${mostPercent}% or less.`,
    },
  ];
}

/** A percentage that is less than the validity with every jitter. */
const mostPercent = Math.floor(100 / (1 + jitterShare));

function wantedLength(timing: Timing, length: number): number {
  return timing.kind === 'expiresIn' ? windowLength(timing.window, length) : timing.milliseconds;
}

/** A window with its jitter must be shorter than the validity, and so must a period. */
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
    `$.${field} is ${formatDuration(wanted)}, but the certificate is valid for ${formatDuration(length)}: expected less than its validity.`,
    { concerns: 'request' },
  );
}

function clamped(timing: Timing, wanted: number, length: number): Warning {
  const what = wanted < length ? `${describe(timing)}, with its jitter,` : describe(timing);
  const third = length * defaultShare;
  return {
    code: 'WindowClamped',
    message: `The ${what} is not less than the validity of ${formatDuration(length)}, so a third of the validity (${formatDuration(third)}) applies instead. Set a shorter one, or configure a longer validity at the CA.`,
  };
}

/** Returns whether the certificate is overdue: a fifth of the window has passed since it was due. */
export function isOverdue(time: RenewalTime, now: Instant): boolean {
  return now >= time.renewAt + time.window / 5;
}

/** Returns whether the certificate is in the last twentieth of its validity, when every scan tries to renew it. */
export function isEmergency(validity: Validity, now: Instant): boolean {
  return now < validity.end && now >= validity.end - (validity.end - validity.notBefore) / 20;
}

/**
 * Returns a warning for a window that is shorter than the time between two scans, `step` milliseconds: no scan may fall into it.
 */
export function belowSchedule(time: RenewalTime, step: number): Warning | undefined {
  return time.dueCode === 'Expiring' ? below(time.window, step)[0] : undefined;
}

function below(window: number, step: number): readonly Warning[] {
  if (window >= step) return [];
  return [
    {
      code: 'WindowBelowSchedule',
      message: `The window of ${formatDuration(window)} is shorter than the longest time between two scans (${formatDuration(step)}): scan more often, or set a longer window.`,
    },
  ];
}
