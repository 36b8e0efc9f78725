/** Reads a certificate that a library wrote, and compares it with the request, before a key signs it. */
import * as write from '../asn1/writer.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import { signatureAlgorithmDer } from './algorithms.ts';
import { certificateFields, parseCertificate } from './certificate.ts';
import { keyIdentifier } from './extension-values.ts';
import { findExtension, subjectKeyIdentifier } from './extensions.ts';
import { nameOfOid } from './oids.ts';
import type { CertificateRequest } from './peculiar.ts';

/** The name of a field for messages, and whether the field is as requested. */
export type FieldCheck = readonly [field: string, isAsAsked: boolean];

export const failed = (checks: readonly FieldCheck[]): string[] =>
  checks.filter(([, isAsAsked]) => !isAsAsked).map(([field]) => field);

export const unreadable = "a form that can't be read back";

/** Returns the certificate of a TBSCertificate, without a valid signature; undefined if it can't be read. */
export function readBack(tbs: Uint8Array, issuerKeySpec: KeySpec): Certificate | undefined {
  try {
    return parseCertificate(
      write.sequence(tbs, signatureAlgorithmDer(issuerKeySpec), write.bitString(Uint8Array.of(0))),
    );
  } catch {
    return undefined;
  }
}

/** Checks the fields of every certificate, and the subject key identifier. */
export function commonFields(certificate: Certificate, request: CertificateRequest): readonly FieldCheck[] {
  const { subject, spki, issuer, notBefore, notAfter } = request;
  const fields = certificateFields(certificate.der);
  const identifier = subjectKeyIdentifier(certificate);
  return [
    ['version', fields.version === 3],
    ['serial number', sameBytes(fields.serialNumber, request.serialNumber)],
    ['issuer', sameBytes(certificate.issuer, issuer === 'self' ? subject : issuer.subject)],
    ['subject', sameBytes(certificate.subject, subject)],
    ['public key', sameBytes(certificate.spki, spki)],
    ['notBefore', certificate.notBefore === notBefore],
    ['notAfter', certificate.notAfter === notAfter],
    ['unique identifiers', fields.issuerUniqueId === undefined && fields.subjectUniqueId === undefined],
    ['subject key identifier', identifier !== undefined && sameBytes(identifier, keyIdentifier(spki))],
  ];
}

/** `value` is undefined if the value is checked elsewhere. */
export type ExpectedExtension = Pick<Extension, 'oid' | 'critical'> & { readonly value?: Uint8Array };

/** Returns the extensions that are missing, additional, or differ in criticality or value. */
export function differingExtensions(certificate: Certificate, expected: readonly ExpectedExtension[]): string[] {
  const wrong = expected.filter(({ oid, critical, value }) => {
    const found = findExtension(certificate, oid);
    return found?.critical !== critical || (value !== undefined && !sameBytes(found.value, value));
  });
  const added = certificate.extensions.filter(({ oid }) => expected.every((each) => each.oid !== oid));
  return [...wrong, ...added].map(({ oid }) => nameOfOid(oid));
}
