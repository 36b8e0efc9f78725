/** How a command ends, for the shell: stable, and listed in docs/cli.md from here. */
import { RenewalError, toRenewalError } from '../lambdas/domain/errors.ts';

export const exitCodes = {
  ok: { code: 0, meaning: 'done, and nothing needs you' },
  attention: {
    code: 1,
    meaning:
      'something needs you: a certificate is overdue or failing, one of those asked for could not be done, or the doctor found a fault',
  },
  usage: { code: 2, meaning: 'the command line is wrong: nothing was done' },
  failed: {
    code: 3,
    meaning: 'it could not be done at all: no stack, no credentials, no permission, no answer of AWS',
  },
  interrupted: { code: 130, meaning: 'Ctrl-C: what was done is done, the rest is untouched' },
} as const;

export type Exit = keyof typeof exitCodes;

/** The command line is wrong. Its message says what was found and what is allowed. */
export class UsageError extends Error {}

/** What an error says of AWS to a function of the stack, said to a person at a terminal. */
const forPeople: readonly (readonly [RegExp, string])[] = [
  [/ stopped this renewal\. Report it.*$/, ' stopped it, in cert-renewer itself. Report it with what you typed.'],
  [
    /: allow it to the function's role.*$/,
    ': allow it to your user or role (docs/cli.md says what each command needs), and see the resource’s own policy.',
  ],
  [
    /: the secret is encrypted with a key that may not be used.*$/,
    ': the secret is encrypted with a customer key: allow kms:Decrypt and kms:GenerateDataKey on it to your user or role.',
  ],
  [
    /: the credentials are missing.*$/,
    ': the credentials are missing, expired or of another Region: log in, or name a profile of your AWS configuration with --profile-name.',
  ],
  [/: this passes by itself, and the call is tried again\.$/, ': AWS did not answer, or asks to go slower: try again.'],
];

/** The system's own words (no such host, no such file), or AWS's. Any other library's may quote what it was given: a key. */
function isOfSystem(cause: unknown): cause is Error {
  return cause instanceof Error && cause.name !== 'SyntaxError' && ('syscall' in cause || '$metadata' in cause);
}

const notLoggedIn = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** Any thrown value as code and message for a person. */
export function explain(thrown: unknown): { readonly errorType: string; readonly message: string } {
  if (thrown instanceof UsageError) return { errorType: 'Usage', message: thrown.message };
  const origin = thrown instanceof RenewalError && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (origin instanceof Error && /Region is missing/.test(origin.message)) {
    const message = 'No Region: name it with --region, AWS_REGION or in your AWS configuration.';
    return { errorType: 'Usage', message };
  }
  if (origin instanceof Error && notLoggedIn.has(origin.name)) {
    const message = `${origin.message} (${origin.name}): log in first, or name a profile of your AWS configuration with --profile-name.`;
    return { errorType: 'AccessDenied', message };
  }
  const error = toRenewalError(thrown);
  if (error.code === 'Internal' && isOfSystem(error.cause)) {
    return { errorType: 'Internal', message: `${error.cause.name}: ${error.cause.message}` };
  }
  const message = forPeople.reduce((text, [pattern, words]) => text.replace(pattern, words), error.message);
  return { errorType: error.code, message };
}
