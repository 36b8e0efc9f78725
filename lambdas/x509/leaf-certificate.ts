/** Builds the first certificate of a declaration. A library writes it; it is checked here before the caller signs it. */
import { RenewalError } from '../domain/errors.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import { authorityKeyIdentifierOf } from './extension-values.ts';
import { extendedKeyUsages, keyUsages } from './extensions.ts';
import { subjectAltNames } from './general-names.ts';
import { oids } from './oids.ts';
import type { LeafCertificateRequest, LeafKeyUsage } from './peculiar.ts';
import { commonFields, differingExtensions, type FieldCheck, failed, readBack, unreadable } from './read-back.ts';

/** Returns the key usages of a leaf (RFC 5280 section 4.2.1.3): every key signs; RSA also encrypts keys, for TLS before 1.3. */
export function leafKeyUsages(spec: KeySpec): readonly LeafKeyUsage[] {
  return spec.kty === 'RSA' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

/**
 * Returns the TBSCertificate of a leaf (RFC 5280), ready to be signed: critical keyUsage, extendedKeyUsage, SKI, AKI, and subjectAltName,
 * critical if the subject is empty. A leaf needs no basicConstraints (section 4.2.1.9).
 *
 * Throws CertificateRejected if the library writes something else than requested.
 */
export async function buildLeafCertificate(request: LeafCertificateRequest): Promise<Uint8Array> {
  const { writeLeafCertificate } = await import('./peculiar.ts');
  let tbs: Uint8Array;
  try {
    tbs = await writeLeafCertificate(request);
  } catch (cause) {
    throw rejected("the library can't write it", cause);
  }
  const fields = differingLeafFields(tbs, request);
  if (fields.length > 0) throw rejected(`it differs in ${fields.join(', ')}`);
  return tbs;
}

function rejected(problem: string, cause?: unknown): RenewalError {
  return new RenewalError(
    'CertificateRejected',
    `The certificate was not signed, because it would differ from the declaration: ${problem}. Declare names of ordinary characters and types.`,
    { cause },
  );
}

/** Returns the fields of a TBSCertificate that differ from the request. */
export function differingLeafFields(tbs: Uint8Array, request: LeafCertificateRequest): string[] {
  const certificate = readBack(tbs, request.issuerKeySpec);
  if (certificate === undefined) return [unreadable];
  const { subject, names } = request;
  const checks: readonly FieldCheck[] = [
    ...commonFields(certificate, request),
    ['no CA', !certificate.isCa],
    ['key usage', keyUsages(certificate)?.join() === request.keyUsages.join()],
    ['extended key usage', extendedKeyUsages(certificate)?.join() === request.usages.join()],
    ['names', subjectAltNames(certificate).join('\n') === names.join('\n')],
  ];
  const isNameless = subject.length === 2; // an empty SEQUENCE
  return [
    ...failed(checks),
    ...differingExtensions(certificate, [
      { oid: oids.keyUsage, critical: true },
      { oid: oids.extendedKeyUsage, critical: false },
      { oid: oids.subjectKeyIdentifier, critical: false },
      authorityKeyIdentifierOf(request.issuer),
      { oid: oids.subjectAltName, critical: isNameless },
    ]),
  ];
}
