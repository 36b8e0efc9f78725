/**
 * Returns `make` with a cache of its results for the `most` most recently used byte strings. Errors are not cached. The cache key
 * is a copy of the bytes, so a later change of the array has no effect.
 */
export function keptByBytes<Value>(most: number, make: (bytes: Uint8Array) => Value): (bytes: Uint8Array) => Value {
  const kept = new Map<string, Value>(); // least recently used first
  return (bytes) => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = kept.get(key);
    const value = known === undefined ? make(bytes) : known;
    kept.delete(key);
    kept.set(key, value);
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) kept.delete(oldest);
    return value;
  };
}
