import { Cron } from 'croner';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { cronSchedule } from '../../lambdas/policy/cron.ts';
import { loadSchedule } from '../../lambdas/policy/schedule.ts';
import { cpuTime } from '../support/cpu-time.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const at = (text: string) => Date.parse(text);
const show = (instant: number | undefined) => (instant === undefined ? undefined : new Date(instant).toISOString());

describe('rate', () => {
  it.each([
    ['rate(1 minute)', minute],
    ['rate(15 minutes)', 15 * minute],
    ['rate(1 hour)', hour],
    ['rate(36 hours)', 36 * hour],
    ['rate(1 day)', day],
    ['rate(7 days)', 7 * day],
  ])('%s fires every %d ms', async (expression, gap) => {
    const schedule = await loadSchedule(expression);
    expect(schedule).toMatchObject({ expression, longestGap: gap });
    expect(schedule.next(1_000)).toBe(1_000 + gap);
  });

  it.each(['rate(0 minutes)', 'rate(1 hours)', 'rate(2 hour)', 'rate(1 week)', 'rate(1.5 hours)', 'rate(-1 hour)'])(
    '%s is refused with what is allowed',
    async (expression) => {
      await expect(loadSchedule(expression)).rejects.toThrow(/rate\(1 hour\).*cron\(/);
    },
  );

  it.each(['', 'hourly', 'at(2026-01-01T00:00:00)', 'rate (1 hour)', 'Rate(1 hour)'])(
    '%j is invalid',
    async (expression) => {
      await expect(loadSchedule(expression)).rejects.toMatchObject({ name: 'InvalidRequest' });
    },
  );
});

describe('cron: the longest gap', () => {
  it.each([
    ['cron(* * * * ? *)', undefined, minute],
    ['cron(0/15 * * * ? *)', undefined, 15 * minute],
    ['cron(0 * * * ? *)', undefined, hour],
    ['cron(5,50 * * * ? *)', undefined, 45 * minute],
    ['cron(0 8 * * ? *)', undefined, day],
    ['cron(0 8-18 * * ? *)', undefined, 14 * hour],
    ['cron(0 8 ? * MON-FRI *)', undefined, 3 * day],
    ['cron(0 8,20 ? * 2-6 *)', undefined, 60 * hour], // Friday 20:00 to Monday 8:00
    ['cron(0 0 1 * ? *)', undefined, 31 * day],
    ['cron(0 0 29 2 ? *)', undefined, 1461 * day],
    ['cron(0 0 1 1 ? 2050-2060)', undefined, 366 * day], // years in the distant future
    ['cron(* * ? 1 * *)', undefined, 335 * day + minute], // all of January, in a leap year
    // Days of 23 and 25 hours.
    ['cron(0 8 * * ? *)', 'Europe/Berlin', 25 * hour],
    // 02:30 does not exist on the day when the clocks go forward, and is skipped.
    ['cron(30 2 * * ? *)', 'Europe/Berlin', 47 * hour],
    // The hour that comes twice counts once.
    ['cron(0 * * * ? *)', 'America/New_York', 2 * hour],
    ['cron(0/15 * * * ? *)', 'America/New_York', hour + 15 * minute],
    // A change by half an hour.
    ['cron(0 * * * ? *)', 'Australia/Lord_Howe', 1.5 * hour],
  ])('%s %s', (expression, timezone, gap) => {
    expect(cronSchedule(expression, timezone).longestGap / hour).toBe(gap / hour);
  });

  it('is not below any gap of a walk through the schedule, and is reached', () => {
    const schedule = cronSchedule('cron(20 4/5 ? * TUE,FRI *)', 'America/St_Johns');
    let previous = at('2024-01-01T12:00:00Z');
    let longest = 0;
    for (let run = schedule.next(previous); run !== undefined && run < at('2026-01-01T00:00:00Z'); ) {
      longest = Math.max(longest, run - previous);
      previous = run;
      run = schedule.next(run);
    }
    expect(longest / hour).toBe(schedule.longestGap / hour);
  });
});

describe('cron: the next run', () => {
  it.each([
    ['cron(0 8 * * ? *)', undefined, '2026-11-22T07:59:59Z', '2026-11-22T08:00:00.000Z'],
    ['cron(0 8 * * ? *)', undefined, '2026-11-22T08:00:00Z', '2026-11-23T08:00:00.000Z'],
    ['cron(0 8 * * ? *)', 'Asia/Tokyo', '2026-11-22T22:00:00Z', '2026-11-22T23:00:00.000Z'],
    ['cron(0 0 L * ? *)', undefined, '2026-02-03T00:00:00Z', '2026-02-28T00:00:00.000Z'],
    ['cron(0 0 ? * L *)', undefined, '2026-11-22T00:00:00Z', '2026-11-28T00:00:00.000Z'], // Saturday
    ['cron(0 0 ? * 6L *)', undefined, '2026-11-01T00:00:00Z', '2026-11-27T00:00:00.000Z'],
    ['cron(0 0 ? * FRI#3 *)', undefined, '2026-11-01T00:00:00Z', '2026-11-20T00:00:00.000Z'],
    ['cron(0 0 ? * 1 *)', undefined, '2026-11-16T00:00:00Z', '2026-11-22T00:00:00.000Z'], // 1 is Sunday
    ['cron(0 0 1W * ? *)', undefined, '2026-07-15T00:00:00Z', '2026-08-03T00:00:00.000Z'], // the 1st is a Saturday
    ['cron(0 0 31W * ? *)', undefined, '2026-05-15T00:00:00Z', '2026-05-29T00:00:00.000Z'], // the 31st is a Sunday
    ['cron(0 0 15W * ? *)', undefined, '2026-08-02T00:00:00Z', '2026-08-14T00:00:00.000Z'], // the 15th is a Saturday
    ['cron(0 0 15W * ? *)', undefined, '2026-11-02T00:00:00Z', '2026-11-16T00:00:00.000Z'], // the 15th is a Sunday
    ['cron(0 0 31W * ? *)', undefined, '2027-04-01T00:00:00Z', '2027-05-31T00:00:00.000Z'], // April has no 31st
    ['cron(0 0 ? * SUN *)', undefined, '2026-11-16T00:00:00Z', '2026-11-22T00:00:00.000Z'],
    ['cron(0 0 1 JAN ? *)', undefined, '2026-11-16T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['cron(0 0 1 1 ? 2028-2030)', undefined, '2026-05-15T00:00:00Z', '2028-01-01T00:00:00.000Z'],
    ['cron(0 0 1 1 ? 2028-2030)', undefined, '2030-05-15T00:00:00Z', undefined],
    ['cron(0 0 1 1 ? 2050-2060)', undefined, '2026-05-15T00:00:00Z', '2050-01-01T00:00:00.000Z'],
    ['cron(0 8 * * ? *)', 'Europe/London', '2026-03-28T08:00:00Z', '2026-03-29T07:00:00.000Z'],
    ['cron(0 8 * * ? *)', 'Europe/London', '2026-11-22T07:59:59Z', '2026-11-22T08:00:00.000Z'],
    ['cron(0 2 * * ? *)', 'America/New_York', '2026-03-07T12:00:00Z', '2026-03-09T06:00:00.000Z'], // 2:00 is skipped
    ['cron(0 3 * * ? *)', 'America/New_York', '2026-03-07T12:00:00Z', '2026-03-08T07:00:00.000Z'], // 3:00 exists
    ['cron(30 2 * * ? *)', 'America/New_York', '2026-03-07T12:00:00Z', '2026-03-09T06:30:00.000Z'], // 8 March has none
    ['cron(30 1 * * ? *)', 'America/New_York', '2026-10-31T12:00:00Z', '2026-11-01T05:30:00.000Z'], // the first of two
    ['cron(30 1 * * ? *)', 'America/New_York', '2026-11-01T05:30:00Z', '2026-11-02T06:30:00.000Z'], // not the second
  ])('%s %s after %s', (expression, timezone, after, expected) => {
    expect(show(cronSchedule(expression, timezone).next(at(after)))).toBe(expected);
  });

  afterEach(() => vi.restoreAllMocks());

  it('without a zone is in UTC, in any zone of the runtime', () => {
    const { DateTimeFormat } = Intl;
    vi.spyOn(Intl, 'DateTimeFormat').mockImplementation(
      (locales, options) => new DateTimeFormat(locales, { ...options, timeZone: options?.timeZone ?? 'Asia/Tokyo' }),
    );
    const { next } = cronSchedule('cron(0 8 * * ? *)');
    expect(show(next(at('2026-11-22T07:00:00Z')))).toBe('2026-11-22T08:00:00.000Z');
  });

  const number = (least: number, most: number) => fc.integer({ min: least, max: most }).map(String);
  const range = (least: number, most: number) =>
    fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most })).map((pair) => {
      const [from, to] = pair.sort((a, b) => a - b);
      return `${from}-${to}`;
    });
  const field = (least: number, most: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.array(fc.oneof(number(least, most), range(least, most)), { minLength: 1, maxLength: 3 }).map(String),
      fc.integer({ min: 2, max: 20 }).map((step) => `*/${Math.min(step, most - least)}`),
    );
  const days = fc.oneof(
    fc.tuple(
      fc.oneof(
        field(1, 31),
        fc.constant('L'),
        number(1, 28).map((n) => `${n}W`),
      ),
      fc.constant('?'),
    ),
    fc.tuple(
      fc.constant('?'),
      fc.oneof(
        field(1, 7),
        number(1, 7).map((n) => `${n}L`),
        number(1, 7).map((n) => `${n}#2`),
      ),
    ),
  );

  it('is the same as croner’s in UTC', () => {
    fc.assert(
      fc.property(
        field(0, 59),
        field(0, 23),
        days,
        field(1, 12),
        fc.integer({ min: at('2024-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') }),
        (minutes, hours, [dom, dow], months, after) => {
          const star = (text: string) => (text === '?' ? '*' : text);
          const oracle = new Cron(`0 ${minutes} ${hours} ${star(dom)} ${months} ${star(dow)}`, {
            timezone: 'UTC',
            paused: true,
            alternativeWeekdays: true,
          });
          const expected = oracle.nextRun(new Date(after));
          fc.pre(expected !== null && expected.getTime() < after + 5 * 365 * day);
          const schedule = cronSchedule(`cron(${minutes} ${hours} ${dom} ${months} ${dow} *)`);
          expect(show(schedule.next(after))).toBe(expected?.toISOString());
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('cron: refused', () => {
  it.each([
    ['cron(0 8 * * ?)', undefined, /5 fields/],
    ['cron(0 0 8 * * ? *)', undefined, /7 fields/],
    ['cron(0 8 * * ? *', undefined, /it has 0 fields/],
    ['cron(0 8 * * ? *)x', undefined, /it has 0 fields/],
    ['cron(cron(0 8 * * ? *)', undefined, /it has 0 fields/],
    ['cron(0 8 * * * *)', undefined, /must be \?/],
    ['cron(0 8 ? * ? *)', undefined, /must be \?/],
    ['cron(60 8 * * ? *)', undefined, /minutes is 60, but only values from 0 to 59/],
    ['cron(1E1 8 * * ? *)', undefined, /minutes is 1E1/], // a number to JavaScript
    ['cron(0X1F 8 * * ? *)', undefined, /minutes is 0X1F/],
    ['cron(ABCDEFGHIJKLMNOPQRSTUVWXYZ 8 * * ? *)', undefined, /minutes is ABCDEFGHIJKLMNOPQRST, but/],
    ['cron(0 24 * * ? *)', undefined, /hours is 24/],
    ['cron(0 8 0 * ? *)', undefined, /day-of-month is 0/],
    ['cron(0 8 ? * 0 *)', undefined, /day-of-week is 0/],
    ['cron(0 8 ? * 8 *)', undefined, /day-of-week is 8/],
    ['cron(0 8 ? * FOO *)', undefined, /day-of-week is FOO/],
    ['cron(0 8 ? * 6#6 *)', undefined, /day-of-week is 6#6/],
    ['cron(0 8 ? * 6#33 *)', undefined, /day-of-week is 6#33/],
    ['cron(0 8 ? * 1FRI#3 *)', undefined, /day-of-week is 1FRI#3/],
    ['cron(0 8 40W * ? *)', undefined, /day-of-month is 40/],
    ['cron(0 8 115W * ? *)', undefined, /day-of-month is 115W/],
    ['cron(0 8 15WX * ? *)', undefined, /day-of-month is 15WX/],
    ['cron(0 8 * 13 ? *)', undefined, /month is 13/],
    ['cron(0 8 * * ? 1969)', undefined, /year is 1969/],
    ['cron(*/0 8 * * ? *)', undefined, /minutes is \*\/0/],
    ['cron(30-10 8 * * ? *)', undefined, /minutes is 30-10/],
    ['cron(, 8 * * ? *)', undefined, /minutes is empty/],
    ['cron(0 0 31 2 ? *)', undefined, /less than twice/],
    ['cron(0 0 1 1 ? 2030)', undefined, /less than twice/],
    ['cron(0 0 1 1 ? 2020)', undefined, /less than twice/],
    ['cron(0 8 * * ? *)', 'Mars/Olympus', /IANA/],
    ['cron(0 8 * * ? *)', '+02:00', /IANA/],
    ['cron(0 8 * * ? *)', '', /IANA/],
  ])('%s %s', async (expression, timezone, message) => {
    const refused = loadSchedule(expression, timezone);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(RenewalError);
    await expect(refused).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it.each([
    ['Mars/Olympus', /Mars/],
    ['+02:00', /not an IANA name/],
  ])('the zone %s, with the cause', (timezone, message) => {
    expect(() => cronSchedule('cron(0 8 * * ? *)', timezone)).toThrowError(
      expect.objectContaining({
        cause: expect.objectContaining({ name: 'RangeError', message: expect.stringMatching(message) }),
      }),
    );
  });

  it('a hostile text quickly', () => {
    const started = cpuTime();
    expect(() => cronSchedule(`cron(${'1,'.repeat(120)}1 * * * ? *)`)).not.toThrow();
    expect(() => cronSchedule(`cron(${'0-'.repeat(100_000)} * * * ? *)`)).toThrow();
    expect(cpuTime() - started).toBeLessThan(1_000);
  });
});
