import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWindow } from '../../lambdas/domain/duration.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import {
  belowSchedule,
  foreseeableWarnings,
  isEmergency,
  isOverdue,
  jitterFraction,
  renewalTime,
} from '../../lambdas/policy/renewal-time.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { arn, hour, noon } from './scenes.ts';

const day = { notBefore: noon, end: noon + 24 * hour };
const window = (text: string) => ({ kind: 'expiresIn', window: parseWindow(text, 'w', 'InvalidTag') }) as const;
const period = (milliseconds: number) => ({ kind: 'rekeyPeriod', milliseconds, text: `${milliseconds}ms` }) as const;
const fraction = jitterFraction(arn, noon);

describe('foreseeableWarnings', () => {
  it.each([
    ['no window', undefined, []],
    ['a window of an hour', window('1h'), []],
    ['a window below an hour', window('59m'), ['WindowBelowSchedule']],
    ['a period', period(1000), []],
    ['95%', window('95%'), []],
    ['96%', window('96%'), ['WindowClamped']],
    ['99pct', window('99pct'), ['WindowClamped']],
  ])('%s', (_, timing, codes) => {
    const warnings = foreseeableWarnings({ ...(timing && { timing }) }, hour);
    expect(warnings.map(({ code }) => code)).toEqual(codes);
  });

  it('never miss a percentage that is clamped', () => {
    const timed = fc.tuple(fc.integer({ min: 1, max: 999 }), fc.string());
    fc.assert(
      fc.property(timed, ([tenths, secretArn]) => {
        const settings = { timing: window(`${tenths / 10}%`), timingSource: 'tag' } as const;
        const isClamped = renewalTime(day, settings, secretArn).warnings.length > 0;
        expect(isClamped && foreseeableWarnings(settings, 0).length === 0).toBe(false);
      }),
    );
  });
});

describe('renewalTime', () => {
  /** Computed by hand: the latest time to act, and the largest jitter before it. */
  it.each([
    ['a third of the validity by default', undefined, 16, 8 / 20],
    ['8h', window('8h'), 16, 8 / 20],
    ['8h30m', window('8h30m'), 15.5, 8.5 / 20],
    ['25%', window('25%'), 18, 6 / 20],
    ['50pct', window('50pct'), 12, 12 / 20],
    ['a period of 16h', period(16 * hour), 16, 16 / 20],
  ])('%s', (_, timing, latestHours, jitterHours) => {
    const time = renewalTime(day, { ...(timing && { timing }), timingSource: timing ? 'tag' : 'default' }, arn);
    expect(time.renewAt).toBeCloseTo(noon + latestHours * hour - fraction * jitterHours * hour, 3);
    expect(time.warnings).toEqual([]);
  });

  it('has a jitter that depends on the certificate, in [0, a twentieth), and never later', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 1, max: 90 }),
        (name, notBefore, percent) => {
          const validity = { notBefore, end: notBefore + 100 * hour };
          const settings = { timing: window(`${percent}%`), timingSource: 'tag' } as const;
          const { renewAt } = renewalTime(validity, settings, name);
          const latest = validity.end - percent * hour;
          expect(renewAt).toBeLessThanOrEqual(latest);
          expect(renewAt).toBeGreaterThan(latest - (percent * hour) / 20);
          expect(renewalTime(validity, settings, name).renewAt).toBe(renewAt);
        },
      ),
    );
  });

  it('spreads a thousand certificates over the jitter', () => {
    const all = Array.from({ length: 1000 }, (_, i) => jitterFraction(`${arn}${i}`, noon));
    const quarters = [0, 1, 2, 3].map((q) => all.filter((f) => Math.floor(f * 4) === q).length);
    for (const n of quarters) expect(n).toBeGreaterThan(180);
  });

  it.each([
    ['a window that is the validity', window('24h')],
    ['a window above it', window('48h')],
    ['a window that its jitter makes the validity', window('23h59m59s')],
    ['a period that is the validity', period(24 * hour)],
    ['a period above it', period(25 * hour)],
  ])('%s, in a tag or a profile: a third applies, with a warning', (_, timing) => {
    for (const timingSource of ['tag', 'profile'] as const) {
      const time = renewalTime(day, { timing, timingSource }, arn);
      expect(time.warnings.map(({ code }) => code)).toEqual(['WindowClamped']);
      expect(time.window).toBe(8 * hour);
      expect(time.renewAt).toBeGreaterThan(noon + 15 * hour);
    }
  });

  it.each([
    ['a window that is the validity', window('24h'), true],
    ['a window just below it, the jitter not counted', window('23h59m59s'), false],
    ['a percentage', window('99.9%'), false],
    ['a period that is the validity', period(24 * hour), true],
    ['a period just below it', period(24 * hour - 1000), false],
  ])('%s, in a request: refused or not', (_, timing, refused) => {
    const read = () => renewalTime(day, { timing, timingSource: 'request' }, arn);
    if (refused) expect(read).toThrowError(expect.objectContaining({ code: 'InvalidRequest' }));
    else expect(read().warnings).toEqual([]);
  });
});

describe('isOverdue', () => {
  it('begins a fifth of the window after the renewal time', () => {
    const time = renewalTime(day, { timing: window('5h'), timingSource: 'tag' }, arn);
    expect(isOverdue(time, time.renewAt + hour - 1)).toBe(false);
    expect(isOverdue(time, time.renewAt + hour)).toBe(true);
  });
});

describe('isEmergency', () => {
  it.each([
    ['a second before the last twentieth', 24 * hour * 0.95 - 1000, false],
    ['at its start', 24 * hour * 0.95, true],
    ['a second before the end', 24 * hour - 1000, true],
    ['at the end', 24 * hour, false],
  ])('%s', (_, since, expected) => expect(isEmergency(day, noon + since)).toBe(expected));
});

describe('windows that do not fit', () => {
  const timing = (texts: object, timingSource: 'tag' | 'request') => {
    const read = readTagSettings(new Map(Object.entries(texts)));
    return { ...(read.timing && { timing: read.timing }), timingSource };
  };
  it.each([
    [{ [tags.expiresIn]: '24h' }, 'window 24h'],
    [{ [tags.expiresIn]: '23h59m' }, 'window 23h59m, with its jitter,'],
    [{ [tags.rekeyPeriod]: '24h' }, 'rekey period 24h'],
  ])('%o in a tag: a third, and a warning', (texts, name) => {
    const { warnings, window } = renewalTime(day, timing(texts, 'tag'), arn);
    expect(window).toBe(8 * hour);
    expect(warnings).toEqual([
      {
        code: 'WindowClamped',
        message: `The ${name} is not less than the validity of 24h, so a third of the validity (8h) applies instead. Set a shorter one, or configure a longer validity at the CA.`,
      },
    ]);
  });
  it.each([
    [{ [tags.expiresIn]: '24h' }, '$.expiresIn'],
    [{ [tags.rekeyPeriod]: '24h' }, '$.rekeyPeriod'],
  ])('%o in a request: refused', (texts, field) => {
    expect(() => renewalTime(day, timing(texts, 'request'), arn)).toThrowError(
      expect.objectContaining({
        code: 'InvalidRequest',
        concerns: 'request',
        message: `${field} is 24h, but the certificate is valid for 24h: expected less than its validity.`,
      }),
    );
  });
  it('shorter than the schedule’s step: a warning, but not for a period', () => {
    const short = { ...renewalTime(day, { timingSource: 'default' }, arn), window: hour };
    expect(belowSchedule(short, 2 * hour)).toEqual({
      code: 'WindowBelowSchedule',
      message:
        'The window of 1h is shorter than the longest time between two scans (2h): scan more often, or set a longer window.',
    });
    expect(belowSchedule(short, hour)).toBeUndefined();
    expect(belowSchedule({ ...short, dueCode: 'PeriodElapsed' }, 2 * hour)).toBeUndefined();
  });
});
