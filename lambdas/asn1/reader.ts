/**
 * Reads ASN.1 (ITU-T X.690), only the levels that the caller enters. It reads each byte once per level and copies nothing. It replaces a
 * general ASN.1 library, which takes 10 to 25 times as long.
 */
import { RenewalError } from '../domain/errors.ts';
import { constructedBit, tags } from './tags.ts';

/**
 * DER has one encoding of each value (X.690 section 10); certificates and keys use it. BER has many; PKCS#12 files use it, because Windows,
 * NSS and older Java write indefinite lengths.
 */
export type Rules = 'DER' | 'BER';

/** An element: its identifier octet, its contents, and the whole element. Both arrays are views, not copies. */
export interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly bytes: Uint8Array;
}

/** InvalidCertificate, for malformed ASN.1. A reader of something other than a certificate catches this class and throws its own error. */
export class MalformedError extends RenewalError {}

/** Returns the error for a malformed certificate. `what` names a part of it, never a value from it. */
export function malformed(what: string, problem: string): MalformedError {
  return new MalformedError(
    'InvalidCertificate',
    `The certificate can't be read: ${what} ${problem}. Expected an X.509 certificate in DER (RFC 5280); replace it with the file that the CA issued.`,
  );
}

/** The length octet of an indefinite length: the element continues until the end of contents. */
const indefinite = 0x80;

/** Levels of indefinite length. No PKCS#12 file has so many. */
const deepest = 16;

/** Reads the elements of one level, in order. Every method throws MalformedError. */
export class ElementReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #rules: Rules;
  #at = 0;

  /** `bytes`: consecutive elements. `what` names them in messages. */
  constructor(bytes: Uint8Array, what: string, rules: Rules = 'DER') {
    this.#bytes = bytes;
    this.#what = what;
    this.#rules = rules;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Returns the next element, with any tag. */
  any(): Element {
    const element = this.#elementAt(this.#at, 0);
    this.#at += element.bytes.length;
    return element;
  }

  /** Returns the next element, which must have this tag. */
  take(tag: number, name: string = this.#what): Element {
    if (this.done) throw malformed(name, 'is missing');
    return expectTag(this.any(), tag, name);
  }

  /** Returns the next element if it has this tag. Otherwise returns undefined and stays in place. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#at] === tag ? this.any() : undefined;
  }

  /** Returns a reader of the contents of the next element, which must have this tag. */
  enter(tag: number, name: string = this.#what): ElementReader {
    return new ElementReader(this.take(tag, name).value, name, this.#rules);
  }

  /** Returns the remaining elements. */
  rest(): Element[] {
    const elements: Element[] = [];
    while (!this.done) elements.push(this.any());
    return elements;
  }

  /** Throws if bytes are left. To be called after the last element. */
  end(): void {
    if (!this.done) throw malformed(this.#what, 'has bytes after its end');
  }

  #elementAt(start: number, depth: number): Element {
    const bytes = this.#bytes;
    const tag = bytes[start];
    const first = bytes[start + 1];
    if (tag === undefined || first === undefined) throw malformed(this.#what, 'is cut short');
    if ((tag & 0x1f) === 0x1f) throw malformed(this.#what, 'has a tag of several octets');
    let from = start + 2;
    let length = first;
    if (first === indefinite) return this.#indefiniteAt(start, depth);
    if (first > 0x80) {
      const octets = first & 0x7f;
      length = this.#longLength(from, octets);
      from += octets;
    }
    const end = from + length;
    if (end > bytes.length) throw malformed(this.#what, 'is cut short');
    return { tag, value: bytes.subarray(from, end), bytes: bytes.subarray(start, end) };
  }

  /** Reads a long length. No input here needs more than four octets. DER requires the shortest form (X.690 section 10.1). */
  #longLength(from: number, octets: number): number {
    if (octets > 4) throw malformed(this.#what, 'has a length of more than four octets');
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (this.#bytes[from + i] ?? 0);
    const isMinimal = length >= 0x80 && length >= 256 ** (octets - 1);
    if (!isMinimal && this.#rules === 'DER') throw malformed(this.#what, 'has a length that is not minimal');
    return length;
  }

  /**
   * Reads an element of indefinite length: it ends with an element of tag and length 0 (X.690 section 8.1.3.6). DER has no such lengths
   * (section 10.1).
   */
  #indefiniteAt(start: number, depth: number): Element {
    const bytes = this.#bytes;
    const tag = bytes[start] ?? 0;
    if (this.#rules === 'DER') throw malformed(this.#what, 'has an indefinite length');
    if ((tag & constructedBit) === 0) throw malformed(this.#what, 'has an indefinite length, and no elements');
    if (depth === deepest) throw malformed(this.#what, 'has too many levels');
    let at = start + 2;
    while (bytes[at] !== 0) at += this.#elementAt(at, depth + 1).bytes.length;
    if (bytes[at + 1] !== 0) throw malformed(this.#what, 'has an invalid end of contents');
    return { tag, value: bytes.subarray(start + 2, at), bytes: bytes.subarray(start, at + 2) };
  }
}

/** Returns the element if it is there and has this tag. Throws MalformedError. */
export function expectTag(element: Element | undefined, tag: number, what: string): Element {
  if (element === undefined) throw malformed(what, 'is missing');
  if (element.tag === tag) return element;
  throw malformed(what, `has tag 0x${hexByte(element.tag)} instead of 0x${hexByte(tag)}`);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** Reads `der` as exactly one element with this tag. Throws MalformedError. */
export function readSingle(der: Uint8Array, tag: number, what: string): Element {
  const reader = new ElementReader(der, what);
  const element = reader.take(tag);
  reader.end();
  return element;
}

/** Returns a reader of the fields of `der`, which must be exactly one SEQUENCE. Throws MalformedError. */
export function readSequence(der: Uint8Array, what: string): ElementReader {
  return new ElementReader(readSingle(der, tags.sequence, what).value, what);
}
