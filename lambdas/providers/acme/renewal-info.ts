/** ACME Renewal Information (RFC 9773): when a CA wants a certificate to be replaced. */
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { SuggestedWindow } from '../../domain/ports.ts';
import { authorityKeyIdentifier } from '../../x509/extensions.ts';
import { base64url } from '../jws.ts';
import { type Exchange, fetchOpen } from './exchange.ts';
import { fieldsIn, objectOf } from './fields.ts';
import { Problem } from './problems.ts';

/** Returns a certificate's id (section 4.1); undefined without an authority key identifier. */
export function certificateId(certificate: Certificate): string | undefined {
  const keyIdentifier = authorityKeyIdentifier(certificate);
  if (keyIdentifier === undefined) return undefined;
  const { serialNumber } = certificate;
  // The contents of the DER INTEGER: a leading 00 if the highest bit is set, as a serial number is positive.
  const octets = /^[89a-f]/.test(serialNumber) ? `00${serialNumber}` : serialNumber;
  return `${base64url(keyIdentifier)}.${base64url(Buffer.from(octets, 'hex'))}`;
}

/** Returns the window; undefined if the CA suggests none for this certificate. Throws what CaProvider.ask throws. */
export async function fetchWindow(
  exchange: Exchange,
  renewalInfo: URL,
  leaf: Certificate,
): Promise<SuggestedWindow | undefined> {
  const id = certificateId(leaf);
  if (id === undefined) return undefined;
  const { host } = exchange;
  try {
    const answer = await fetchOpen(exchange, new URL(`${renewalInfo.href.replace(/\/$/, '')}/${id}`));
    const window = fieldsIn(objectOf(answer, 'the renewal information', host)['suggestedWindow']) ?? {};
    const [start, end] = [window['start'], window['end']].map(instantIn);
    if (start !== undefined && end !== undefined && end > start) return { start, end };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
  // Section 4.2: such an answer counts as none.
  throw new RenewalError('CaUnavailable', `The CA at ${host} answered with a suggested window that is none.`);
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function instantIn(value: unknown): number | undefined {
  const instant = typeof value === 'string' && rfc3339.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isFinite(instant) ? instant : undefined;
}
