/** The description of a certificate in answers, events and log lines (docs/invoke.md). */
import type { Certificate } from '../domain/certificate.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatKeySpec } from '../domain/key-spec.ts';
import { fingerprintSha256 } from './certificate.ts';
import { subjectAltNames } from './general-names.ts';
import { formatName } from './names.ts';

export interface CertificateDescription {
  /** RFC 4514; '' for the empty name. */
  readonly subject: string;
  /** `dns:`, `ip:`, `email:`, `uri:` and the value. */
  readonly sans: readonly string[];
  readonly serialNumber: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** `EC P-256`, `RSA 2048`, `OKP Ed25519`; null for a kind of key that the product does not support. */
  readonly keyAlgorithm: string | null;
  readonly fingerprintSha256: string;
}

/** Describes a certificate. Never throws for one from parseCertificate. */
export function describeCertificate(certificate: Certificate): CertificateDescription {
  return {
    subject: formatName(certificate.subject),
    sans: subjectAltNames(certificate),
    serialNumber: certificate.serialNumber,
    notBefore: formatInstant(certificate.notBefore),
    notAfter: formatInstant(certificate.notAfter),
    keyAlgorithm: certificate.keySpec === undefined ? null : formatKeySpec(certificate.keySpec),
    fingerprintSha256: fingerprintSha256(certificate),
  };
}
