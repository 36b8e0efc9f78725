/**
 * Makes `toEqual` compare bytes directly. By default it iterates over them one by one, which takes most of the time of a test
 * with large values. The result is the same, so other files in the same process are not affected.
 */
import { expect } from 'vitest';

expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined => {
    if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return undefined;
    return a.constructor === b.constructor && Buffer.compare(a, b) === 0;
  },
]);
