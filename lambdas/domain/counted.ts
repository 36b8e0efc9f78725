/** A number with its noun, for a message: `1 byte`, `2 bytes`, `0 private keys`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
