/** Checks a certificate before it is signed, for an issuer's mistakes against RFC 5280. */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { formatInstant } from '../domain/instant.ts';
import { certificateFields } from './certificate.ts';
import { authorityKeyIdentifier, findExtension, keyUsages, subjectKeyIdentifier } from './extensions.ts';
import { oids } from './oids.ts';

/** A rule: returns a sentence about the problem, or undefined. */
type Rule = (certificate: Certificate, issuer: Certificate) => string | undefined;

const leastSerialOctets = 8;
const mostSerialOctets = 20;

const rules: readonly Rule[] = [
  // Section 4.1.2.2; eight octets, so that 64 bits are unpredictable.
  ({ serialNumber }) => {
    const octets = serialNumber.length / 2;
    return octets < leastSerialOctets || octets > mostSerialOctets
      ? `the serial number has ${octets} octets, expected ${leastSerialOctets} to ${mostSerialOctets}`
      : undefined;
  },
  ({ der }) => ((certificateFields(der).serialNumber[0] ?? 0) >= 0x80 ? 'the serial number is negative' : undefined),
  ({ notBefore, notAfter }) => (notAfter <= notBefore ? 'the validity does not end after it begins' : undefined),
  ({ notAfter }, issuer) =>
    notAfter > issuer.notAfter
      ? `it ends at ${formatInstant(notAfter)}, after its issuer at ${formatInstant(issuer.notAfter)}`
      : undefined,
  ({ issuer: name }, issuer) =>
    sameBytes(name, issuer.subject) ? undefined : "the issuer's name differs from the subject of the issuer",
  // Sections 4.2.1.1 and 4.2.1.2.
  (certificate, issuer) => {
    const [named, actual] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(issuer)];
    return named === undefined || actual === undefined || sameBytes(named, actual)
      ? undefined
      : "the authority key identifier is not the issuer's subject key identifier";
  },
  // Sections 4.2.1.3 and 4.2.1.9.
  (certificate) => {
    const signs = keyUsages(certificate)?.includes('keyCertSign') ?? false;
    return signs && !certificate.isCa ? 'it may sign certificates (keyUsage) but is not a CA' : undefined;
  },
  (certificate) =>
    certificate.isCa && findExtension(certificate, oids.subjectKeyIdentifier) === undefined
      ? 'it is a CA certificate without a subject key identifier'
      : undefined,
  ({ isCa, subject }, issuer) =>
    isCa && issuer.pathLength === 0 && !sameBytes(subject, issuer.subject)
      ? 'its issuer allows no CA certificates below it (pathLen 0)'
      : undefined,
];

/**
 * Returns the problems of `certificate`, one sentence each. The issuer of a self-signed certificate is the certificate itself. Throws
 * InvalidCertificate only where parseCertificate would.
 */
export function lint(certificate: Certificate, issuer: Certificate): string[] {
  return rules.flatMap((rule) => rule(certificate, issuer) ?? []);
}
