/** Converts errors of step-ca and of TLS to the product's. */
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { TransportError, toCaError } from '../../net/transport-error.ts';
import { jsonObject, quoted, retryAfter } from '../ca-answer.ts';

/** The context of a call that its errors need. */
export interface Asked {
  readonly host: string;
  readonly leaf: Certificate;
  readonly now: Instant;
}

/** A permanent rejection by the CA itself. Another way to renew may still succeed. */
export class Refusal extends RenewalError {}

/** Milliseconds by which the CA's clock may differ from ours. */
const clockSkew = 60_000;

/**
 * Returns the error for an answer without success. In this order: the CA's clear statement, then the certificate's dates (outside of its
 * validity most answers of step-ca are the same 401), then the status.
 */
export function refusal(answer: HttpsAnswer, asked: Asked): RenewalError {
  const { status } = answer;
  const { host, leaf, now } = asked;
  const words = wordsOf(answer, asked);
  if (words instanceof RenewalError) return words;
  const { message, said, pause } = words;
  if (status >= 500) {
    // The status is 500, but the token stays unacceptable, because of its audience or its signature.
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
  return new Refusal('CaRejected', `${said} ${hints.get(status) ?? "See the CA's log for the reason."}`);
}

/** The CA's message, for any request. */
export interface Words {
  readonly message: string;
  /** The beginning of an error's message. */
  readonly said: string;
  readonly pause: Pick<RenewalError, 'retryAfter' | 'busy'>;
}

/** Returns the CA's words, or an error for an answer that is not the CA's own or only means "later". */
export function wordsOf(answer: HttpsAnswer, { host, now }: Pick<Asked, 'host' | 'now'>): Words | RenewalError {
  const { status } = answer;
  const fields = jsonObject(answer);
  const pause = { retryAfter: retryAfter(answer, now), busy: status === 429 };
  if (fields === undefined) return notTheCas(status, host, pause);
  const message = typeof fields['message'] === 'string' ? fields['message'] : 'no message';
  const said = `The CA at ${host} answered ${status}: ${quoted(message)}.`;
  if (status === 429)
    return new RenewalError('CaUnavailable', `${said} It accepts no more requests at the moment.`, pause);
  return { message, said, pause };
}

const hints: ReadonlyMap<number, string> = new Map([
  [400, 'If a proxy in front of the CA ends TLS or drops the Authorization header, let both pass through to the CA.'],
  [
    401,
    "The certificate may be revoked or from another CA, its provisioner may be removed, or renewal disabled: see the CA's log.",
  ],
  [403, 'A policy of the CA does not allow it.'],
  [404, 'Check the path in the url of the profile.'],
]);

function notTheCas(status: number, host: string, pause: Pick<RenewalError, 'retryAfter' | 'busy'>): RenewalError {
  const found = `The answer of ${host} (status ${status}) is not step-ca's JSON`;
  // 429 comes from a proxy in front of the CA, and passes.
  if (status >= 500 || status === 429) {
    return new RenewalError('CaUnavailable', `${found}: the CA, or a proxy in front of it, has a problem.`, pause);
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
    `The certificate expired at ${formatInstant(leaf.notAfter)} and the CA does not renew it. ${said} Set allowRenewalAfterExpiry in the claims of its provisioner at ${host}, or store a new certificate in the secret.`,
  );
}

function notYetValid({ leaf }: Asked, said: string): RenewalError {
  return new RenewalError(
    'NotYetValid',
    `The certificate is not valid before ${formatInstant(leaf.notBefore)}. ${said} Wait until then, or store a valid certificate in the secret.`,
  );
}

/** Returns the error for a call without a complete answer. Errors other than TransportError stay unchanged. */
export function callFailure(error: unknown, asked: Asked): unknown {
  if (!(error instanceof TransportError) || error.kind !== 'clientCertificate') return toCaError(error);
  const { leaf, now } = asked;
  const said = `${error.message}.`;
  if (isExpiryAlert(error)) {
    // RFC 8446 section 6.2 has no alert for "not yet valid". So this alert covers that too, and also the dates of the chain.
    const early = now < leaf.notBefore || (now <= leaf.notBefore + clockSkew && now < leaf.notAfter - clockSkew);
    if (early) return notYetValid(asked, said);
    if (now > leaf.notAfter - clockSkew) return expired(asked, said);
    const until = formatInstant(leaf.notAfter);
    return new RenewalError(
      'CertificateExpired',
      `${said} The certificate itself is valid until ${until}: check the dates of the intermediate in the secret, and the CA's clock.`,
    );
  }
  const hint =
    error.alert === 'unknown_ca'
      ? "It does not lead to a root of the CA: check that the certificate is from the profile's CA, and that the secret contains its intermediate."
      : "See the CA's log for the reason, such as an unknown critical extension or an unsupported key.";
  return new RenewalError('CaRejected', `${said} ${hint}`, { cause: error });
}

/** Whether TLS rejected the client's certificate for its dates or those of its chain. */
export function isExpiryAlert(error: unknown): boolean {
  return error instanceof TransportError && error.alert === 'certificate_expired';
}
