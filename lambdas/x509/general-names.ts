/** GeneralName (RFC 5280 section 4.2.1.6), the type of subject alternative names and name constraints. */

import { ElementReader, malformed, readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import type { Certificate } from '../domain/certificate.ts';
import { findExtension } from './extensions.ts';
import { escapeOctets } from './names.ts';
import { oids } from './oids.ts';

/** In the order of the context tags. */
export const generalNameKinds = [
  'otherName',
  'email',
  'dns',
  'x400Address',
  'directoryName',
  'ediPartyName',
  'uri',
  'ip',
  'registeredId',
] as const;
export type GeneralNameKind = (typeof generalNameKinds)[number];

export interface GeneralName {
  readonly kind: GeneralNameKind;
  /** The octets of the text or the address, the DER of the Name of a directoryName, or the contents of another kind. */
  readonly value: Uint8Array;
}

/** Kinds with a constructed tag: SEQUENCEs, and the CHOICE Name, whose tag is EXPLICIT. */
const constructedKinds: ReadonlySet<GeneralNameKind> = new Set([
  'otherName',
  'x400Address',
  'directoryName',
  'ediPartyName',
]);

/** Reads the next GeneralName. Throws InvalidCertificate. */
export function readGeneralName(reader: ElementReader, what: string): GeneralName {
  const { tag, value } = reader.any();
  const kind = (tag & 0xc0) === 0x80 ? generalNameKinds[tag & 0x1f] : undefined;
  if (kind === undefined || ((tag & 0x20) !== 0) !== constructedKinds.has(kind)) {
    throw malformed(what, 'contains something that is not a GeneralName');
  }
  if (kind === 'directoryName') {
    const inside = new ElementReader(value, what);
    inside.take(tags.sequence);
    inside.end();
  }
  return { kind, value };
}

/** Returns all names of the subjectAltName extension, in order; an empty list without it. Throws InvalidCertificate. */
export function alternativeNames(certificate: Pick<Certificate, 'extensions'>): GeneralName[] {
  const extension = findExtension(certificate, oids.subjectAltName);
  if (extension === undefined) return [];
  const what = 'the subjectAltName extension';
  const names: GeneralName[] = [];
  for (const reader = readSequence(extension.value, what); !reader.done; ) {
    const name = readGeneralName(reader, what);
    if (name.kind === 'ip' && name.value.length !== 4 && name.value.length !== 16) {
      throw malformed(what, `contains an IP address of ${name.value.length} octets`);
    }
    names.push(name);
  }
  return names;
}

/**
 * Returns the subject alternative names as `dns:`, `ip:`, `email:` and `uri:` with the value, in the certificate's order. Other kinds are
 * left out. A backslash, and an octet that is not visible ASCII, is written as `\` and two hex digits, so that no name can look like
 * another one, break a line or be read as two. Throws InvalidCertificate.
 */
export function subjectAltNames(certificate: Pick<Certificate, 'extensions'>): string[] {
  return alternativeNames(certificate).flatMap(({ kind, value }) => {
    switch (kind) {
      case 'ip':
        return `ip:${formatIp(value)}`;
      case 'dns':
      case 'email':
      case 'uri':
        return `${kind}:${asciiText(value).replace(/[^!-[\]-~]/g, (character) => escapeOctet(character))}`;
      default:
        return [];
    }
  });
}

/** Returns a text with one character for each octet. */
export function asciiText(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

function escapeOctet(character: string): string {
  return character < '\u0080' ? escapeOctets(character) : `\\${character.charCodeAt(0).toString(16)}`;
}

/** Formats an address: dotted decimal for 4 octets, RFC 5952 for 16. */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0));
  // Section 5: addresses that are known to contain an IPv4 address are written with it.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${octets.slice(12).join('.')}`;
  }
  const { start, length } = longestZeroRun(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups); // section 4.2.2: `::` must not stand for one group
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Returns the longest run of zeros, and the first one of several (section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: i + 1 - length, length };
  }
  return longest;
}
