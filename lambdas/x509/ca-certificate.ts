/** Builds the first certificate of an authority. A library writes it; it is checked here before the caller signs it. */
import { RenewalError } from '../domain/errors.ts';
import { authorityKeyIdentifierOf, nameConstraintsOf } from './extension-values.ts';
import { keyUsages } from './extensions.ts';
import { oids } from './oids.ts';
import type { CaCertificateRequest } from './peculiar.ts';
import {
  commonFields,
  differingExtensions,
  type ExpectedExtension,
  type FieldCheck,
  failed,
  readBack,
  unreadable,
} from './read-back.ts';

/**
 * Returns the TBSCertificate of a CA (RFC 5280), ready to be signed: critical keyUsage (keyCertSign, cRLSign), critical basicConstraints,
 * SKI, AKI except on a root (section 4.2.1.1), and name constraints if there are any.
 *
 * Throws CertificateRejected if the library writes something else than requested.
 */
export async function buildCaCertificate(request: CaCertificateRequest): Promise<Uint8Array> {
  const { writeCaCertificate } = await import('./peculiar.ts');
  let tbs: Uint8Array;
  try {
    tbs = await writeCaCertificate(request);
  } catch (cause) {
    throw rejected("the library can't write it", cause);
  }
  const fields = differingFields(tbs, request);
  if (fields.length > 0) throw rejected(`it differs in ${fields.join(', ')}`);
  return tbs;
}

function rejected(problem: string, cause?: unknown): RenewalError {
  return new RenewalError(
    'CertificateRejected',
    `The certificate was not signed, because it would differ from the request: ${problem}. Give the authority, or its parent, a name of ordinary characters and types.`,
    { cause },
  );
}

/** Returns the fields of a TBSCertificate that differ from the request. */
export function differingFields(tbs: Uint8Array, request: CaCertificateRequest): string[] {
  const certificate = readBack(tbs, request.issuerKeySpec);
  if (certificate === undefined) return [unreadable];
  const checks: readonly FieldCheck[] = [
    ...commonFields(certificate, request),
    ['CA', certificate.isCa],
    ['path length', certificate.pathLength === request.pathLength],
    ['key usage', keyUsages(certificate)?.join() === 'keyCertSign,cRLSign'],
  ];
  return [...failed(checks), ...differingExtensions(certificate, expectedExtensions(request))];
}

function expectedExtensions({ issuer, permitted, excluded }: CaCertificateRequest): readonly ExpectedExtension[] {
  const authorityKey = issuer === 'self' ? undefined : authorityKeyIdentifierOf(issuer);
  const constraints = permitted.length + excluded.length === 0 ? undefined : nameConstraintsOf(permitted, excluded);
  return [
    { oid: oids.keyUsage, critical: true },
    { oid: oids.basicConstraints, critical: true },
    { oid: oids.subjectKeyIdentifier, critical: false },
    ...(authorityKey === undefined ? [] : [authorityKey]),
    ...(constraints === undefined ? [] : [constraints]),
  ];
}
