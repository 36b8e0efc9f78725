/**
 * Durations in Go's format (https://pkg.go.dev/time#ParseDuration), which users of `step` know, and windows, which may also be a
 * percentage of the validity.
 */
import { type ErrorCode, RenewalError } from './errors.ts';
import { quote } from './quote.ts';

const nanosecondsPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5 micro sign
  μs: 1_000n, // U+03BC Greek letter mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const wholeDuration = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const oneTerm = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g;
const int64Max = 2n ** 63n - 1n;

/**
 * Returns nanoseconds (may be negative) as Go's `time.ParseDuration` does, or undefined if Go returns an error. Go keeps durations
 * in an int64 and computes fractions in float64. This function does the same and agrees with Go to the nanosecond.
 */
export function parseGoDuration(text: string): bigint | undefined {
  if (text.length > 256 || !wholeDuration.test(text)) return undefined;
  const negative = text.startsWith('-');
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(oneTerm)) {
    const scale = nanosecondsPerUnit[unit] ?? 0n;
    const term = BigInt(whole || '0') * scale + fractionOf(fraction, scale);
    total += term;
    if (term > int64Max + 1n || total > int64Max + 1n) return undefined;
  }
  if (total > int64Max && !negative) return undefined;
  return negative ? -total : total;
}

/** Go's leadingFraction: takes as many digits as an int64 holds, drops the rest, and scales as a float64. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > int64Max / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > int64Max + 1n) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

const hoursPerUnit: Readonly<Record<string, number>> = { d: 24, w: 7 * 24, y: 365 * 24 };
/** A number of days, weeks or years, and a duration in Go's units or nothing after it: `30d`, `2 weeks`, `1d12h`. */
const inLongUnits = /^\+?(\d{1,6}(?:\.\d{1,3})?) ?(d|w|y)(?:ays?|eeks?|ears?)?(?: ?(\d{1,6})h)?$/i;

/**
 * Returns the end of a message for a text in days, weeks or years, which Go's durations do not have: `; d is not a unit, write 720h`.
 * Empty for any other text.
 */
export function unitHint(text: string): string {
  const [, number, unit = '', more = '0'] = inLongUnits.exec(text) ?? [];
  if (number === undefined) return '';
  const hours = Number(number) * (hoursPerUnit[unit.toLowerCase()] ?? 0) + Number(more);
  const written = Number.isInteger(hours) ? `${hours}h` : `${Math.round(hours * 60)}m`;
  return hours > 0 ? `; ${unit} is not a unit, write ${written}` : '';
}

/**
 * Returns the milliseconds of a duration above zero.
 *
 * Throws `code` for any other text. `where` names the setting in the message.
 */
export function parseDuration(text: string, where: string, code: ErrorCode): number {
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined || nanoseconds <= 0n) {
    throw new RenewalError(
      code,
      `${where} is ${quote(text)}: expected a duration above zero such as 8h30m, 1.5h or 300ms${unitHint(text)}.`,
    );
  }
  return Number(nanoseconds) / 1e6;
}

/** The renewal window before a certificate's end: a fixed time, or a percentage of the validity (0 < percent < 100). */
export type Window =
  | { readonly kind: 'duration'; readonly milliseconds: number; readonly text: string }
  | { readonly kind: 'percentage'; readonly percent: number; readonly text: string };

const percentage = /^(\d{1,3}(?:\.\d{1,9})?)(?:%|pct)$/;

/**
 * Parses a duration or a percentage: `33%`, or `33pct` for tags, whose values can't contain `%`.
 *
 * Throws `code` for any other text. `where` names the setting in the message.
 */
export function parseWindow(text: string, where: string, code: ErrorCode): Window {
  const match = percentage.exec(text);
  if (match) {
    const percent = Number(match[1]);
    if (percent > 0 && percent < 100) return { kind: 'percentage', percent, text };
  }
  const nanoseconds = match ? undefined : parseGoDuration(text);
  if (nanoseconds === undefined || nanoseconds <= 0n) {
    throw new RenewalError(
      code,
      `${where} is ${quote(text)}: expected a duration above zero such as 8h30m, or a percentage of the validity between 0 and 100 such as 33% (33pct in a tag)${unitHint(text)}.`,
    );
  }
  return { kind: 'duration', milliseconds: Number(nanoseconds) / 1e6, text };
}

/** Returns the window's length in milliseconds for a certificate of this validity in milliseconds. */
export function windowLength(window: Window, validity: number): number {
  return window.kind === 'duration' ? window.milliseconds : (validity * window.percent) / 100;
}

/** Formats milliseconds as a Go duration for messages, to the second and without zero parts: `8h`, `1m30s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  const total = Math.floor(Math.abs(milliseconds) / 1000);
  if (total === 0) return `${sign}${Math.abs(milliseconds)}ms`;
  const parts: [number, string][] = [
    [Math.floor(total / 3600), 'h'],
    [Math.floor(total / 60) % 60, 'm'],
    [total % 60, 's'],
  ];
  return sign + parts.flatMap(([n, unit]) => (n > 0 ? [`${n}${unit}`] : [])).join('');
}
