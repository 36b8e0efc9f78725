/** Writes key identifiers and name constraints (RFC 5280 section 4.2.1). */
import { createHash } from 'node:crypto';
import { readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import { readBitString } from '../asn1/values.ts';
import * as write from '../asn1/writer.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import { subjectKeyIdentifier } from './extensions.ts';
import { parseIpv4, parseIpv6 } from './ip-address.ts';
import { oids } from './oids.ts';

/** Returns the whole element: OID, criticality if TRUE, value. */
export function encodeExtension({ oid: id, critical, value }: Extension): Uint8Array {
  return write.sequence(write.oid(id), ...(critical ? [write.boolean(true)] : []), write.octetString(value));
}

/**
 * Returns a key's identifier, 20 octets: the SHA-1 of the BIT STRING's octets (section 4.2.1.2, method 1). SHA-1 only identifies here and
 * proves nothing; step-ca, openssl and Go do the same. Throws InvalidCertificate.
 */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const what = 'the public key';
  const fields = readSequence(spki, what);
  fields.take(tags.sequence);
  const { octets } = readBitString(fields.take(tags.bitString), what);
  return new Uint8Array(createHash('sha1').update(octets).digest());
}

export function subjectKeyIdentifierOf(spki: Uint8Array, critical = false): Extension {
  return { oid: oids.subjectKeyIdentifier, critical, value: write.octetString(keyIdentifier(spki)) };
}

/** Returns an authorityKeyIdentifier with the issuer's subjectKeyIdentifier or, if it has none, with its key's identifier. */
export function authorityKeyIdentifierOf(
  issuer: Pick<Certificate, 'extensions' | 'spki'>,
  critical = false,
): Extension {
  const identifier = subjectKeyIdentifier(issuer) ?? keyIdentifier(issuer.spki);
  return { oid: oids.authorityKeyIdentifier, critical, value: write.sequence(write.contextPrimitive(0, identifier)) };
}

/** Returns the nameConstraints extension. `permitted` and `excluded` are bases from constraintBase, each the DER of a GeneralName. */
export function nameConstraintsOf(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[]): Extension {
  const subtrees = (bases: readonly Uint8Array[]) => bases.map((base) => write.sequence(base));
  const value = write.sequence(
    ...(permitted.length === 0 ? [] : [write.context(0, ...subtrees(permitted))]),
    ...(excluded.length === 0 ? [] : [write.context(1, ...subtrees(excluded))]),
  );
  return { oid: oids.nameConstraints, critical: true, value };
}

const baseTags = { email: 1, dns: 2, uri: 6, ip: 7 } as const;
const hostName =
  /^\.?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/**
 * Returns the base of a subtree (section 4.2.1.10) as the DER of a GeneralName, from `dns:example.com`, `email:example.com`,
 * `email:a@example.com`, `uri:.example.com`, `ip:10.0.0.0/8` or `ip:fd00::/8`. Undefined for any other text.
 */
export function constraintBase(text: string): Uint8Array | undefined {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (kind === 'ip') {
    const subnet = parseSubnet(value);
    return subnet && write.contextPrimitive(baseTags.ip, subnet);
  }
  if (kind !== 'dns' && kind !== 'email' && kind !== 'uri') return undefined;
  const host = kind === 'email' ? value.replace(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?=[^.])/, '') : value;
  if (host.length > 253 || !hostName.test(host)) return undefined;
  return write.element(0x80 | baseTags[kind], Buffer.from(value, 'latin1'));
}

/** Reads an address and a mask, 8 or 32 octets. The address must not have bits outside of the mask. */
function parseSubnet(text: string): Uint8Array | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const octets = parseIpv4(address) ?? parseIpv6(address);
  if (octets === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = Number(length);
  if (bits > octets.length * 8) return undefined;
  const mask = octets.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff);
  if (octets.some((octet, i) => (octet & ~(mask[i] ?? 0)) !== 0)) return undefined;
  return Uint8Array.from([...octets, ...mask]);
}
