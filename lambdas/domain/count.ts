/** `1 entry`, `2 entries`: how many of what, as it is said. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
