/** Parses distinguished names (RFC 4514), for the subjects of authorities and of declared certificates. */

import { tags } from '../asn1/tags.ts';
import * as write from '../asn1/writer.ts';
import { RenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';
import { shortNames } from './names.ts';
import { oids } from './oids.ts';

/** OIDs by the short name in lower case: short names are not case-sensitive (RFC 4512 section 2.5). */
const typesByName: ReadonlyMap<string, string> = new Map(
  [...shortNames, [oids.emailAddress, 'emailAddress'], [oids.emailAddress, 'E']].map(([type = '', name = '']) => [
    name.toLowerCase(),
    type,
  ]),
);

/** Types that are not a DirectoryString, and the limits of some values (RFC 5280 appendix A.1). */
const printable: ReadonlySet<string> = new Set(['2.5.4.6', '2.5.4.5', '2.5.4.46']);
const ia5: ReadonlySet<string> = new Set(['0.9.2342.19200300.100.1.25', oids.emailAddress]);
const longest: ReadonlyMap<string, number> = new Map([
  [oids.commonName, 64],
  ['2.5.4.10', 64],
  ['2.5.4.11', 64],
  ['2.5.4.5', 64],
  ['2.5.4.7', 128],
  ['2.5.4.8', 128],
  ['2.5.4.6', 2],
  [oids.emailAddress, 255],
]);

const longestName = 1024;

/**
 * Returns the DER of a Name from its RFC 4514 text. (The last RDN of the text is the first one of the DER.) Types are those of the RFC's
 * table and similar ones (CN, O, OU, C, L, ST, DC …), or OIDs. White space around `,`, `+` and `=` is ignored, as in RFC 2253. Values
 * become UTF8String, except for types that RFC 5280 restricts.
 *
 * Throws InvalidRequest. `where` names the text in the message.
 */
export function parseName(text: string, where: string): Uint8Array {
  const fail = (problem: string): never => {
    throw new RenewalError(
      'InvalidRequest',
      `${where} is ${quote(text)}: ${problem}. Expected a name as in RFC 4514, such as CN=Example Root,O=Example.`,
    );
  };
  if (text.length > longestName) return fail(`it has more than ${longestName} characters`);
  if (text.trim() === '') return fail('an authority needs a subject');
  const names = splitOutside(text, ',').map((rdn) =>
    write.setOf(...splitOutside(rdn, '+').map((attribute) => parseAttribute(attribute, fail))),
  );
  return write.sequence(...names.reverse());
}

/** Splits at each separator that is not escaped. Quoted values (RFC 1779) are not supported: a `"` must be escaped. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parseAttribute(text: string, fail: (problem: string) => never): Uint8Array {
  const equals = text.indexOf('=');
  if (equals === -1) return fail(`${quote(text.trim())} has no =`);
  const name = text.slice(0, equals).trim();
  const type = typesByName.get(name.toLowerCase()) ?? (isOid(name) ? name : undefined);
  if (type === undefined) return fail(`${quote(name)} is neither a known type nor an OID`);
  const value = unescapeValue(trimOutside(text.slice(equals + 1)), fail);
  if (value === '') return fail(`${name} is empty`);
  const most = longest.get(type) ?? 32_768;
  if ([...value].length > most) return fail(`${name} has more than ${most} characters`);
  return write.sequence(write.oid(type), encodeValue(type, name, value, fail));
}

function isOid(text: string): boolean {
  return /^(?:[01](?:\.[1-3]?\d)|2(?:\.(?:0|[1-9]\d{0,8})))(?:\.(?:0|[1-9]\d{0,8})){1,20}$/.test(text);
}

/** Removes the spaces around a value, except an escaped one at its end. Other white space belongs to the value. */
function trimOutside(text: string): string {
  const start = text.replace(/^ +/, '');
  let end = start.length;
  while (start[end - 1] === ' ') end--;
  let escapes = 0;
  while (start[end - 1 - escapes] === '\\') escapes++;
  return start.slice(0, end < start.length && escapes % 2 === 1 ? end + 1 : end);
}

/** Unescapes a value (RFC 4514 section 3): `\` before a special character, or before two hex digits for an octet of the UTF-8. */
function unescapeValue(text: string, fail: (problem: string) => never): string {
  if (text.startsWith('#')) return fail('a value in hex (#…) is not supported');
  const octets: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const found = /^\\(?:([0-9A-Fa-f]{2})|([ "#+,;<=>\\]))/.exec(text.slice(at, at + 3));
    const [whole = '', hexPair, special] = found ?? [];
    if (found !== null) {
      octets.push(hexPair === undefined ? Buffer.from(special ?? '') : Buffer.from(hexPair, 'hex'));
      at += whole.length;
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (/["+,;<>\\\0]/.test(character)) return fail(`${quote(character)} must be escaped with a \\`);
    octets.push(Buffer.from(character));
    at += character.length;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets));
  } catch {
    return fail('the escaped octets are not UTF-8');
  }
}

function encodeValue(type: string, name: string, value: string, fail: (problem: string) => never): Uint8Array {
  if (type === '2.5.4.6' && !/^[A-Z]{2}$/.test(value)) return fail('C is not a country code of two capital letters');
  if (printable.has(type)) {
    if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value))
      return fail(`${name} contains characters that a PrintableString does not allow`);
    return write.element(tags.printableString, Buffer.from(value, 'latin1'));
  }
  if (!ia5.has(type)) return write.utf8String(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: IA5String is ASCII, all of it
  if (!/^[\x00-\x7f]*$/.test(value)) return fail(`${name} contains characters that are not ASCII`);
  return write.element(tags.ia5String, Buffer.from(value, 'latin1'));
}
