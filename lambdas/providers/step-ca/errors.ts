/** step-ca's refusals, and TLS's, as the product's errors. */
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import { jsonObject, quoted, retryAfter } from '../ca-answer.ts';
import type { HttpsAnswer } from '../https.ts';
import { TransportError, toCaError } from '../transport-error.ts';

/** What was asked, of whom and when: all that an error needs besides the answer. */
export interface Asked {
  readonly host: string;
  readonly leaf: Certificate;
  readonly now: Instant;
}

/** A refusal that the CA itself put into words, and for good: another way of asking may still be taken. */
export class Refusal extends RenewalError {}

/** The CA's and our clock may differ by so much before a verdict on dates is taken for more than that. */
const clockSkew = 60_000;

/**
 * The error for an answer other than success. The order matters: what the CA says plainly, then what the certificate's
 * dates say (for a certificate outside its validity most of step-ca's answers are the same 401), then the status.
 */
export function refusal(answer: HttpsAnswer, asked: Asked): RenewalError {
  const { status } = answer;
  const { host, leaf, now } = asked;
  const words = wordsOf(answer, asked);
  if (words instanceof RenewalError) return words;
  const { message, said, pause } = words;
  if (status >= 500) {
    // 500, but a token that step-ca can't accept stays unacceptable: its audience, or its signature.
    if (!message.startsWith('error validating renew token')) return new RenewalError('CaUnavailable', said, pause);
    return new Refusal(
      'CaRejected',
      `${said} The token was made for ${host}: use a name of the CA's dnsNames in the url of the profile.`,
    );
  }
  if (status === 401) {
    if (message.includes('certificate expired on') || now > leaf.notAfter) return expired(asked, said);
    if (now < leaf.notBefore) return notYetValid(asked, said);
  }
  return new Refusal('CaRejected', `${said} ${hints.get(status) ?? "The CA's log says why."}`);
}

/** What the CA says, whatever it was asked for. */
export interface Words {
  readonly message: string;
  /** The beginning of an error's message. */
  readonly said: string;
  readonly pause: Pick<RenewalError, 'retryAfter' | 'busy'>;
}

/** The error of an answer that is not the CA's own, or says no more than "later". */
export function wordsOf(answer: HttpsAnswer, { host, now }: Pick<Asked, 'host' | 'now'>): Words | RenewalError {
  const { status } = answer;
  const fields = jsonObject(answer);
  const pause = { retryAfter: retryAfter(answer, now), busy: status === 429 };
  if (fields === undefined) return notTheCas(status, host, pause);
  const message = typeof fields['message'] === 'string' ? fields['message'] : 'no message';
  const said = `The CA at ${host} answered ${status}: ${quoted(message)}.`;
  if (status === 429) return new RenewalError('CaUnavailable', `${said} It takes no more for the moment.`, pause);
  return { message, said, pause };
}

const hints: ReadonlyMap<number, string> = new Map([
  [400, 'If something in front of the CA ends TLS or drops the Authorization header, let both pass through to it.'],
  [
    401,
    "The certificate may be revoked or of another CA, or its provisioner removed or its renewal disabled: the CA's log says which.",
  ],
  [403, 'A policy of the CA does not allow it.'],
  [404, 'Check the path in the url of the profile.'],
]);

function notTheCas(status: number, host: string, pause: Pick<RenewalError, 'retryAfter' | 'busy'>): RenewalError {
  const found = `The answer of ${host} (status ${status}) is not step-ca's JSON`;
  // 429 comes from what stands in front of a CA, and passes.
  if (status >= 500 || status === 429) {
    return new RenewalError('CaUnavailable', `${found}: the CA, or a proxy before it, is not in order.`, pause);
  }
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
  return new RenewalError(
    'CaRejected',
    `${found}: check that the url of the profile leads to step-ca itself.${redirect}`,
  );
}

function expired({ host, leaf }: Asked, said: string): RenewalError {
  return new RenewalError(
    'CertificateExpired',
    `The certificate expired at ${formatInstant(leaf.notAfter)} and the CA does not renew it. ${said} Set allowRenewalAfterExpiry in the claims of its provisioner at ${host}, or put a new certificate into the secret.`,
  );
}

function notYetValid({ leaf }: Asked, said: string): RenewalError {
  return new RenewalError(
    'NotYetValid',
    `The certificate is not valid before ${formatInstant(leaf.notBefore)}. ${said} Wait until then, or put a certificate that is valid into the secret.`,
  );
}

/** The error for a call without a whole answer. Anything that is no TransportError stays as it is. */
export function callFailure(error: unknown, asked: Asked): unknown {
  if (!(error instanceof TransportError) || error.kind !== 'clientCertificate') return toCaError(error);
  const { leaf, now } = asked;
  const said = `${error.message}.`;
  if (isExpiryAlert(error)) {
    // One alert stands for both (RFC 8446 section 6.2 knows no "not yet valid"), and for the chain's dates.
    const early = now < leaf.notBefore || (now <= leaf.notBefore + clockSkew && now < leaf.notAfter - clockSkew);
    if (early) return notYetValid(asked, said);
    if (now > leaf.notAfter - clockSkew) return expired(asked, said);
    const until = formatInstant(leaf.notAfter);
    return new RenewalError(
      'CertificateExpired',
      `${said} The certificate itself is valid until ${until}: look at the dates of the intermediate in the secret and at the CA's clock.`,
    );
  }
  const hint =
    error.alert === 'unknown_ca'
      ? 'It does not lead to a root of the CA: check that the certificate is of the CA of the profile, and that the secret holds its intermediate.'
      : "The CA's log says why: an unknown critical extension, for instance, or a key that it does not take.";
  return new RenewalError('CaRejected', `${said} ${hint}`, { cause: error });
}

/** TLS refused the client's certificate for its dates, or those of its chain. */
export function isExpiryAlert(error: unknown): boolean {
  return error instanceof TransportError && error.alert === 'certificate_expired';
}
