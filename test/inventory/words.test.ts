import { describe, expect, it } from 'vitest';
import { span } from '../../lambdas/inventory/words.ts';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('a time span', () => {
  it.each([
    [-5, '0s'],
    [999, '0s'],
    [second, '1s'],
    [minute + 5 * second, '1m 5s'],
    [hour, '1h'],
    [hour + 59 * second, '1h'],
    [3 * day + 4 * hour, '3d 4h'],
    [122 * day + 26 * minute, '122d'], // not 122d 26m
  ])('of %i ms is %s', (milliseconds, text) => {
    expect(span(milliseconds)).toBe(text);
  });
});
