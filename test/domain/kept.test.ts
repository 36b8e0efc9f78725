import { describe, expect, test, vi } from 'vitest';
import { keptByBytes } from '../../lambdas/domain/kept.ts';

const bytes = (...octets: number[]) => new Uint8Array(octets);

describe('a value that is kept by bytes', () => {
  test('is made once for equal bytes in any buffer', () => {
    const make = vi.fn((given: Uint8Array) => ({ sum: given.reduce((all, each) => all + each, 0) }));
    const get = keptByBytes(2, make);
    const first = get(bytes(1, 200));
    expect(get(bytes(9, 1, 200).subarray(1))).toBe(first);
    expect(first).toEqual({ sum: 201 });
    expect(make).toHaveBeenCalledTimes(1);
  });

  test('is another for other bytes, also of the same length or start', () => {
    const get = keptByBytes(3, (given) => [...given]);
    expect([get(bytes(1, 2)), get(bytes(1)), get(bytes(2, 1))]).toEqual([[1, 2], [1], [2, 1]]);
  });

  test('is dropped if it was used longest ago', () => {
    const make = vi.fn((given: Uint8Array) => given[0]);
    const get = keptByBytes(2, make);
    for (const octet of [1, 2, 1, 3, 1]) get(bytes(octet)); // 3 drives 2 out, because 1 was used since
    expect(make).toHaveBeenCalledTimes(3);
    get(bytes(2));
    expect(make).toHaveBeenCalledTimes(4);
  });

  test('is made for a copy of the bytes', () => {
    const get = keptByBytes(2, (given) => given[0]);
    const changing = bytes(1);
    expect(get(changing)).toBe(1);
    changing[0] = 2;
    expect(get(changing)).toBe(2);
    expect(get(bytes(1))).toBe(1);
  });

  test('is not kept if the maker throws', () => {
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
