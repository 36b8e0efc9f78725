/** Returns whether two arrays hold the same octets. Not in constant time, so not for secrets. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
