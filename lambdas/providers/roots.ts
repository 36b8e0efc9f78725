/** Reads the trusted roots of a profile. */
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { encodePem, pemBlocks } from '../domain/pem.ts';

/** OpenSSL before 0.9 wrote the second label. */
const labels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

export interface Roots {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  /** PEM for TLS. It is written again, because OpenSSL reads no indented block, and none after a byte order mark. */
  readonly pem: string;
}

/** Reads the roots. Throws InvalidRequest for text that is not PEM or has no certificate. */
export function rootsOf(text: string): Roots {
  const where = 'The root of the profile';
  const code: ErrorCode = 'InvalidRequest';
  const certificates = pemBlocks(text, where, code)
    .filter(({ label }) => labels.has(label))
    .map(({ der }) => der);
  if (certificates.length > 0) {
    return { certificates, pem: certificates.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join('') };
  }
  throw new RenewalError(code, `${where} contains no certificate: expected one or more PEM blocks BEGIN CERTIFICATE.`);
}
