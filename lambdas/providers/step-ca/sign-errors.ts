/** Converts step-ca's errors for /sign, as measured on v0.30.2, and says what to do. */
import { RenewalError } from '../../domain/errors.ts';
import { quote } from '../../domain/quote.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { type Asked, wordsOf } from './errors.ts';

export interface SignAsked extends Pick<Asked, 'host' | 'now'> {
  /** Name of the provisioner. */
  readonly provisioner: string;
  /** The `kid` of the token; undefined if it comes from the secret. */
  readonly kid: string | undefined;
}

/** Returns the error for an answer without success. */
export function signRefusal(answer: HttpsAnswer, asked: SignAsked): RenewalError {
  const words = wordsOf(answer, asked);
  if (words instanceof RenewalError) return words;
  const { message, said, pause } = words;
  const { status } = answer;
  // The status is 500, but a template fails until somebody changes it.
  const advice = adviceFor(message, asked) ?? (status < 500 ? byStatus(status, asked) : undefined);
  if (advice === undefined) return new RenewalError('CaUnavailable', said, pause);
  return new RenewalError('CaRejected', `${said} ${advice}`);
}

/** Returns advice by the CA's message. Most messages are Go's, so only words that have not changed for years are matched. */
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
      'Remove this name from the declaration, or allow it in the policy of the CA and in the name constraints of its certificates.',
  ],
  [
    /certificate template/,
    ({ provisioner }) => `Check the template of the provisioner ${quote(provisioner)}; see the CA's log.`,
  ],
];

function byStatus(status: number, { host, provisioner, kid }: SignAsked): string {
  if (status === 401) {
    // All of these have the same answer.
    return `Check the provisioner ${quote(provisioner)} of the CA: it must exist, have the type JWK, and have the public half of the profile's key with the kid ${kid === undefined ? 'of that JWK' : quote(kid)}. ${host} must be one of the CA's dnsNames, and the CA's clock must be right to the minute. See the CA's log.`;
  }
  if (status === 404) return 'Check the path in the url of the profile.';
  if (status === 403) return "A policy, a template or a webhook of the CA does not allow it: see the CA's log.";
  return "See the CA's log for the reason, such as a template that rejects it.";
}
