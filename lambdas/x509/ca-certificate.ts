/** The first certificate of an authority. */

import { context, integer, sequence, time, unsignedInteger } from '../asn1/write.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import { signatureAlgorithmDer } from './algorithms.ts';
import {
  authorityKeyIdentifierOf,
  caBasicConstraints,
  encodeExtension,
  keyUsageOf,
  nameConstraintsOf,
  subjectKeyIdentifierOf,
} from './extension-values.ts';
import type { NewValidity } from './reissue.ts';

export interface CaCertificateRequest extends NewValidity {
  /** DER of the Name (parseName). */
  readonly subject: Uint8Array;
  /** DER of the authority's public key. */
  readonly spki: Uint8Array;
  /** The parent's certificate; `self` for a root. */
  readonly issuer: Certificate | 'self';
  /** Of the key that will sign. */
  readonly issuerKeySpec: KeySpec;
  readonly serialNumber: Uint8Array;
  /** CA certificates that may stand below it; undefined: any number. */
  readonly pathLength: number | undefined;
  /** DER of GeneralNames (constraintBase); both empty: no constraints. */
  readonly permitted: readonly Uint8Array[];
  readonly excluded: readonly Uint8Array[];
}

/**
 * The TBSCertificate of a CA by RFC 5280: basicConstraints and keyUsage (keyCertSign, cRLSign) critical, SKI, AKI but on a
 * root, which needs none (section 4.2.1.1), and name constraints where there are any. Pure.
 */
export function buildCaCertificate(request: CaCertificateRequest): Uint8Array {
  const { subject, spki, issuer, permitted, excluded } = request;
  const extensions: Extension[] = [
    keyUsageOf('keyCertSign', 'cRLSign'),
    caBasicConstraints(request.pathLength),
    subjectKeyIdentifierOf(spki),
    ...(issuer === 'self' ? [] : [authorityKeyIdentifierOf(issuer)]),
    ...(permitted.length + excluded.length > 0 ? [nameConstraintsOf(permitted, excluded)] : []),
  ];
  return sequence(
    context(0, integer(2)),
    unsignedInteger(request.serialNumber),
    signatureAlgorithmDer(request.issuerKeySpec),
    issuer === 'self' ? subject : issuer.subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    spki,
    context(3, sequence(...extensions.map(encodeExtension))),
  );
}
