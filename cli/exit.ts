/** The exit codes and error messages of a command. docs/cli.md lists the codes from here. */
import { RenewalError, toRenewalError } from '../lambdas/domain/errors.ts';

export const exitCodes = {
  ok: { code: 0, meaning: 'done; nothing needs your attention' },
  attention: {
    code: 1,
    meaning:
      'something needs your attention: a certificate is overdue or failing, one of the named secrets failed, or `doctor` found a fault',
  },
  usage: { code: 2, meaning: 'the command line or the configuration is wrong; nothing was done' },
  failed: {
    code: 3,
    meaning:
      'the command failed as a whole: no stack, no credentials, no permission, no answer from AWS, a failed deployment',
  },
  interrupted: { code: 130, meaning: 'Ctrl-C: completed work stays, the rest is untouched' },
} as const;

export type Exit = keyof typeof exitCodes;

/** The command line or the configuration is wrong. The message says what was found and what is allowed. */
export class UsageError extends Error {}

/** Messages of the functions about AWS, reworded for a person at a terminal. */
const forPeople: readonly (readonly [RegExp, string])[] = [
  [
    / stopped this renewal\. Report it.*$/,
    ' stopped the command: a fault of cert-renewer itself. Report it with the command that you typed.',
  ],
  [
    /: allow it to the function's role.*$/,
    ': allow it to your user or role (docs/cli.md lists what each command needs), and check the policy of the resource.',
  ],
  [
    /: the secret is encrypted with a key that may not be used.*$/,
    ': the secret is encrypted with a customer key: allow kms:Decrypt and kms:GenerateDataKey on it to your user or role.',
  ],
  [
    /: the credentials are missing.*$/,
    ': the credentials are missing, expired or for another Region: log in, or name a profile of your AWS configuration with --profile-name.',
  ],
  [
    /: this passes by itself, and the call is tried again\.$/,
    ': AWS did not answer, or limits the rate of calls: try again.',
  ],
];

/** True for errors of the system (no such host, no such file) and of AWS. Errors of other libraries may quote a key. */
function isOfSystem(cause: unknown): cause is Error {
  return cause instanceof Error && cause.name !== 'SyntaxError' && ('syscall' in cause || '$metadata' in cause);
}

const notLoggedIn = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** Returns code and message of any thrown value, worded for a person. */
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
