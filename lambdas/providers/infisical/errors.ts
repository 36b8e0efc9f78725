/** Converts Infisical's errors to the product's. */
import { RenewalError } from '../../domain/errors.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jsonObject, quoted, retryAfter } from '../ca-answer.ts';

export interface Refused {
  readonly host: string;
  readonly asked: 'login' | 'renewal';
  /** Secrets that were sent and must not appear in messages: the client secret, the access token. */
  readonly secrets: readonly string[];
}

/** Hints by request and status. */
const hints: Readonly<Record<Refused['asked'], ReadonlyMap<number, string>>> = {
  login: new Map([
    [401, 'Check clientId and clientSecret in the auth secret of the profile; a client secret may have expired.'],
    [403, 'Check the trusted addresses of the machine identity.'],
    [404, 'Check the url of the profile, and clientId in its auth secret.'],
  ]),
  renewal: new Map([
    [400, 'The new validity must end before that of the parent CA, and a disabled CA is not renewed.'],
    [401, 'A new login did not help: check the auth secret of the profile.'],
    [403, 'Allow the machine identity to renew this certificate authority.'],
    [404, 'Check caId and apiPath of the profile.'],
  ]),
};

/** Returns the error for an answer without success. 429 and 5xx may pass; all others need a change by the user. */
export function refusal(answer: HttpsAnswer, { host, asked, secrets }: Refused): RenewalError {
  const { status } = answer;
  const fields = jsonObject(answer);
  const passes = status === 429 || status >= 500;
  const pause = { retryAfter: retryAfter(answer), busy: status === 429 };
  if (fields === undefined) return notInfisicals(status, host, passes, pause);
  const said = `Infisical at ${host} answered the ${asked} with ${status}: ${quoted(messageOf(fields), secrets)}.`;
  if (passes) return new RenewalError('CaUnavailable', said, pause);
  const redirect = status >= 300 && status < 400 ? 'Redirects are not followed: check the url of the profile.' : '';
  return new RenewalError('CaRejected', `${said} ${hints[asked].get(status) ?? redirect}`.trimEnd());
}

/** Returns the message: a text, or (422) a list of issues. */
function messageOf({ message, error }: Readonly<Record<string, unknown>>): string {
  if (typeof message === 'string') return message;
  if (message !== undefined && message !== null) return JSON.stringify(message);
  return typeof error === 'string' ? error : 'no message';
}

function notInfisicals(
  status: number,
  host: string,
  passes: boolean,
  pause: Pick<RenewalError, 'retryAfter' | 'busy'>,
): RenewalError {
  const found = `The answer of ${host} (status ${status}) is not Infisical's JSON`;
  if (passes) {
    return new RenewalError('CaUnavailable', `${found}: Infisical, or a proxy in front of it, has a problem.`, pause);
  }
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
  return new RenewalError('CaRejected', `${found}: check that the url of the profile leads to Infisical.${redirect}`);
}
