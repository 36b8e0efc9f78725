/**
 * Parses the schedule expressions of EventBridge Scheduler. Synthesis uses this to refuse an invalid one and to set the alarm
 * periods. Workers use it for the time until the next scan. cron() is loaded by import(), because most stacks use rate().
 */

import { RenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';
import type { Schedule } from '../domain/schedule.ts';

const units: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const rate = /^rate\((\d{1,5}) (minute|hour|day)(s?)\)$/;

/**
 * Parses a schedule in EventBridge Scheduler's syntax. `timezone` is an IANA name, by default UTC.
 *
 * Throws InvalidRequest.
 */
export async function loadSchedule(expression: string, timezone?: string): Promise<Schedule> {
  if (!expression.startsWith('cron(')) return rateSchedule(expression);
  const { cronSchedule } = await import('./cron.ts');
  return cronSchedule(expression, timezone);
}

/**
 * Parses an expression such as `rate(15 minutes)`. `next` counts from the given instant, because the start of EventBridge's count
 * is not known.
 *
 * Throws InvalidRequest.
 */
export function rateSchedule(expression: string): Schedule {
  const [, digits = '', unit = '', plural = ''] = rate.exec(expression) ?? [];
  const value = Number(digits);
  // EventBridge accepts `1 hour` and `2 hours`, but neither `1 hours` nor `2 hour`.
  if (value < 1 || (value === 1) !== (plural === '')) {
    throw new RenewalError(
      'InvalidRequest',
      `The schedule is ${quote(expression)}: expected rate(1 hour), rate(15 minutes), rate(2 days) or cron(minutes hours day-of-month month day-of-week year).`,
    );
  }
  const longestGap = value * (units[unit] ?? 0);
  return { expression, longestGap, next: (after) => after + longestGap };
}
