/** Whether two arrays hold the same octets. Not for secrets: the sooner they differ, the less time it takes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
