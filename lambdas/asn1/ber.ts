/**
 * As much ASN.1 (X.690) as password-based encryption and PKCS#12 need: single-byte tags. DER is written; BER is read,
 * because Windows, NSS and older Java write PKCS#12 with indefinite lengths and strings in pieces.
 */

export const tag = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** Constructed, context-specific 0: EXPLICIT, or IMPLICIT of a string in pieces. */
  context0: 0xa0,
  /** Primitive, context-specific 0: IMPLICIT of a string. */
  string0: 0x80,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Header and content, as found. */
  readonly encoded: Uint8Array;
}

/** Thrown by this room's readers and caught in it: the caller knows what the bytes were meant to be. */
export class DerError extends Error {}

/** Deeper than any PKCS#12 file within one string of it. */
const deepest = 16;
const constructed = 0x20;

/** The elements that follow each other in `bytes`. Throws DerError. */
export function readElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { element, end } = readElement(bytes, at, 0);
    elements.push(element);
    at = end;
  }
  return elements;
}

/** The first element, and what stands behind it. Throws DerError. */
export function readFirst(bytes: Uint8Array): { element: DerElement; behind: Uint8Array } {
  const { element, end } = readElement(bytes, 0, 0);
  return { element, behind: bytes.subarray(end) };
}

function readElement(bytes: Uint8Array, start: number, depth: number): { element: DerElement; end: number } {
  const elementTag = bytes[start] ?? 0;
  const { length, headerEnd } = readLength(bytes, start + 1);
  let contentEnd = headerEnd + (length ?? 0);
  let end = contentEnd;
  if (length === undefined) {
    if ((elementTag & constructed) === 0 || depth === deepest) throw new DerError('length');
    contentEnd = headerEnd;
    while (bytes[contentEnd] !== 0) contentEnd = readElement(bytes, contentEnd, depth + 1).end;
    if (bytes[contentEnd + 1] !== 0) throw new DerError('end of contents');
    end = contentEnd + 2;
  }
  if (end > bytes.length) throw new DerError('cut');
  const content = bytes.subarray(headerEnd, contentEnd);
  return { element: { tag: elementTag, content, encoded: bytes.subarray(start, end) }, end };
}

/** An undefined length is an indefinite one. */
function readLength(bytes: Uint8Array, at: number): { length: number | undefined; headerEnd: number } {
  const first = bytes[at];
  if (first === undefined) throw new DerError('cut');
  if (first < 0x80) return { length: first, headerEnd: at + 1 };
  const size = first & 0x7f;
  if (size === 0) return { length: undefined, headerEnd: at + 1 };
  if (size > 4 || at + size >= bytes.length) throw new DerError('length');
  let length = 0;
  for (const byte of bytes.subarray(at + 1, at + 1 + size)) length = length * 256 + byte;
  return { length, headerEnd: at + 1 + size };
}

/** The content of an element that must have this tag. Throws DerError. */
export function contentOf(element: DerElement | undefined, expected: number): Uint8Array {
  if (element?.tag !== expected) throw new DerError('tag');
  return element.content;
}

/** An OCTET STRING, whole or in pieces (8.7), or one that is IMPLICIT [0]. Throws DerError. */
export function octets(element: DerElement | undefined, depth = 0): Uint8Array {
  if (element?.tag === tag.octetString || element?.tag === tag.string0) return element.content;
  const inPieces = element?.tag === (tag.octetString | constructed) || element?.tag === tag.context0;
  if (!inPieces || depth === deepest) throw new DerError('string');
  const pieces = readElements(element.content).map((piece) => octets(piece, depth + 1));
  return new Uint8Array(Buffer.concat(pieces));
}

/** The one element within an EXPLICIT [0]. Throws DerError. */
export function explicit0(element: DerElement | undefined): DerElement {
  const [inner, ...rest] = readElements(contentOf(element, tag.context0));
  if (inner === undefined || rest.length > 0) throw new DerError('explicit');
  return inner;
}

/** The elements of a SEQUENCE. Throws DerError. */
export function sequence(element: DerElement | undefined): DerElement[] {
  return readElements(contentOf(element, tag.sequence));
}

/** A positive INTEGER of up to six bytes. Throws DerError. */
export function integer(element: DerElement | undefined): number {
  const content = contentOf(element, tag.integer);
  if (content.length === 0 || content.length > 6 || (content[0] ?? 0) >= 0x80) throw new DerError('integer');
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** Dotted decimal. Throws DerError. */
export function objectIdentifier(element: DerElement | undefined): string {
  const content = contentOf(element, tag.oid);
  const arcs: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER / 128) throw new DerError('oid');
    if (byte < 0x80) {
      arcs.push(value);
      value = 0;
    }
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

export function encode(elementTag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const size = content.length < 0x80 ? [] : bytesOf(content.length);
  const length = size.length === 0 ? [content.length] : [0x80 | size.length, ...size];
  return new Uint8Array(Buffer.concat([Buffer.from([elementTag, ...length]), content]));
}

export const encodeOctets = (content: Uint8Array) => encode(tag.octetString, content);
export const encodeExplicit0 = (...items: readonly Uint8Array[]) => encode(tag.context0, ...items);
export const encodeSequence = (...items: readonly Uint8Array[]) => encode(tag.sequence, ...items);

/** Big-endian, without leading zeros. */
function bytesOf(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

export function encodeInteger(value: number): Uint8Array {
  const bytes = value === 0 ? [0] : bytesOf(value);
  return encode(tag.integer, Uint8Array.from((bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes));
}

export function encodeObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let value = Math.floor(arc / 128); value > 0; value = Math.floor(value / 128)) {
      digits.unshift((value % 128) | 0x80);
    }
    return digits;
  });
  return encode(tag.oid, Uint8Array.from(bytes));
}
