/** Formats and compares distinguished names (RFC 4514). */
import { type Element, type ElementReader, malformed, readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import { readOid } from '../asn1/values.ts';
import { oids } from './oids.ts';
import { decodeString, hex } from './strings.ts';

export interface Attribute {
  /** Dotted decimal. */
  readonly type: string;
  readonly value: Element;
}

/** An RDN: usually one attribute. */
export type RelativeName = readonly Attribute[];

/**
 * The short names of RFC 4514 section 3, then those that RFC 4519 registers and that certificates use. emailAddress (PKCS #9) is not
 * registered, so RFC 4514 section 2.3 requires its OID.
 */
export const shortNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.6', 'C'],
  ['2.5.4.9', 'STREET'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['2.5.4.4', 'sn'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.16', 'postalAddress'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.18', 'postOfficeBox'],
  ['2.5.4.20', 'telephoneNumber'],
  ['2.5.4.41', 'name'],
  ['2.5.4.42', 'givenName'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.46', 'dnQualifier'],
]);

/** Returns the RDNs of a Name, in the order of its DER. Throws InvalidCertificate. */
export function relativeNames(nameDer: Uint8Array, what = 'a name'): RelativeName[] {
  const names: RelativeName[] = [];
  for (const sequence = readSequence(nameDer, what); !sequence.done; ) {
    const set = sequence.enter(tags.set);
    if (set.done) throw malformed(what, 'has an empty RDN');
    const attributes: Attribute[] = [];
    while (!set.done) attributes.push(attribute(set.enter(tags.sequence), what));
    names.push(attributes);
  }
  return names;
}

function attribute(fields: ElementReader, what: string): Attribute {
  const type = readOid(fields.take(tags.oid), what);
  const value = fields.any();
  fields.end();
  return { type, value };
}

/**
 * Returns a Name as RFC 4514 text: the last RDN first, `+` between the attributes of an RDN, '' for the empty name. It also escapes control
 * characters and characters that change the direction of text (the RFC allows that), so that a name can't forge a log line. Throws
 * InvalidCertificate.
 */
export function formatName(nameDer: Uint8Array): string {
  return relativeNames(nameDer)
    .reverse()
    .map((attributes) => attributes.map(formatAttribute).join('+'))
    .join(',');
}

/** Formats an attribute. If its type has no short name, or its value is not text, the value is `#` and its DER in hex (section 2.4). */
function formatAttribute({ type, value }: Attribute): string {
  const shortName = shortNames.get(type);
  const text = shortName === undefined ? undefined : decodeString(value);
  return `${shortName ?? type}=${text === undefined ? `#${hex(value.bytes)}` : escapeValue(text)}`;
}

/**
 * Returns a text that is the same for names that are equal by RFC 5280 section 7.1: string type, case, runs of spaces and the order within
 * an RDN don't matter. If a name begins with all RDNs of another name, its text begins with the text of that name, and only then. Throws
 * InvalidCertificate.
 */
export function comparableName(nameDer: Uint8Array): string {
  return relativeNames(nameDer)
    .map((attributes) => sized(attributes.map(comparableAttribute).sort().join('')))
    .join('');
}

function comparableAttribute({ type, value }: Attribute): string {
  const text = decodeString(value);
  const prepared = text?.normalize('NFKC').toLowerCase().trim().split(/\s+/).join(' ');
  return sized(type) + sized(prepared === undefined ? `#${hex(value.bytes)}` : `"${prepared}`);
}

/** Prefixes a text with its length, so that its end is unambiguous. */
function sized(text: string): string {
  return `${text.length}:${text}`;
}

const special = /^[ #]|["+,;<>\\]| $/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escapeValue(text: string): string {
  return text.replace(special, '\\$&').replace(unseen, escapeOctets);
}

/** Writes each octet of the UTF-8 as `\` and two hex digits. */
export function escapeOctets(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');
}

/**
 * Returns the common name, not escaped; undefined if there is none or it is not text. Of several it returns the last one of the DER, the
 * most specific, as Go and step-ca do. Throws InvalidCertificate.
 */
export function commonName(nameDer: Uint8Array): string | undefined {
  const names = relativeNames(nameDer)
    .flat()
    .filter(({ type }) => type === oids.commonName);
  const last = names.at(-1);
  return last && decodeString(last.value);
}
