import { describe, expect, it } from 'vitest';
import { estimate, type Measured } from '../../bench/model.ts';
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

  it('that nobody measured are an error', () => {
    expect(() => new Samples().of('rekey cpu')).toThrow('"rekey cpu"');
  });

  it.each([
    { value: 1234.5, expected: '1,235' },
    { value: 0.123456, expected: '0.123' },
    { value: 12.34, expected: '12.3' },
    { value: 5, expected: '5' },
  ])('$value is written $expected', ({ value, expected }) => expect(short(value)).toBe(expected));

  it('say their spread', () => {
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

describe('the model of growth', () => {
  const measured: Measured = { cpu: { rekey: 8, renew: 4 }, callsPerRenewal: 5, scanCpu: 0.03 };
  const of = (count: number, latency: number) => estimate(measured, 'rekey', count, latency);

  it('grows with the certificates and with the latency', () => {
    expect(of(1_000, 500).seconds).toBeGreaterThan(of(1_000, 5).seconds);
    expect(of(10_000, 50).dollars).toBeGreaterThan(9 * of(1_000, 50).dollars);
  });

  it('is never faster than what Secrets Manager lets an account write', () => {
    expect(of(100_000, 5).seconds).toBeGreaterThanOrEqual((100_000 * 2) / 50);
  });

  it('pays for the waiting, where the workers wait for that', () => {
    const faster = { ...measured, cpu: { rekey: 0.001, renew: 0.001 } };
    const spared = of(100_000, 5).dollars - estimate(faster, 'rekey', 100_000, 5).dollars;
    expect(spared).toBeLessThan(of(100_000, 5).dollars / 1000); // the CPU counts for nothing beside it
  });
});
