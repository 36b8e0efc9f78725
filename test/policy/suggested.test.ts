/** The time that a CA suggests (RFC 9773): how it is chosen, and how the worker, the scan and the plan act on it, to the second. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { OnDemandRequest } from '../../lambdas/domain/request.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { checkDue } from '../../lambdas/policy/due-checks.ts';
import { judge } from '../../lambdas/policy/judgement.ts';
import { isOverdue, jitterFraction, renewalTime, suggestedTime } from '../../lambdas/policy/renewal-time.ts';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { arn, hour, internal, noon, secretWith, statusTags } from './scenes.ts';

const second = 1000;
const day = 24 * hour;
const validity = { notBefore: noon - 60 * day, end: noon + 30 * day };
/** 90 days; by default it would be due after 60 at the latest. */
const third = 30 * day;
const byDefault = renewalTime(validity, { timingSource: 'default' }, arn).renewAt;

describe('suggestedTime', () => {
  const window = { start: noon + day, end: noon + 3 * day };
  const chosen = suggestedTime(window, arn, validity.notBefore, noon) ?? 0;

  it('is a fixed time within the window, in whole seconds', () => {
    const exact = window.start + jitterFraction(arn, validity.notBefore) * (window.end - window.start);
    expect(chosen).toBe(Math.floor(exact / second) * second);
    expect(suggestedTime(window, arn, validity.notBefore, noon + hour)).toBe(chosen);
  });

  it('is never before the window, nor at its end', () => {
    const instants = fc.tuple(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 1, max: 1e7 }), fc.string());
    fc.assert(
      fc.property(instants, ([start, length, name]) => {
        const at = suggestedTime({ start: start * second, end: (start + length) * second }, name, noon, -1) ?? -1;
        expect(at).toBeGreaterThanOrEqual(start * second);
        expect(at).toBeLessThan((start + length) * second);
      }),
    );
  });

  it('spreads a thousand certificates over the window', () => {
    const all = Array.from({ length: 1000 }, (_, i) => suggestedTime(window, `${arn}${i}`, noon, noon) ?? 0);
    const quarters = [0, 1, 2, 3].map(
      (q) => all.filter((at) => Math.floor((at - window.start) / (day / 2)) === q).length,
    );
    for (const n of quarters) expect(n).toBeGreaterThan(180);
  });

  it.each<[string, number, number]>([
    ['a second before the chosen time', chosen - second, chosen],
    ['at the chosen time: now', chosen, chosen],
    ['a second after it: now', chosen + second, chosen + second],
    ['long after it: now', chosen + 9 * day + 400, chosen + 9 * day],
  ])('%s', (_, now, expected) => {
    expect(suggestedTime(window, arn, validity.notBefore, now)).toBe(expected);
  });

  it.each<[string, number | undefined, 'noted' | 'now']>([
    ['nothing was noted', undefined, 'now'],
    ['an earlier time was noted, as the renewal keeps failing', noon - day, 'noted'],
    ['this moment was noted', noon, 'noted'],
    ['a later time was noted, and the CA has moved its window', noon + day, 'now'],
    ['what was noted is about the certificate before', validity.notBefore, 'now'],
  ])('for a window in the past, if %s', (_, noted, expected) => {
    const past = { start: noon - 3 * day, end: noon - 2 * day };
    expect(suggestedTime(past, arn, validity.notBefore, noon, noted)).toBe(expected === 'now' ? noon : noted);
  });

  it.each([
    ['ends at its start', { start: noon + day, end: noon + day }],
    ['ends before it', { start: noon + day, end: noon }],
    ['has no times', { start: Number.NaN, end: Number.NaN }],
  ])('is none for a window that %s', (_, odd) => {
    expect(suggestedTime(odd, arn, validity.notBefore, noon)).toBeUndefined();
  });
});

interface Row {
  readonly name: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly suggested: number;
  /** When it is due, and by what. */
  readonly due: number;
  readonly code: 'Suggested' | 'Expiring' | 'PeriodElapsed';
}

const timeBy = (settings: Readonly<Record<string, string>>) =>
  renewalTime(validity, resolveSettings(undefined, readTagSettings(new Map(Object.entries(settings))), internal), arn);
const window = { [tags.expiresIn]: '240h' };
const period = { [tags.rekeyPeriod]: '1000h' };
const tooLong = { [tags.expiresIn]: '9000h' };
const [byWindow, byPeriod] = [timeBy(window).renewAt, timeBy(period).renewAt];
/** The last whole second before a time: a tag holds no fraction. */
const before = (instant: number) => Math.ceil(instant / second) * second - second;
const after = (instant: number) => Math.floor(instant / second) * second + second;

const rows: Row[] = [
  { name: 'earlier than the default', suggested: noon - 10 * day, due: noon - 10 * day, code: 'Suggested' },
  { name: 'later than the default', suggested: noon + 10 * day, due: noon + 10 * day, code: 'Suggested' },
  {
    name: 'a second before the end',
    suggested: validity.end - second,
    due: validity.end - second,
    code: 'Suggested',
  },
  { name: 'at the end', suggested: validity.end, due: byDefault, code: 'Expiring' },
  { name: 'after the end', suggested: validity.end + day, due: byDefault, code: 'Expiring' },
  {
    name: 'a second after notBefore',
    suggested: validity.notBefore + second,
    due: validity.notBefore + second,
    code: 'Suggested',
  },
  { name: 'at notBefore', suggested: validity.notBefore, due: byDefault, code: 'Expiring' },
  {
    name: 'before a window',
    settings: window,
    suggested: before(byWindow),
    due: before(byWindow),
    code: 'Suggested',
  },
  { name: 'after a window', settings: window, suggested: after(byWindow), due: byWindow, code: 'Expiring' },
  {
    name: 'before a period',
    settings: period,
    suggested: before(byPeriod),
    due: before(byPeriod),
    code: 'Suggested',
  },
  { name: 'after a period', settings: period, suggested: after(byPeriod), due: byPeriod, code: 'PeriodElapsed' },
  {
    name: 'after a third, which applies instead of a window that is too long',
    settings: tooLong,
    suggested: noon + 10 * day,
    due: timeBy(tooLong).renewAt,
    code: 'Expiring',
  },
];

describe.each(rows)('a suggested time $name', ({ settings: tagged = {}, suggested, due, code }) => {
  const secret = secretWith({
    ...statusTags(validity.notBefore, validity.end),
    ...tagged,
    [tags.renewAt]: formatInstant(suggested),
  });
  const settings = resolveSettings(undefined, readTagSettings(secret.tags), internal);

  const worker = (now: number, step = 0) =>
    checkDue({
      ...{ profile: internal, settings, validity, endsWith: 'leaf', versionId: 'v1', versionCreatedAt: 0 },
      ...{ time: renewalTime(validity, settings, arn, suggested), origin: 'schedule', windowAsked: false },
      ...{ isAsDeclared: true, force: false, now, step },
    }).code;
  /** The scan, the plan, the page and `status` judge by the same function. */
  const byTags = (now: number, step = 0) => judge({ secret }, internal, { now, step, force: false });

  // The default's time has a fraction of a second: it is due at the next whole one.
  const from = Math.ceil(due / second) * second;
  const notDue = expect.stringMatching(/^(?:NotDue|Unknown)$/); // Unknown: the day's inspection

  it('is due to the second: for the worker and for the scan', () => {
    expect(worker(from - second)).toBe('NotDue');
    expect(worker(from)).toBe(code);
    expect(byTags(from - second).decision.code).toEqual(notDue);
    expect(byTags(from).decision.code).toBe(code);
  });

  it('is due one step earlier if the next scan comes too late', () => {
    expect(worker(from - hour - second, hour)).toBe('NotDue');
    expect(worker(from - hour, hour)).toBe(code);
    expect(byTags(from - hour - second, hour).decision.code).toEqual(notDue);
    expect(byTags(from - hour, hour).decision.code).toBe(code);
  });

  it('is the same for all', () => {
    expect(byTags(noon).time).toEqual(renewalTime(validity, settings, arn, suggested));
    expect(byTags(noon).time?.renewAt).toBe(due);
  });
});

describe('a suggested time', () => {
  const early = noon - 10 * day;
  const time = renewalTime(validity, { timingSource: 'default' }, arn, early);

  it('is overdue a fifth of the default window later', () => {
    expect(time).toEqual({ renewAt: early, window: third, dueCode: 'Suggested', warnings: [] });
    expect(isOverdue(time, early + third / 5 - second)).toBe(false);
    expect(isOverdue(time, early + third / 5)).toBe(true);
    const secret = secretWith({
      ...statusTags(validity.notBefore, validity.end),
      [tags.renewAt]: formatInstant(early),
    });
    const overdue = (now: number) => judge({ secret }, internal, { now, step: 0, force: false }).overdue;
    expect([overdue(early + third / 5 - second), overdue(early + third / 5)]).toEqual([false, true]);
  });

  it('keeps the warning of a window that is too long', () => {
    const settings = resolveSettings(undefined, readTagSettings(new Map(Object.entries(tooLong))), internal);
    const clamped = renewalTime(validity, settings, arn, early);
    expect(clamped).toMatchObject({ dueCode: 'Suggested', warnings: [{ code: 'WindowClamped' }] });
  });

  const asked = (more: object, now: number): string => {
    const request: OnDemandRequest = parseOnDemandRequest({ secretId: 's', ...more });
    const settings = resolveSettings(request, { paused: false }, internal);
    return checkDue({
      ...{ profile: internal, settings, validity, endsWith: 'leaf', versionId: 'v1', versionCreatedAt: 0 },
      ...{ time: renewalTime(validity, settings, arn, early), origin: 'request', isAsDeclared: true },
      ...{ windowAsked: request.timing !== undefined, force: request.force, now, step: 0 },
    }).code;
  };

  it.each([
    ['with a window ignores it', { expiresIn: '240h' }, 'NotDue'],
    ['with a period ignores it', { rekeyPeriod: '2000h' }, 'NotDue'],
    ['without a window acts at once, as ever', {}, 'Requested'],
    ['with force acts at once', { force: true }, 'Forced'],
  ])('a request %s', (_, more, code) => expect(asked(more, noon)).toBe(code));

  it('has a message with its time', () => {
    const settings = resolveSettings(undefined, { paused: false }, internal);
    const decision = checkDue({
      ...{ profile: internal, settings, validity, endsWith: 'chain', versionId: 'v1', versionCreatedAt: 0 },
      ...{ time, origin: 'schedule', windowAsked: false, isAsDeclared: true, force: false, now: early, step: 0 },
    });
    expect(decision).toEqual({
      action: 'rekey',
      code: 'Suggested',
      message: 'The CA suggests to renew it at 2026-11-12T12:00:00Z.',
    });
  });

  it('does not count for an expired certificate', () => {
    const secret = secretWith({
      ...statusTags(validity.notBefore, validity.end),
      [tags.renewAt]: formatInstant(early),
    });
    const at = (now: number) => judge({ secret }, internal, { now, step: 0, force: false }).decision.code;
    expect([at(validity.end - second), at(validity.end)]).toEqual(['Suggested', 'Expired']);
  });
});

describe('the tag renew-at', () => {
  const known = statusTags(validity.notBefore, validity.end);
  const read = (more: Record<string, string>) => readStatus(secretWith({ ...known, ...more }), noon);
  const at = '2026-11-20T12:00:00Z';

  it.each<[string, Record<string, string>, object]>([
    ['a time', { [tags.renewAt]: at }, { known: true, suggested: Date.parse(at) }],
    ['of another version', { [tags.renewAt]: at, [tags.versionId]: 'v0' }, { known: false }],
  ])('%s', (_, more, expected) => expect(read(more)).toMatchObject(expected));

  it.each(['', 'soon', '2026-11-20', '2026-11-20T12:00:00.5Z', '2026-11-20T12:00:00+01:00', '2026-02-30T12:00:00Z'])(
    'is ignored if it is no time: %j',
    (text) => expect(read({ [tags.renewAt]: text })).not.toHaveProperty('suggested'),
  );

  it('is absent for most', () => expect(read({})).not.toHaveProperty('suggested'));
});
