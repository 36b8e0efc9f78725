/**
 * Makes `toEqual` compare bytes as such: by itself it walks through them one by one as through any iterable, which is most of
 * the time of a test with large values. The verdict is the same, so that it is no harm to the files that share a process with
 * the one that imports it.
 */
import { expect } from 'vitest';

expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined => {
    if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return undefined;
    return a.constructor === b.constructor && Buffer.compare(a, b) === 0;
  },
]);
