/**
 * Packs values into groups, in their order. The sizes of one group add up to at most `most`. A larger value gets a group of its own.
 */
export function packed<Value>(
  values: readonly Value[],
  sizeOf: (value: Value) => number,
  most: number,
): readonly Value[][] {
  const groups: Value[][] = [];
  let left = 0;
  for (const value of values) {
    const size = sizeOf(value);
    if (groups.length === 0 || size > left) {
      groups.push([]);
      left = most;
    }
    groups.at(-1)?.push(value);
    left -= size;
  }
  return groups;
}
