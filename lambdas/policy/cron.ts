/**
 * cron() as EventBridge Scheduler reads it (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). It has six
 * fields, `?` in one of the two day fields, Sunday as 1, and `L`, `W` and `#`. When daylight saving time begins or ends, a time
 * that does not exist is skipped, and a time that exists twice counts once. General cron libraries differ in each of these points.
 */
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { quote } from '../domain/quote.ts';
import type { Schedule } from '../domain/schedule.ts';
import { type DayRule, dayOfMonthRule, dayOfWeekRule, fieldValues, InvalidField } from './cron-fields.ts';
import { type Zone, zoneOf } from './zone.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** Twelve years contain 29 February three times. */
const years = 12;
const firstDay = Date.UTC(2024, 0, 1);

/** The parsed fields: the matching days (midnight as if the zone were UTC), and the minutes of the day. */
interface Pattern {
  readonly matchesDay: (midnight: number) => boolean;
  readonly minutes: readonly number[];
  readonly firstYear: number;
}

/**
 * Parses an expression such as `cron(0 8 ? * MON-FRI *)`. Throws InvalidRequest, also if it runs less than twice in twelve years.
 */
export function cronSchedule(expression: string, timezone?: string): Schedule {
  const zone = zoneOf(timezone);
  const pattern = parsePattern(expression);
  const longestGap = findLongestGap(pattern, zone);
  if (longestGap === undefined) {
    throw refuse(expression, `it runs less than twice in ${years} years, and a certificate can't wait that long`);
  }
  return { expression, longestGap, next: (after) => nextRun(pattern, zone, after) };
}

function refuse(expression: string, problem: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `The schedule is ${quote(expression)}: ${problem}. Expected cron(minutes hours day-of-month month day-of-week year) as in cron(0 8 ? * MON-FRI *), or rate(1 hour).`,
  );
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

function parsePattern(expression: string): Pattern {
  const fields = /^cron\(([^()]{1,256})\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  const [minutesText = '', hoursText = '', domText = '', monthText = '', dowText = '', yearText = ''] = fields;
  if (fields.length !== 6) throw refuse(expression, `it has ${count(fields.length, 'field')}, but must have six`);
  if ((domText === '?') === (dowText === '?')) {
    throw refuse(expression, 'exactly one of day-of-month and day-of-week must be ?');
  }
  try {
    const minutes = fieldValues(minutesText, 'minutes', 0, 59);
    const hours = fieldValues(hoursText, 'hours', 0, 23);
    const months = new Set(fieldValues(monthText, 'month', 1, 12, monthNames));
    const yearList = fieldValues(yearText, 'year', 1970, 2199);
    const inYears = new Set(yearList);
    const rule: DayRule = dowText === '?' ? dayOfMonthRule(domText) : dayOfWeekRule(dowText);
    return {
      minutes: hours.flatMap((h) => minutes.map((m) => h * 60 + m)),
      firstYear: yearList[0] ?? 1970,
      matchesDay: (midnight) => {
        const date = new Date(midnight);
        return (
          inYears.has(date.getUTCFullYear()) &&
          months.has(date.getUTCMonth() + 1) &&
          rule(date.getUTCDate(), lastOfMonth(date), date.getUTCDay() + 1)
        );
      },
    };
  } catch (thrown) {
    if (thrown instanceof InvalidField) throw refuse(expression, thrown.message);
    throw thrown;
  }
}

function lastOfMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function* matchingDays(pattern: Pattern, from: number): Generator<number> {
  const end = from + years * 366 * day;
  for (let midnight = from; midnight < end; midnight += day) if (pattern.matchesDay(midnight)) yield midnight;
}

function nextRun(pattern: Pattern, zone: Zone, after: Instant): Instant | undefined {
  const local = after + zone.offsetAt(after);
  const yesterday = Math.floor(local / day) * day - day;
  const from = Math.max(yesterday, Date.UTC(pattern.firstYear, 0, 1));
  for (const midnight of matchingDays(pattern, from)) {
    const clock = zone.clockOf(midnight);
    for (const minuteOfDay of pattern.minutes) {
      const instant = clock(midnight + minuteOfDay * minute);
      if (instant !== undefined && instant > after) return instant;
    }
  }
  return undefined;
}

/**
 * Returns the longest gap in milliseconds, or undefined for fewer than two runs. Looks at every run only on days with a clock
 * change.
 */
function findLongestGap(pattern: Pattern, zone: Zone): number | undefined {
  const within = longestStep(pattern.minutes) * minute;
  let longest = 0;
  let previous: Instant | undefined;
  for (const midnight of matchingDays(pattern, Math.max(firstDay, Date.UTC(pattern.firstYear, 0, 1)))) {
    const clock = zone.clockOf(midnight);
    const steady = zone.isSteady(midnight);
    const minutes = steady ? [pattern.minutes[0] ?? 0, pattern.minutes.at(-1) ?? 0] : pattern.minutes;
    for (const [index, minuteOfDay] of minutes.entries()) {
      const instant = clock(midnight + minuteOfDay * minute);
      if (instant === undefined) continue;
      // A steady day is represented by its first and last run. The longest gap between its runs is `within`.
      const inside = steady && index > 0;
      if (previous !== undefined) longest = Math.max(longest, inside ? within : instant - previous);
      previous = instant;
    }
  }
  return longest > 0 ? longest : undefined;
}

function longestStep(sorted: readonly number[]): number {
  return sorted.reduce((longest, value, index) => Math.max(longest, value - (sorted[index - 1] ?? value)), 0);
}
