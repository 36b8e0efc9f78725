/**
 * Reading DER (ITU-T X.690), strictly and only as deep as the caller walks: there is no recursion, every byte is looked
 * at once per level, and nothing is copied. It stands on the hot path in place of a general ASN.1 library, which costs
 * 10 to 25 times as much.
 */
import { RenewalError } from '../domain/errors.ts';

/** Identifier octets. X.509 uses no tag number above 30, so one octet is always enough. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of `[number]`: IMPLICIT of a primitive type, or EXPLICIT and IMPLICIT of a constructed one. */
export function contextTag(number: number, constructed: boolean): number {
  return (constructed ? 0xa0 : 0x80) | number;
}

/** One element: its identifier octet, its contents, and the whole of it. Both are views, not copies. */
export interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly bytes: Uint8Array;
}

/** No OID in use has half as many octets; the limit keeps the arithmetic of a hostile one small. */
const longestOid = 128;

/** `what` names a part of a certificate and is never a value from it. */
export function malformed(what: string, problem: string): RenewalError {
  return new RenewalError(
    'InvalidCertificate',
    `The certificate can't be read: ${what} ${problem}. Expected an X.509 certificate in DER (RFC 5280); replace it with the file that the CA issued.`,
  );
}

/** Walks the elements of one level, in order. Every method throws InvalidCertificate. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** `bytes`: elements one behind the other. `what` names them in messages. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next element, whatever it is. */
  any(): Element {
    const bytes = this.#bytes;
    const start = this.#at;
    const tag = bytes[start];
    const first = bytes[start + 1];
    if (tag === undefined || first === undefined) throw malformed(this.#what, 'is cut short');
    if ((tag & 0x1f) === 0x1f) throw malformed(this.#what, 'has a tag of several octets');
    let from = start + 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      length = this.#longLength(from, octets);
      from += octets;
    }
    const end = from + length;
    if (end > bytes.length) throw malformed(this.#what, 'is cut short');
    this.#at = end;
    return { tag, value: bytes.subarray(from, end), bytes: bytes.subarray(start, end) };
  }

  /** X.690 section 10.1: definite, in as few octets as will do. Four octets are more than any input here has. */
  #longLength(from: number, octets: number): number {
    if (octets === 0) throw malformed(this.#what, 'has an indefinite length');
    if (octets > 4) throw malformed(this.#what, 'has a length of more than four octets');
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (this.#bytes[from + i] ?? 0);
    if (length < 0x80 || length < 256 ** (octets - 1)) throw malformed(this.#what, 'has a length that is not minimal');
    return length;
  }

  /** The next element, which must have this tag. */
  take(tag: number, name: string = this.#what): Element {
    if (this.done) throw malformed(name, 'is missing');
    const element = this.any();
    if (element.tag !== tag) {
      throw malformed(name, `has tag 0x${hexByte(element.tag)} where 0x${hexByte(tag)} belongs`);
    }
    return element;
  }

  /** The next element if it has this tag, else undefined and nothing is passed over. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#at] === tag ? this.any() : undefined;
  }

  /** A reader of what is inside the next element, which must have this tag. */
  enter(tag: number, name: string = this.#what): DerReader {
    return new DerReader(this.take(tag, name).value, name);
  }

  /** To be called behind the last element. */
  end(): void {
    if (!this.done) throw malformed(this.#what, 'has bytes behind its end');
  }
}

/** `der` as exactly one element of this tag. */
export function single(der: Uint8Array, tag: number, what: string): Element {
  const reader = new DerReader(der, what);
  const element = reader.take(tag);
  reader.end();
  return element;
}

/** A reader of the fields of `der`, which must be exactly one SEQUENCE. */
export function sequenceOf(der: Uint8Array, what: string): DerReader {
  return new DerReader(single(der, tags.sequence, what).value, what);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** DER knows one TRUE (X.690 section 11.1). */
export function readBoolean(element: Element, what: string): boolean {
  const [octet] = element.value;
  if (element.value.length !== 1 || (octet !== 0 && octet !== 0xff)) throw malformed(what, 'is not a DER BOOLEAN');
  return octet === 0xff;
}

/** The two's complement octets of an INTEGER, checked to be minimal (X.690 section 8.3.2). */
export function readInteger(element: Element, what: string): Uint8Array {
  const [first, second] = element.value;
  if (first === undefined) throw malformed(what, 'is an INTEGER without octets');
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed(what, 'is an INTEGER with octets to spare');
  }
  return element.value;
}

/** An INTEGER from 0 to 2³¹ − 1. */
export function readSmallInteger(element: Element, what: string): number {
  const octets = readInteger(element, what);
  if (octets.length > 4 || (octets[0] ?? 0) >= 0x80) throw malformed(what, 'is negative or too large');
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** The octets of a BIT STRING and how many bits of the last one don't count. Those must be 0 (X.690 section 11.2.1). */
export function readBitString(element: Element, what: string): { octets: Uint8Array; unused: number } {
  const [unused] = element.value;
  const octets = element.value.subarray(1);
  if (unused === undefined || unused > 7 || (unused > 0 && octets.length === 0)) {
    throw malformed(what, 'is not a BIT STRING');
  }
  if (unused > 0 && ((octets.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) {
    throw malformed(what, 'is a BIT STRING with padding that is not 0');
  }
  return { octets, unused };
}

/** Dotted decimal. */
export function readOid(element: Element, what: string): string {
  const octets = element.value;
  const last = octets.at(-1);
  if (last === undefined || last >= 0x80 || octets.length > longestOid) throw malformed(what, 'is not an OID');
  let dotted = '';
  let arc: number | bigint = 0;
  let starts = true;
  for (const octet of octets) {
    if (starts && octet === 0x80) throw malformed(what, 'is an OID with octets to spare');
    arc = appendSevenBits(arc, octet & 0x7f);
    starts = octet < 0x80;
    if (!starts) continue;
    dotted = dotted === '' ? firstTwoArcs(arc) : `${dotted}.${arc}`;
    arc = 0;
  }
  return dotted;
}

/** Arcs beyond 2⁵³ exist: those under 2.25 are UUIDs. */
function appendSevenBits(arc: number | bigint, bits: number): number | bigint {
  if (typeof arc === 'number' && arc < 2 ** 45) return arc * 128 + bits;
  return BigInt(arc) * 128n + BigInt(bits);
}

function firstTwoArcs(arc: number | bigint): string {
  const first = arc < 40 ? 0 : arc < 80 ? 1 : 2;
  return `${first}.${typeof arc === 'bigint' ? arc - 80n : arc - first * 40}`;
}
