/**
 * The expressions of EventBridge Scheduler, read at synthesis to refuse a bad one and to size the alarms, and by the
 * workers to know how long it is until the next scan. cron() is behind import(): most stacks say rate().
 */
import { quote } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';

export interface Schedule {
  readonly expression: string;
  /** The longest time between two scans, milliseconds; for cron over twelve years, changes of the clocks included. */
  readonly longestGap: number;
  /** The first scan after this instant. Undefined for a cron whose years are over. */
  next(after: Instant): Instant | undefined;
}

const units: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const rate = /^rate\((\d{1,5}) (minute|hour|day)(s?)\)$/;

/**
 * A schedule in EventBridge Scheduler's own syntax; `timezone` is an IANA name, UTC without it.
 * Throws InvalidRequest that says what is allowed.
 */
export async function loadSchedule(expression: string, timezone?: string): Promise<Schedule> {
  if (!expression.startsWith('cron(')) return rateSchedule(expression);
  const { cronSchedule } = await import('./cron.ts');
  return cronSchedule(expression, timezone);
}

/**
 * `rate(15 minutes)`. `next` reckons from the instant it is given: when EventBridge began to count is not known here.
 * Throws InvalidRequest.
 */
export function rateSchedule(expression: string): Schedule {
  const [, digits = '', unit = '', plural = ''] = rate.exec(expression) ?? [];
  const value = Number(digits);
  // EventBridge takes `1 hour` and `2 hours`, and neither `1 hours` nor `2 hour`.
  if (value < 1 || (value === 1) !== (plural === '')) {
    throw new RenewalError(
      'InvalidRequest',
      `The schedule is ${quote(expression)}: expected rate(1 hour), rate(15 minutes), rate(2 days) or cron(minutes hours day-of-month month day-of-week year).`,
    );
  }
  const longestGap = value * (units[unit] ?? 0);
  return { expression, longestGap, next: (after) => after + longestGap };
}
