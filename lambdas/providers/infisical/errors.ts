/** Infisical's refusals as the product's errors. */
import { RenewalError } from '../../domain/errors.ts';
import { jsonObject, quoted, retryAfter } from '../ca-answer.ts';
import type { HttpsAnswer } from '../https.ts';

export interface Refused {
  readonly host: string;
  readonly asked: 'login' | 'renewal';
  /** What was sent and must not come out again: the client secret, the access token. */
  readonly secrets: readonly string[];
}

/** What to do about it, by what was asked and the status. */
const hints: Readonly<Record<Refused['asked'], ReadonlyMap<number, string>>> = {
  login: new Map([
    [401, 'Check clientId and clientSecret in the auth secret of the profile; a client secret may have ended.'],
    [403, 'Check the trusted addresses of the machine identity.'],
    [404, 'Check the url of the profile, and clientId in its auth secret.'],
  ]),
  renewal: new Map([
    [400, 'A renewal must end before the parent of the CA does, and a disabled CA is not renewed.'],
    [401, 'A new login did not help: check the auth secret of the profile.'],
    [403, 'Allow the machine identity to renew this certificate authority.'],
    [404, 'Check caId and apiPath of the profile.'],
  ]),
};

/** The error for an answer other than success: 429 and 5xx may pass, all else needs somebody to change something. */
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

/** A text, or (422) a list of issues. */
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
    return new RenewalError('CaUnavailable', `${found}: Infisical, or a proxy before it, is not in order.`, pause);
  }
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
  return new RenewalError('CaRejected', `${found}: check that the url of the profile leads to Infisical.${redirect}`);
}
