import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  parseDuration,
  parseGoDuration,
  parseWindow,
  unitHint,
  windowLength,
} from '../../lambdas/domain/duration.ts';
import { cpuTime } from '../support/cpu-time.ts';

interface Vector {
  readonly text: string;
  readonly nanoseconds: string | null;
}
const vectors: Vector[] = JSON.parse(readFileSync(new URL('../golden/domain/durations.json', import.meta.url), 'utf8'));
const hour = 3_600_000;

describe('parseGoDuration', () => {
  it.each(vectors)('agrees with Go on $text', ({ text, nanoseconds }) => {
    expect(parseGoDuration(text)?.toString() ?? null).toBe(nanoseconds);
  });

  it('is quick for a long text', () => {
    const started = cpuTime();
    expect(parseGoDuration('1'.repeat(100_000))).toBeUndefined();
    expect(parseGoDuration(`${'1h'.repeat(100)}x`)).toBeUndefined();
    expect(cpuTime() - started).toBeLessThan(100);
  });

  it('adds up its terms', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), (h, m, s) => {
        expect(parseGoDuration(`${h}h${m}m${s}s`)).toBe(BigInt(h * 3600 + m * 60 + s) * 1_000_000_000n);
      }),
    );
  });
});

describe('parseDuration', () => {
  it.each([
    ['8h30m', 8.5 * hour],
    ['1.5h', 1.5 * hour],
    ['300ms', 300],
    ['+1s', 1000],
    ['1ns', 1e-6],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text, 'expiresIn', 'InvalidRequest')).toBe(milliseconds);
  });

  it.each(['0', '0s', '-1h', '', 'soon', '33%', '1d', '<script>'])(
    'refuses %j, with the text and what is allowed',
    (text) => {
      expect(() => parseDuration(text, '$.rekeyPeriod', 'InvalidTag')).toThrowError(
        expect.objectContaining({
          code: 'InvalidTag',
          message: expect.stringMatching(/^\$\.rekeyPeriod is ".*": expected a duration above zero/),
        }),
      );
    },
  );
});

describe('a text in days, weeks or years', () => {
  it.each([
    ['30d', 'd', '720h'],
    ['30 days', 'd', '720h'],
    ['1d12h', 'd', '36h'],
    ['0.5d', 'd', '12h'],
    ['2w', 'w', '336h'],
    ['10y', 'y', '87600h'],
    ['1Y', 'Y', '8760h'],
  ])('%s: the message has the duration to write', (text, unit, duration) => {
    const hint = new RegExp(`; ${unit} is not a unit, write ${duration}`);
    expect(() => parseDuration(text, 'w', 'InvalidTag')).toThrow(hint);
    expect(() => parseWindow(text, 'w', 'InvalidTag')).toThrow(hint);
    expect(parseGoDuration(duration)).toBeDefined();
  });

  it.each(['soon', '30', '-30d', '0d', '30x', 'd', '99999999d', '30d30d'])('%s: no hint', (text) => {
    expect(unitHint(text)).toBe('');
  });
});

describe('parseWindow', () => {
  it.each([
    ['8h', 24 * hour, 8 * hour],
    ['33%', 100 * hour, 33 * hour],
    ['33pct', 100 * hour, 33 * hour],
    ['0.5%', 100 * hour, 0.5 * hour],
    ['99.9%', 100 * hour, 99.9 * hour],
  ])('%s of %d ms is %d ms', (text, validity, length) => {
    expect(windowLength(parseWindow(text, 'w', 'InvalidTag'), validity)).toBeCloseTo(length, 6);
  });

  it.each(['0%', '100%', '100pct', '101%', '-5%', '%', '5 %', '5%%', '0h', '-8h', '1e1%', '999999999999%'])(
    'refuses %s',
    (text) => {
      expect(() => parseWindow(text, 'w', 'InvalidTag')).toThrowError(expect.objectContaining({ code: 'InvalidTag' }));
    },
  );

  it('does not repeat a long input', () => {
    expect(() => parseWindow('x'.repeat(10_000), 'w', 'InvalidTag')).toThrowError(
      expect.objectContaining({ message: expect.not.stringContaining('x'.repeat(100)) }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [8 * hour, '8h'],
    [8.5 * hour, '8h30m'],
    [90_000, '1m30s'],
    [0, '0s'],
    [300, '300ms'],
    [-90_000, '-1m30s'],
  ])('%d is %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));
});
