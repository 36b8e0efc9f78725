/**
 * The expressions of EventBridge Scheduler, read at synthesis to refuse a bad one and to size the alarms, and by the
 * workers to know how long it is until the next scan. cron() is behind import(): most stacks say rate().
 */

import { RenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';
import type { Schedule } from '../domain/schedule.ts';

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
 * `rate(15 minutes)`. `next` counts from the instant it is given: when EventBridge began to count is not known here.
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
