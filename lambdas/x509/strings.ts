/** Reads the string types of a Name's values (RFC 5280 section 4.1.2.4, ITU-T X.690 section 8.23). */
import { isUtf8 } from 'node:buffer';
import type { Element } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';

/** Returns lowercase hex, two digits for each octet. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Returns the text of a string value. Undefined for a type that is not a string, and for octets that are not valid for the type.
 * PrintableString and similar types are read as ASCII, because many names contain a `*` or an `_`, which these types do not allow.
 * TeletexString is read as Latin-1, as in practice it is never T.61.
 */
export function decodeString(element: Element): string | undefined {
  const octets = Buffer.from(element.value.buffer, element.value.byteOffset, element.value.byteLength);
  switch (element.tag) {
    case tags.utf8String:
      return isUtf8(octets) ? octets.toString('utf8') : undefined;
    case tags.printableString:
    case tags.numericString:
    case tags.ia5String:
    case tags.visibleString:
      return octets.every((octet) => octet < 0x80) ? octets.toString('latin1') : undefined;
    case tags.teletexString:
      return octets.toString('latin1');
    case tags.bmpString:
      return fromUnits(octets, 2);
    case tags.universalString:
      return fromUnits(octets, 4);
    default:
      return undefined;
  }
}

/** Decodes UTF-16 or UTF-32, big-endian. */
function fromUnits(octets: Buffer, width: 2 | 4): string | undefined {
  if (octets.length % width !== 0) return undefined;
  const characters: string[] = [];
  for (let at = 0; at < octets.length; at += width) {
    const unit = octets.readUIntBE(at, width);
    if (unit > 0x10ffff) return undefined;
    characters.push(String.fromCodePoint(unit));
  }
  const text = characters.join('');
  return /\p{Surrogate}/u.test(text) ? undefined : text; // half of a pair
}
