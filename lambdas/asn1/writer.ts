/** Writes DER (ITU-T X.690). Each function returns one whole element. Import it as `write`, so that a call reads `write.sequence(…)`. */
import { formatInstant, type Instant } from '../domain/instant.ts';
import { contextTag, tags } from './tags.ts';

/** Returns an element with these consecutive contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const header = [tag, ...lengthOctets(length)];
  const whole = new Uint8Array(header.length + length);
  whole.set(header);
  let at = header.length;
  for (const part of contents) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Returns the length: the short form below 128, otherwise the shortest long form (X.690 section 10.1). */
function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return element(tags.sequence, ...elements);
}

/** Returns a SET OF. DER sorts its elements by their octets, in ascending order (X.690 section 11.6). */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
  return element(tags.set, ...[...elements].sort(Buffer.compare));
}

/** Returns `[number]`: EXPLICIT, or IMPLICIT of a constructed type if `contents` are that type's contents. */
export function context(number: number, ...contents: readonly Uint8Array[]): Uint8Array {
  return element(contextTag(number, true), ...contents);
}

/** Returns `[number]` IMPLICIT of a primitive type. */
export function contextPrimitive(number: number, contents: Uint8Array): Uint8Array {
  return element(contextTag(number, false), contents);
}

export function boolean(value: boolean): Uint8Array {
  return element(tags.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function nullValue(): Uint8Array {
  return element(tags.null);
}

/** Returns an INTEGER of any size and sign. */
export function integer(value: number | bigint): Uint8Array {
  const octets: number[] = [];
  let rest = BigInt(value);
  do {
    octets.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (rest !== 0n && rest !== -1n);
  const negative = rest === -1n;
  if ((octets[0] ?? 0) >= 0x80 !== negative) octets.unshift(negative ? 0xff : 0);
  return element(tags.integer, Uint8Array.from(octets));
}

/** Returns an INTEGER that is not negative, from its big-endian octets. Leading zeros are dropped. */
export function unsignedInteger(octets: Uint8Array): Uint8Array {
  let from = 0;
  while (octets[from] === 0) from++;
  const first = octets[from];
  if (first === undefined) return integer(0);
  const magnitude = octets.subarray(from);
  return first >= 0x80 ? element(tags.integer, Uint8Array.of(0), magnitude) : element(tags.integer, magnitude);
}

/** Returns a BIT STRING. `unused` is the number of low bits of the last octet that don't count; they must be 0. */
export function bitString(octets: Uint8Array, unused = 0): Uint8Array {
  return element(tags.bitString, Uint8Array.of(unused), octets);
}

export function octetString(octets: Uint8Array): Uint8Array {
  return element(tags.octetString, octets);
}

export function utf8String(text: string): Uint8Array {
  return element(tags.utf8String, new TextEncoder().encode(text));
}

/** Returns an OBJECT IDENTIFIER from dotted decimal. The arcs must be valid. */
export function oid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    return groups;
  });
  return element(tags.oid, Uint8Array.from(octets));
}

/** Returns a UTCTime from 1950 to 2049, otherwise a GeneralizedTime (RFC 5280 section 4.1.2.5). */
export function time(instant: Instant): Uint8Array {
  const digits = `${formatInstant(instant).replace(/[-:TZ]/g, '')}Z`;
  const year = Number(digits.slice(0, 4));
  const short = year >= 1950 && year < 2050;
  return element(short ? tags.utcTime : tags.generalizedTime, Buffer.from(short ? digits.slice(2) : digits, 'latin1'));
}
