/** Writes DER (X.690) for tests. Each function returns one whole element. It uses no code under test. */
import type { Instant } from '../../lambdas/domain/instant.ts';

export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = body.length < 128 ? [body.length] : [0x80 | size.length, ...size];
  return new Uint8Array(Buffer.concat([Uint8Array.from([tag, ...length]), body]));
}

export const sequence = (...contents: readonly Uint8Array[]): Uint8Array => der(0x30, ...contents);
export const utf8 = (text: string, tag = 0x0c): Uint8Array => der(tag, Buffer.from(text, 'utf8'));
export const octets = (bytes: Uint8Array): Uint8Array => der(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0): Uint8Array => der(0x03, Uint8Array.of(unused), bytes);
export const yes = der(0x01, Uint8Array.of(0xff));

/** DER sorts the elements of a SET OF (X.690 section 11.6). */
export const setOf = (...elements: readonly Uint8Array[]): Uint8Array =>
  der(0x31, ...[...elements].sort((a, b) => Buffer.compare(a, b)));

/** Returns a BIT STRING of named bits (bit 0 is the first), without trailing zeros (X.690 section 11.2.2). */
export function namedBits(set: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...set);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of set) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bits(bytes, last < 0 ? 0 : 7 - (last & 7));
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift(0x80 | (left % 128));
    return septets;
  });
  return der(0x06, Uint8Array.from(bytes));
}

/** Returns a non-negative INTEGER from its octets. Leading zeros are dropped. */
export function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const magnitude = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  return der(0x02, (magnitude[0] ?? 0) & 0x80 ? Uint8Array.of(0) : new Uint8Array(), magnitude);
}

/** UTCTime to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
export function time(instant: Instant): Uint8Array {
  const digits = new Date(instant).toISOString().slice(0, 19).replace(/[-:T]/g, '');
  return digits < '2050' ? utf8(`${digits.slice(2)}Z`, 0x17) : utf8(`${digits}Z`, 0x18);
}
