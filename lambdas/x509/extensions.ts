/** Reads the extensions that decisions depend on (RFC 5280 section 4.2.1). */

import { readSequence, readSingle } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import { readBitString, readBoolean, readOid, readSmallInteger } from '../asn1/values.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import { oids } from './oids.ts';

type WithExtensions = Pick<Certificate, 'extensions'>;

/** Returns an extension. parseCertificate ensures that a certificate has each extension at most once. */
export function findExtension(certificate: WithExtensions, oid: string): Extension | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid);
}

/** Reads basicConstraints. Without the extension the certificate is not a CA's. Throws InvalidCertificate. */
export function basicConstraints(certificate: WithExtensions): { isCa: boolean; pathLength: number | undefined } {
  const extension = findExtension(certificate, oids.basicConstraints);
  if (extension === undefined) return { isCa: false, pathLength: undefined };
  const what = 'the basicConstraints extension';
  const fields = readSequence(extension.value, what);
  const isCa = fields.optional(tags.boolean);
  const pathLength = fields.optional(tags.integer);
  fields.end();
  return {
    isCa: isCa !== undefined && readBoolean(isCa, what),
    pathLength: pathLength && readSmallInteger(pathLength, what),
  };
}

/** In the order of the bits. */
export const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof keyUsageNames)[number];

/** Returns the key usages; undefined without the extension, which allows all. Throws InvalidCertificate. */
export function keyUsages(certificate: WithExtensions): readonly KeyUsage[] | undefined {
  const extension = findExtension(certificate, oids.keyUsage);
  if (extension === undefined) return undefined;
  const what = 'the keyUsage extension';
  const { octets } = readBitString(readSingle(extension.value, tags.bitString, what), what);
  return keyUsageNames.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

/** Returns the OIDs of the extended key usages; undefined without the extension, which allows all. Throws InvalidCertificate. */
export function extendedKeyUsages(certificate: WithExtensions): readonly string[] | undefined {
  const extension = findExtension(certificate, oids.extendedKeyUsage);
  if (extension === undefined) return undefined;
  const what = 'the extendedKeyUsage extension';
  const usages: string[] = [];
  for (const reader = readSequence(extension.value, what); !reader.done; ) {
    usages.push(readOid(reader.take(tags.oid), what));
  }
  return usages;
}

/** Returns the octets of the subjectKeyIdentifier; undefined without the extension. Throws InvalidCertificate. */
export function subjectKeyIdentifier(certificate: WithExtensions): Uint8Array | undefined {
  const extension = findExtension(certificate, oids.subjectKeyIdentifier);
  return extension && readSingle(extension.value, tags.octetString, 'the subjectKeyIdentifier extension').value;
}

/** Returns the keyIdentifier of authorityKeyIdentifier; undefined without one. Throws InvalidCertificate. */
export function authorityKeyIdentifier(certificate: WithExtensions): Uint8Array | undefined {
  const extension = findExtension(certificate, oids.authorityKeyIdentifier);
  return extension && readSequence(extension.value, 'the authorityKeyIdentifier extension').optional(0x80)?.value;
}

/**
 * Returns the issuer's certificate that authorityKeyIdentifier names, beside its key or instead of it: the DER of GeneralNames without
 * their tag, and the octets of the serial number. Throws InvalidCertificate.
 */
export function authorityCertificate(certificate: WithExtensions): {
  readonly issuer: Uint8Array | undefined;
  readonly serialNumber: Uint8Array | undefined;
} {
  const extension = findExtension(certificate, oids.authorityKeyIdentifier);
  if (extension === undefined) return { issuer: undefined, serialNumber: undefined };
  const fields = readSequence(extension.value, 'the authorityKeyIdentifier extension');
  fields.optional(contextTag(0, false));
  const issuer = fields.optional(contextTag(1, true))?.value;
  return { issuer, serialNumber: fields.optional(contextTag(2, false))?.value };
}
