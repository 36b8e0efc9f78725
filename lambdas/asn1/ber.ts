/**
 * What PKCS#12 and the encryption of keys need beside: structures by BER's rules, as lists, because what may be left out
 * stands at their end. Every function throws MalformedError; the caller knows what the bytes were meant to be.
 */
import { type Element, ElementReader, expectTag, malformed } from './reader.ts';
import { constructedBit, contextTag, tags } from './tags.ts';
import { readOid, readSmallInteger } from './values.ts';

/** Never told: the caller says of what file or key the structure is. */
const what = 'the structure';

/** Pieces of pieces: more levels than any PKCS#12 file has. */
const deepest = 16;

/** The elements that follow each other in `bytes`. */
export function readElements(bytes: Uint8Array): Element[] {
  return new ElementReader(bytes, what, 'BER').rest();
}

/** The first element, and what stands behind it. */
export function readFirst(bytes: Uint8Array): { element: Element; behind: Uint8Array } {
  const element = new ElementReader(bytes, what, 'BER').any();
  return { element, behind: bytes.subarray(element.bytes.length) };
}

/** The elements of a SEQUENCE. */
export function readFields(element: Element | undefined): Element[] {
  return readElements(expectTag(element, tags.sequence, what).value);
}

/** The one element within an EXPLICIT [0]. */
export function readExplicit0(element: Element | undefined): Element {
  const [inner, ...more] = readElements(expectTag(element, contextTag(0, true), what).value);
  if (inner === undefined || more.length > 0) throw malformed(what, 'is not one element');
  return inner;
}

const wholeStrings: readonly number[] = [tags.octetString, contextTag(0, false)];
const stringsInPieces: readonly number[] = [tags.octetString | constructedBit, contextTag(0, true)];

/** An OCTET STRING, whole or in pieces (X.690 section 8.7), or one that is IMPLICIT [0]. */
export function readOctets(element: Element | undefined, depth = 0): Uint8Array {
  if (element !== undefined && wholeStrings.includes(element.tag)) return element.value;
  const isInPieces = element !== undefined && stringsInPieces.includes(element.tag);
  if (!isInPieces || depth === deepest) throw malformed(what, 'is not an OCTET STRING');
  const pieces = readElements(element.value).map((piece) => readOctets(piece, depth + 1));
  return new Uint8Array(Buffer.concat(pieces));
}

/** The contents of an OCTET STRING that is not in pieces. */
export function readWholeOctets(element: Element | undefined): Uint8Array {
  return expectTag(element, tags.octetString, what).value;
}

/** An INTEGER from 0 to 2⁴⁷ − 1: a version, or how often a hash is repeated. */
export function readCount(element: Element | undefined): number {
  return readSmallInteger(element, what, 6);
}

/** The OBJECT IDENTIFIER of a content, a bag or an algorithm, in dotted decimal. */
export function readIdentifier(element: Element | undefined): string {
  return readOid(element, what);
}
