/** What step-ca refuses of a /sign, as measured on v0.30.2, and what to do about it. */
import { RenewalError } from '../../domain/errors.ts';
import { quote } from '../../domain/quote.ts';
import type { HttpsAnswer } from '../https.ts';
import { type Asked, wordsOf } from './errors.ts';

export interface SignAsked extends Pick<Asked, 'host' | 'now'> {
  /** Its name. */
  readonly provisioner: string;
  /** What its key is called in the token; undefined where that is a text of the secret's own. */
  readonly kid: string | undefined;
}

/** The error for an answer other than success. */
export function signRefusal(answer: HttpsAnswer, asked: SignAsked): RenewalError {
  const words = wordsOf(answer, asked);
  if (words instanceof RenewalError) return words;
  const { message, said, pause } = words;
  const { status } = answer;
  // 500, but a template stays as it is until somebody changes it.
  const advice = adviceFor(message, asked) ?? (status < 500 ? byStatus(status, asked) : undefined);
  if (advice === undefined) return new RenewalError('CaUnavailable', said, pause);
  return new RenewalError('CaRejected', `${said} ${advice}`);
}

/** By the CA's words. Most are Go's texts, so that only what has stayed for years is looked for. */
function adviceFor(message: string, asked: SignAsked): string | undefined {
  return advices.find(([words]) => words.test(message))?.[1](asked);
}

const advices: readonly (readonly [words: RegExp, advice: (asked: SignAsked) => string])[] = [
  [
    /maximum certificate duration/,
    ({ provisioner }) =>
      `Declare a shorter duration, or raise maxTLSCertDuration in the claims of the provisioner ${quote(provisioner)} or of the CA.`,
  ],
  [
    /minimum certificate duration/,
    ({ provisioner }) =>
      `Declare a longer duration, or lower minTLSCertDuration in the claims of the provisioner ${quote(provisioner)} or of the CA.`,
  ],
  [
    /not allowed|not permitted|is excluded/,
    () =>
      'Take this name out of the declaration, or let the policy of the CA and the name constraints of its certificates allow it.',
  ],
  [
    /certificate template/,
    ({ provisioner }) => `Look at the template of the provisioner ${quote(provisioner)}; the CA's log says more.`,
  ],
];

function byStatus(status: number, { host, provisioner, kid }: SignAsked): string {
  if (status === 401) {
    // One answer for all of these.
    return `Look at the provisioner ${quote(provisioner)} of the CA: it has to be there, of type JWK, with the public half of the key of the profile under the kid ${kid === undefined ? 'of that JWK' : quote(kid)}; ${host} has to be among the CA's dnsNames, and its clock right to the minute. The CA's log says which.`;
  }
  if (status === 404) return 'Check the path in the url of the profile.';
  if (status === 403) return "A policy, a template or a webhook of the CA does not allow it: the CA's log says which.";
  return "The CA's log says why: a template that refuses it, for instance.";
}
