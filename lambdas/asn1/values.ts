/** Reads the values of elements. Every function throws MalformedError, also for an element of another type. */
import { type Element, expectTag, malformed } from './reader.ts';
import { tags } from './tags.ts';

/** Octets of an OID. No OID in use has half as many; the limit keeps the arithmetic for a hostile one small. */
const longestOid = 128;

/** Reads a BOOLEAN. DER has one encoding of TRUE (X.690 section 11.1). */
export function readBoolean(element: Element | undefined, what: string): boolean {
  const { value } = expectTag(element, tags.boolean, what);
  const [octet] = value;
  if (value.length !== 1 || (octet !== 0 && octet !== 0xff)) throw malformed(what, 'is not a DER BOOLEAN');
  return octet === 0xff;
}

/** Returns the two's complement octets of an INTEGER. They must be minimal (X.690 section 8.3.2). */
export function readInteger(element: Element | undefined, what: string): Uint8Array {
  const { value } = expectTag(element, tags.integer, what);
  const [first, second] = value;
  if (first === undefined) throw malformed(what, 'is an INTEGER without octets');
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed(what, 'is an INTEGER with superfluous octets');
  }
  return value;
}

/** Reads an INTEGER that is not negative and has at most `most` octets (up to six): with four, at most 2³¹ − 1. */
export function readSmallInteger(element: Element | undefined, what: string, most = 4): number {
  const octets = readInteger(element, what);
  if (octets.length > most || (octets[0] ?? 0) >= 0x80) throw malformed(what, 'is negative or too large');
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** Returns the octets of a BIT STRING and the number of unused bits in the last one. Unused bits must be 0 (X.690 section 11.2.1). */
export function readBitString(element: Element | undefined, what: string): { octets: Uint8Array; unused: number } {
  const { value } = expectTag(element, tags.bitString, what);
  const [unused] = value;
  const octets = value.subarray(1);
  if (unused === undefined || unused > 7 || (unused > 0 && octets.length === 0)) {
    throw malformed(what, 'is not a BIT STRING');
  }
  if (unused > 0 && ((octets.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) {
    throw malformed(what, 'is a BIT STRING with padding that is not 0');
  }
  return { octets, unused };
}

/** Reads an OBJECT IDENTIFIER in dotted decimal. */
export function readOid(element: Element | undefined, what: string): string {
  const { value: octets } = expectTag(element, tags.oid, what);
  const last = octets.at(-1);
  if (last === undefined || last >= 0x80 || octets.length > longestOid) throw malformed(what, 'is not an OID');
  let dotted = '';
  let arc: number | bigint = 0;
  let starts = true;
  for (const octet of octets) {
    if (starts && octet === 0x80) throw malformed(what, 'is an OID with superfluous octets');
    arc = appendSevenBits(arc, octet & 0x7f);
    starts = octet < 0x80;
    if (!starts) continue;
    dotted = dotted === '' ? firstTwoArcs(arc) : `${dotted}.${arc}`;
    arc = 0;
  }
  return dotted;
}

/** Appends seven bits to an arc. Arcs above 2⁵³ exist: those under 2.25 are UUIDs. */
function appendSevenBits(arc: number | bigint, bits: number): number | bigint {
  if (typeof arc === 'number' && arc < 2 ** 45) return arc * 128 + bits;
  return BigInt(arc) * 128n + BigInt(bits);
}

function firstTwoArcs(arc: number | bigint): string {
  const first = arc < 40 ? 0 : arc < 80 ? 1 : 2;
  return `${first}.${typeof arc === 'bigint' ? arc - 80n : arc - first * 40}`;
}
