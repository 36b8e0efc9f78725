/**
 * Reads the BER structures of PKCS#12 and of encrypted keys, as lists of elements, because their optional parts are at the end. Every
 * function throws MalformedError; the caller names the file or key.
 */
import { type Element, ElementReader, expectTag, malformed } from './reader.ts';
import { constructedBit, contextTag, tags } from './tags.ts';
import { readOid, readSmallInteger } from './values.ts';

/** Its text is not for messages, because the caller names the file or key. */
const what = 'the structure';

/** Levels of strings in pieces. No PKCS#12 file has so many. */
const deepest = 16;

/** Returns the consecutive elements in `bytes`. */
export function readElements(bytes: Uint8Array): Element[] {
  return new ElementReader(bytes, what, 'BER').rest();
}

/** Returns the first element and the bytes after it. */
export function readFirst(bytes: Uint8Array): { element: Element; behind: Uint8Array } {
  const element = new ElementReader(bytes, what, 'BER').any();
  return { element, behind: bytes.subarray(element.bytes.length) };
}

/** Returns the elements of a SEQUENCE. */
export function readFields(element: Element | undefined): Element[] {
  return readElements(expectTag(element, tags.sequence, what).value);
}

/** Returns the only element within an EXPLICIT [0]. */
export function readExplicit0(element: Element | undefined): Element {
  const [inner, ...more] = readElements(expectTag(element, contextTag(0, true), what).value);
  if (inner === undefined || more.length > 0) throw malformed(what, 'is not one element');
  return inner;
}

const wholeStrings: readonly number[] = [tags.octetString, contextTag(0, false)];
const stringsInPieces: readonly number[] = [tags.octetString | constructedBit, contextTag(0, true)];

/** Reads an OCTET STRING, whole or in pieces (X.690 section 8.7), or an IMPLICIT [0] of that type. */
export function readOctets(element: Element | undefined, depth = 0): Uint8Array {
  if (element !== undefined && wholeStrings.includes(element.tag)) return element.value;
  const isInPieces = element !== undefined && stringsInPieces.includes(element.tag);
  if (!isInPieces || depth === deepest) throw malformed(what, 'is not an OCTET STRING');
  const pieces = readElements(element.value).map((piece) => readOctets(piece, depth + 1));
  return new Uint8Array(Buffer.concat(pieces));
}

/** Returns the contents of an OCTET STRING that is not in pieces. */
export function readWholeOctets(element: Element | undefined): Uint8Array {
  return expectTag(element, tags.octetString, what).value;
}

/** Reads an INTEGER from 0 to 2⁴⁷ − 1: a version or an iteration count. */
export function readCount(element: Element | undefined): number {
  return readSmallInteger(element, what, 6);
}

/** Reads an OBJECT IDENTIFIER (of a content, a bag or an algorithm) in dotted decimal. */
export function readIdentifier(element: Element | undefined): string {
  return readOid(element, what);
}
