/** The first certificate of an authority: written by a library, and read back here before the caller signs it. */
import * as write from '../asn1/writer.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import { signatureAlgorithmDer } from './algorithms.ts';
import { certificateFields, parseCertificate } from './certificate.ts';
import { authorityKeyIdentifierOf, keyIdentifier, nameConstraintsOf } from './extension-values.ts';
import { findExtension, keyUsages, subjectKeyIdentifier } from './extensions.ts';
import { nameOfOid, oids } from './oids.ts';
import type { CaCertificateRequest } from './peculiar.ts';

/**
 * The TBSCertificate of a CA by RFC 5280, ready to be signed: keyUsage (keyCertSign, cRLSign) and basicConstraints
 * critical, SKI, AKI but on a root, which needs none (section 4.2.1.1), and name constraints where there are any.
 *
 * Throws CertificateRejected where what the library wrote is not what was asked for.
 */
export async function buildCaCertificate(request: CaCertificateRequest): Promise<Uint8Array> {
  const { writeCaCertificate } = await import('./peculiar.ts');
  let tbs: Uint8Array;
  try {
    tbs = await writeCaCertificate(request);
  } catch (cause) {
    throw rejected('the library does not write it', cause);
  }
  const fields = differingFields(tbs, request);
  if (fields.length > 0) throw rejected(`it differs in ${fields.join(', ')}`);
  return tbs;
}

function rejected(problem: string, cause?: unknown): RenewalError {
  return new RenewalError(
    'CertificateRejected',
    `The certificate was not signed, because it would not be what was asked for: ${problem}. Give the authority, or its parent, a name of ordinary characters and types.`,
    { cause },
  );
}

/** The fields of a TBSCertificate that are not as asked for; empty where all are. */
export function differingFields(tbs: Uint8Array, request: CaCertificateRequest): string[] {
  const expectedAlgorithm = signatureAlgorithmDer(request.issuerKeySpec);
  let certificate: Certificate;
  try {
    certificate = parseCertificate(write.sequence(tbs, expectedAlgorithm, write.bitString(Uint8Array.of(0))));
  } catch {
    return ['a form that can not be read back'];
  }
  const { subject, spki, issuer, notBefore, notAfter, pathLength } = request;
  const fields = certificateFields(certificate.der);
  const checks: readonly (readonly [field: string, isAsAsked: boolean])[] = [
    ['version', fields.version === 3],
    ['serial number', sameBytes(fields.serialNumber, request.serialNumber)],
    ['issuer', sameBytes(certificate.issuer, issuer === 'self' ? subject : issuer.subject)],
    ['subject', sameBytes(certificate.subject, subject)],
    ['public key', sameBytes(certificate.spki, spki)],
    ['notBefore', certificate.notBefore === notBefore],
    ['notAfter', certificate.notAfter === notAfter],
    ['unique identifiers', fields.issuerUniqueId === undefined && fields.subjectUniqueId === undefined],
    ['CA', certificate.isCa],
    ['path length', certificate.pathLength === pathLength],
    ['key usage', keyUsages(certificate)?.join() === 'keyCertSign,cRLSign'],
    ['subject key identifier', isSame(subjectKeyIdentifier(certificate), keyIdentifier(spki))],
  ];
  return [
    ...checks.filter(([, isAsAsked]) => !isAsAsked).map(([field]) => field),
    ...differingExtensions(certificate, request),
  ];
}

const isSame = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && sameBytes(a, b);

/** Which extensions there are, which of them are critical, and the values of those that are not in words above. */
function differingExtensions(
  certificate: Certificate,
  { issuer, permitted, excluded }: CaCertificateRequest,
): string[] {
  const authorityKey = issuer === 'self' ? undefined : authorityKeyIdentifierOf(issuer);
  const constraints = permitted.length + excluded.length === 0 ? undefined : nameConstraintsOf(permitted, excluded);
  const expected: readonly (Pick<Extension, 'oid' | 'critical'> & { readonly value?: Uint8Array })[] = [
    { oid: oids.keyUsage, critical: true },
    { oid: oids.basicConstraints, critical: true },
    { oid: oids.subjectKeyIdentifier, critical: false },
    ...(authorityKey === undefined ? [] : [authorityKey]),
    ...(constraints === undefined ? [] : [constraints]),
  ];
  const wrong = expected.filter(({ oid, critical, value }) => {
    const found = findExtension(certificate, oid);
    return found?.critical !== critical || (value !== undefined && !sameBytes(found.value, value));
  });
  const added = certificate.extensions.filter(({ oid }) => expected.every((each) => each.oid !== oid));
  return [...wrong, ...added].map(({ oid }) => nameOfOid(oid));
}
