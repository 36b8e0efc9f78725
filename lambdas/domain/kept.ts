/**
 * `make`, which is asked again and again for the same bytes: what it made for the last `most` of them is kept. What it
 * throws is not. The key is a copy of the bytes as they are now, so that a later change of them changes nothing here.
 */
export function keptByBytes<Value>(most: number, make: (bytes: Uint8Array) => Value): (bytes: Uint8Array) => Value {
  const kept = new Map<string, Value>(); // the one that was asked for longest ago is the first
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
