/**
 * Reading ASN.1 (ITU-T X.690), only as deep as the caller walks: every byte is looked at once per level, and nothing is
 * copied. It stands on the hot path in place of a general ASN.1 library, which costs 10 to 25 times as much.
 */
import { RenewalError } from '../domain/errors.ts';
import { constructedBit, tags } from './tags.ts';

/**
 * DER has one encoding of each value (X.690 section 10): that is what is signed, and what certificates and keys are read
 * by. BER has many; PKCS#12 files are read by it, as Windows, NSS and older Java write indefinite lengths.
 */
export type Rules = 'DER' | 'BER';

/** One element: its identifier octet, its contents, and the whole of it. Both are views, not copies. */
export interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * InvalidCertificate, of bytes that are not what they should be. Who reads something else than a certificate catches it
 * by its class, and says what was expected.
 */
export class MalformedError extends RenewalError {}

/** `what` names a part of a certificate and is never a value from it. */
export function malformed(what: string, problem: string): MalformedError {
  return new MalformedError(
    'InvalidCertificate',
    `The certificate can't be read: ${what} ${problem}. Expected an X.509 certificate in DER (RFC 5280); replace it with the file that the CA issued.`,
  );
}

/** The octet in the place of a length that says: until the end of contents. */
const indefinite = 0x80;

/** Elements of indefinite length that may stand in each other: more than any PKCS#12 file has. */
const deepest = 16;

/** Walks the elements of one level, in order. Every method throws MalformedError. */
export class ElementReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #rules: Rules;
  #at = 0;

  /** `bytes`: elements one behind the other. `what` names them in messages. */
  constructor(bytes: Uint8Array, what: string, rules: Rules = 'DER') {
    this.#bytes = bytes;
    this.#what = what;
    this.#rules = rules;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next element, of any tag. */
  any(): Element {
    const element = this.#elementAt(this.#at, 0);
    this.#at += element.bytes.length;
    return element;
  }

  /** The next element, which must have this tag. */
  take(tag: number, name: string = this.#what): Element {
    if (this.done) throw malformed(name, 'is missing');
    return expectTag(this.any(), tag, name);
  }

  /** The next element if it has this tag, else undefined and nothing is passed over. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#at] === tag ? this.any() : undefined;
  }

  /** A reader of what is inside the next element, which must have this tag. */
  enter(tag: number, name: string = this.#what): ElementReader {
    return new ElementReader(this.take(tag, name).value, name, this.#rules);
  }

  /** All elements that are left. */
  rest(): Element[] {
    const elements: Element[] = [];
    while (!this.done) elements.push(this.any());
    return elements;
  }

  /** To be called behind the last element. */
  end(): void {
    if (!this.done) throw malformed(this.#what, 'has bytes behind its end');
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

  /** Four octets are more than any input here has. DER has as few as will do (X.690 section 10.1). */
  #longLength(from: number, octets: number): number {
    if (octets > 4) throw malformed(this.#what, 'has a length of more than four octets');
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (this.#bytes[from + i] ?? 0);
    const isMinimal = length >= 0x80 && length >= 256 ** (octets - 1);
    if (!isMinimal && this.#rules === 'DER') throw malformed(this.#what, 'has a length that is not minimal');
    return length;
  }

  /** X.690 section 8.1.3.6: elements until one of tag and length 0. DER has none (section 10.1). */
  #indefiniteAt(start: number, depth: number): Element {
    const bytes = this.#bytes;
    const tag = bytes[start] ?? 0;
    if (this.#rules === 'DER') throw malformed(this.#what, 'has an indefinite length');
    if ((tag & constructedBit) === 0) throw malformed(this.#what, 'has an indefinite length, and no elements');
    if (depth === deepest) throw malformed(this.#what, 'has too many levels');
    let at = start + 2;
    while (bytes[at] !== 0) at += this.#elementAt(at, depth + 1).bytes.length;
    if (bytes[at + 1] !== 0) throw malformed(this.#what, 'has an end of contents that is none');
    return { tag, value: bytes.subarray(start + 2, at), bytes: bytes.subarray(start, at + 2) };
  }
}

/** The element, which must be there and have this tag. Throws MalformedError. */
export function expectTag(element: Element | undefined, tag: number, what: string): Element {
  if (element === undefined) throw malformed(what, 'is missing');
  if (element.tag === tag) return element;
  throw malformed(what, `has tag 0x${hexByte(element.tag)} where 0x${hexByte(tag)} belongs`);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** `der` as exactly one element of this tag. Throws MalformedError. */
export function readSingle(der: Uint8Array, tag: number, what: string): Element {
  const reader = new ElementReader(der, what);
  const element = reader.take(tag);
  reader.end();
  return element;
}

/** A reader of the fields of `der`, which must be exactly one SEQUENCE. Throws MalformedError. */
export function readSequence(der: Uint8Array, what: string): ElementReader {
  return new ElementReader(readSingle(der, tags.sequence, what).value, what);
}
