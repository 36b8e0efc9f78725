/**
 * Values in their order, as many together as fit into `most` by their sizes. One that is larger by itself is alone. None for no
 * values.
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
