import { describe, expect, test, vi } from 'vitest';
import { keptByBytes } from '../../lambdas/domain/kept.ts';

const bytes = (...octets: number[]) => new Uint8Array(octets);

describe('what is kept by bytes', () => {
  test('is made once for the same bytes, wherever they are', () => {
    const make = vi.fn((given: Uint8Array) => ({ sum: given.reduce((all, each) => all + each, 0) }));
    const get = keptByBytes(2, make);
    const first = get(bytes(1, 200));
    expect(get(bytes(9, 1, 200).subarray(1))).toBe(first);
    expect(first).toEqual({ sum: 201 });
    expect(make).toHaveBeenCalledTimes(1);
  });

  test('is another for other bytes, of the same length or part', () => {
    const get = keptByBytes(3, (given) => [...given]);
    expect([get(bytes(1, 2)), get(bytes(1)), get(bytes(2, 1))]).toEqual([[1, 2], [1], [2, 1]]);
  });

  test('goes when it was asked for longest ago', () => {
    const make = vi.fn((given: Uint8Array) => given[0]);
    const get = keptByBytes(2, make);
    for (const octet of [1, 2, 1, 3, 1]) get(bytes(octet)); // 3 drives 2 out, as 1 was asked for since
    expect(make).toHaveBeenCalledTimes(3);
    get(bytes(2));
    expect(make).toHaveBeenCalledTimes(4);
  });

  test('is made for the bytes as they were', () => {
    const get = keptByBytes(2, (given) => given[0]);
    const changing = bytes(1);
    expect(get(changing)).toBe(1);
    changing[0] = 2;
    expect(get(changing)).toBe(2);
    expect(get(bytes(1))).toBe(1);
  });

  test('is not what was thrown', () => {
    let tries = 0;
    const get = keptByBytes(2, () => {
      tries += 1;
      if (tries === 1) throw new Error('once');
      return tries;
    });
    expect(() => get(bytes(1))).toThrow('once');
    expect([get(bytes(1)), get(bytes(1))]).toEqual([2, 2]);
  });
});
