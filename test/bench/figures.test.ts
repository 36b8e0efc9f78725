import { describe, expect, it } from 'vitest';
import {
  alternatives,
  dollarsPerMillion,
  dueToRenewed,
  kinds,
  type Measured,
  month,
  renewalsOfMonth,
  sum,
} from '../../bench/model.ts';
import { best, median, ratios, Samples } from '../../bench/samples.ts';
import { figure, isMet, markdown, ratioRow, short } from '../../bench/table.ts';

describe('figures of the benchmark', () => {
  it.each([
    { series: [3, 1, 2], expected: 2 },
    { series: [4, 1, 2, 3], expected: 2.5 },
    { series: [10, 2], expected: 6 },
  ])('median of $series', ({ series, expected }) => expect(median(series)).toBe(expected));

  it('are compared round by round', () => {
    expect(ratios([1, 9], [2, 3])).toEqual([0.5, 3]);
    const [one, two] = [
      [1, 9],
      [2, 3],
    ];
    expect(best([one ?? [], two ?? []], Math.max)).toEqual([2, 9]);
  });

  it('that were not measured are an error', () => {
    expect(() => new Samples().of('rekey cpu')).toThrow('"rekey cpu"');
  });

  it.each([
    { value: 1234.5, expected: '1,235' },
    { value: 0.123456, expected: '0.123' },
    { value: 12.34, expected: '12.3' },
    { value: 5, expected: '5' },
  ])('$value is written $expected', ({ value, expected }) => expect(short(value)).toBe(expected));

  it('have a spread', () => {
    expect(figure([1, 3, 2], 'ms')).toBe('2 ms (1–3)');
    expect(figure([2, 2], '')).toBe('2');
  });

  it.each([
    { reach: { atMost: 0.5 }, met: true },
    { reach: { atMost: 0.4 }, met: false },
    { reach: { atLeast: 0.5 }, met: true },
    { reach: { atLeast: 0.6 }, met: false },
    { reach: undefined, met: undefined },
  ])('a median of 0.5 and a reach of $reach: $met', ({ reach, met }) => {
    const row = ratioRow('x', { ours: [1, 5, 1], theirs: [2, 1, 2], unit: 'ms' }, reach);
    expect(isMet(row)).toBe(met);
    expect(markdown([row])).toContain('| x | **0.5 × (0.5–5)** | 1 ms (1–5) | 2 ms (1–2) |');
  });
});

describe('what a month costs, and how long a certificate waits', () => {
  const measured: Measured = { callsPerRenewal: 6, batch: 400, firstBatch: 800, scan: 8, listed: 10_000 };
  const [long = { name: '', days: 0 }, short = long] = kinds;

  it('a million renewals are a hundred thousand batches', () => {
    expect(dollarsPerMillion(1024, 400)).toBeCloseTo(100_000 * 0.4 * 0.0000133334, 6);
    expect(dollarsPerMillion(512, 800)).toBeCloseTo(dollarsPerMillion(1024, 400), 6);
  });

  it('a certificate is renewed at two thirds of its validity', () => {
    expect(renewalsOfMonth({ name: 'x', days: 1 })).toBeCloseTo(730 / 16, 6);
    expect(renewalsOfMonth(long)).toBeLessThan(1);
  });

  it('each call is paid for, also those of the hourly scans and of the idle queue', () => {
    const items = month(measured, 10_000, short);
    const renewals = (10_000 * 730) / 16;
    expect(items['renewals: Secrets Manager and EventBridge']).toBeCloseTo(renewals * (5 * 5e-6 + 1e-6), 4);
    expect(items['hourly scans: Secrets Manager']).toBeCloseTo(730 * 100 * 5e-6, 6);
    expect(items['queue, including idle polls']).toBeGreaterThan(0.25);
    expect(sum({ one: 1.5, other: 2.25 })).toBe(3.75);
    // Twice as many secrets need twice the time and the calls of a scan. The idle queue costs the same.
    const twice = month(measured, 20_000, short);
    expect(twice['hourly scans: Secrets Manager']).toBeCloseTo(2 * (items['hourly scans: Secrets Manager'] ?? 0), 6);
    expect(sum(twice)).toBeLessThan(2 * sum(items));
  });

  it('has no price for a validity that is not sold; tiers are paid one after another', () => {
    const prices = (kind: typeof long, count = 10_000) => alternatives(count, kind).map(([, price]) => price);
    expect(prices(short).map((price) => price === undefined)).toEqual([false, true, false, false]);
    expect(prices(long).map((price) => price === undefined)).toEqual([false, false, false, true]);
    const [sidecar = 0] = prices(long, 1);
    expect(sidecar).toBeCloseTo(730 * (0.25 * 0.04048 + 0.5 * 0.004445), 6);
    const issued = (730 / 16) * 10_000;
    expect(prices(short)[2]).toBeCloseTo(400 + 750 + 9_000 * 0.35 + (issued - 10_000) * 0.001, 4);
  });

  it('is renewed by the scan before its time, and one that is found due waits for the next scan', () => {
    const { work, comes, found } = dueToRenewed(measured);
    expect(work).toEqual({ mean: 4 + 0.8, longest: 8 + 0.8 });
    expect(comes).toEqual({ mean: work.mean - 1_800, longest: work.longest });
    expect(found).toEqual({ mean: work.mean + 1_800, longest: work.longest + 3_600 });
  });
});
