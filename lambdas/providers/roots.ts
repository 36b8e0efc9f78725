/** The roots of a profile, as a provider trusts them. */
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { encodePem, pemBlocks } from '../domain/pem.ts';

/** The second is what OpenSSL wrote before its 0.9. */
const labels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

export interface Roots {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  /** PEM as TLS takes it: OpenSSL reads no block that is indented, or that a byte order mark stands before. */
  readonly pem: string;
}

/** Throws InvalidRequest for text that is no PEM, and for one without a certificate. */
export function rootsOf(text: string): Roots {
  const where = 'The root of the profile';
  const code: ErrorCode = 'InvalidRequest';
  const certificates = pemBlocks(text, where, code)
    .filter(({ label }) => labels.has(label))
    .map(({ der }) => der);
  if (certificates.length > 0) {
    return { certificates, pem: certificates.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join('') };
  }
  throw new RenewalError(code, `${where} holds no certificate: expected one or more PEM blocks BEGIN CERTIFICATE.`);
}
