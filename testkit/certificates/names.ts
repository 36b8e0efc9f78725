/** Names in DER: of subjects, of issuers, and in a subjectAltName. */
import { der, oid, sequence, setOf, utf8 } from './der.ts';

const attributeOids = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
} as const;
export type Attribute = readonly [type: keyof typeof attributeOids, value: string, stringTag?: number | undefined];

/** Returns an AttributeTypeAndValue of any type and value. */
export const attribute = (type: string, value: Uint8Array): Uint8Array => sequence(oid(type), value);

/** Returns a Name. An RDN is one attribute, or a list for a multi-valued RDN. Without RDNs the name is empty. */
export function distinguishedName(...rdns: readonly (readonly Attribute[])[]): Uint8Array {
  return sequence(
    ...rdns.map((attributes) =>
      setOf(...attributes.map(([type, value, tag]) => attribute(attributeOids[type], utf8(value, tag)))),
    ),
  );
}

/** Returns a name with one common name. '' gives the empty name. */
export const commonNameOnly = (value: string): Uint8Array =>
  value === '' ? distinguishedName() : distinguishedName([['CN', value]]);

// --- GeneralName (RFC 5280 section 4.2.1.6) ---

/** Characters of one octet each. */
export const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const email = (name: string): Uint8Array => der(0x81, ascii(name));
export const dns = (name: string): Uint8Array => der(0x82, ascii(name));
export const uri = (name: string): Uint8Array => der(0x86, ascii(name));
export const ip = (...octets: readonly number[]): Uint8Array => der(0x87, Uint8Array.from(octets));
export const directory = (name: Uint8Array): Uint8Array => der(0xa4, name);
export const otherName = (): Uint8Array => der(0xa0, oid('1.2.3'), der(0xa0, utf8('x')));

/** `dns:`, `email:`, `uri:` or `ip:` with the value; an IP address by its octets in hex, or an IPv4 address as people write it. */
export function generalName(text: string): Uint8Array {
  const kind = text.slice(0, text.indexOf(':'));
  const value = text.slice(kind.length + 1);
  if (kind === 'ip') return ip(...(value.includes('.') ? value.split('.').map(Number) : Buffer.from(value, 'hex')));
  const tag = { email: 0x81, dns: 0x82, uri: 0x86 }[kind];
  if (tag === undefined) throw new Error(`${kind} is no kind of name`);
  return der(tag, Buffer.from(value, 'utf8'));
}
