/** The exit codes, error codes and error messages of a command. docs/cli.md lists the codes from here. */
import { networkCodes } from '../lambdas/aws/error-meanings.ts';
import { RenewalError, toRenewalError } from '../lambdas/domain/errors.ts';
import { inFlags } from './flags.ts';

export const exitCodes = {
  ok: { code: 0, meaning: 'done; nothing needs your attention' },
  attention: {
    code: 1,
    meaning:
      'something needs your attention: a certificate is expired, overdue, failing or not served, a named secret failed or is not enrolled, there are dead letters, or `doctor` found a fault',
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

/** The errors of the command line itself, and how a command ends with each. Errors of certificates have the codes of docs/errors.md. */
export const commandErrors = {
  Usage: { exit: 'usage', meaning: 'the command line or the configuration is wrong' },
  UnknownProfile: { exit: 'usage', meaning: 'the stack has no profile of the name in `--profile`' },
  NoStack: { exit: 'failed', meaning: 'the account and Region have no stack of this name' },
  IncompleteStack: {
    exit: 'failed',
    meaning:
      'the stack lacks a part: its deployment is not complete, or it is not of this version, or another product’s',
  },
  NoCredentials: { exit: 'failed', meaning: 'the AWS credentials are missing, expired or not valid' },
  NoAnswer: { exit: 'failed', meaning: 'AWS can’t be reached, has an error, or limits the rate of calls' },
  Refused: { exit: 'failed', meaning: 'AWS refuses a call for another reason than a permission' },
  FileFailed: { exit: 'failed', meaning: 'a file can’t be read or written' },
  CdkFailed: { exit: 'failed', meaning: 'the AWS CDK failed; its messages say why' },
} as const satisfies Readonly<Record<string, { readonly exit: Exit; readonly meaning: string }>>;

export type CommandErrorCode = keyof typeof commandErrors;

/** An error in the words for a person at a terminal. */
export interface Told {
  readonly errorType: string;
  readonly message: string;
}

/** An error that says itself what a person is told. */
export abstract class ToldError extends Error {
  abstract told(): Told;
}

/** An error of the command line itself. The message says what was found, and what to do. */
export class CommandError extends ToldError {
  readonly code: CommandErrorCode;

  constructor(code: CommandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  told(): Told {
    return { errorType: this.code, message: this.message };
  }
}

/** The command line or the configuration is wrong. The message says what was found and what is allowed. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super('Usage', message);
  }
}

/** Returns whether the words of the command line are to blame. Then nothing is done for any secret. */
export const isUsageError = (thrown: unknown): boolean =>
  thrown instanceof CommandError && commandErrors[thrown.code].exit === 'usage';

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
];

const login = 'log in, or name a profile of your AWS configuration with --profile-name.';
const badCredentials = /: the credentials are missing.*$/;
const passes = /: this passes by itself.*$/;

/** Returns code and message of any thrown value, worded for a person. */
export function explain(thrown: unknown): Told {
  const origin = originOf(thrown);
  if (origin instanceof ToldError) return origin.told();
  return ofSystem(thrown, origin) ?? ofCertificate(thrown);
}

/** Returns how a command ends with this error. */
export function exitOf({ errorType }: Told): Exit {
  return Object.hasOwn(commandErrors, errorType) ? commandErrors[errorType as CommandErrorCode].exit : 'failed';
}

/** Follows the causes of an error of cert-renewer to the error of AWS, of the system, or of the command line. */
function originOf(thrown: unknown): unknown {
  let origin = thrown;
  while (origin instanceof RenewalError && origin.cause instanceof Error) origin = origin.cause;
  return origin;
}

/** The parts of an error of the system or of AWS. */
interface Facts extends Error {
  /** Of the system: ENOENT. */
  readonly code?: unknown;
  readonly syscall?: unknown;
  /** Of AWS. */
  readonly $metadata?: unknown;
}

const notLoggedIn = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** The codes for what AWS has not answered. Any other code has its meaning from a certificate, a CA or a permission. */
const mayBeOfAws: ReadonlySet<string> = new Set(['Internal', 'Throttled', 'KmsUnavailable']);

/** Explains an error that AWS, the network or the file system gave to the command line. Undefined for any other error. */
function ofSystem(thrown: unknown, origin: unknown): Told | undefined {
  if (!(origin instanceof Error)) return undefined;
  const { name, message, code, syscall, $metadata: metadata }: Facts = origin;
  if (/Region is missing/.test(message)) {
    return {
      errorType: 'Usage',
      message: 'No Region: name it with --region, AWS_REGION or in your AWS configuration.',
    };
  }
  if (notLoggedIn.has(name)) {
    return { errorType: 'NoCredentials', message: `${message} (${name}): ${login}` };
  }
  const { code: known, message: said, busy } = toRenewalError(thrown);
  if (badCredentials.test(said)) {
    const why = ': the credentials are missing, expired or for another Region: ';
    return { errorType: 'NoCredentials', message: said.replace(badCredentials, `${why}${login}`) };
  }
  if (!mayBeOfAws.has(known)) return undefined;
  if (typeof code === 'string' && networkCodes.has(code)) {
    const where = passes.test(said) ? said.replace(passes, '') : `A call failed (${code})`;
    const what = message === '' ? '' : ` ${message}.`;
    return {
      errorType: 'NoAnswer',
      message: `${where}: AWS can't be reached.${what} Check the name of the Region, the network and its proxy.`,
    };
  }
  if (passes.test(said)) {
    const why = busy ? 'AWS limits the rate of calls in this account' : 'AWS did not answer, or has an error';
    return { errorType: 'NoAnswer', message: said.replace(passes, `: ${why}. Try again in a minute.`) };
  }
  if (/: a part of the stack is missing: /.test(said)) return { errorType: 'IncompleteStack', message: said };
  if (name === 'SyntaxError' || known !== 'Internal') return undefined;
  // Errors of other libraries may quote a key.
  if (metadata !== undefined) {
    // Our own sentence names the service and the call.
    const call = / refused \w+ on /.test(said) ? `${said.replace(/ \([^()]*\): report it [^:]*$/, '')}: ` : '';
    return { errorType: 'Refused', message: `${call}${name}: ${message}` };
  }
  return syscall === undefined ? undefined : { errorType: 'FileFailed', message: `${name}: ${message}` };
}

/** Explains an error of a certificate, and any unexpected one. */
function ofCertificate(thrown: unknown): Told {
  const { code, message } = toRenewalError(thrown);
  return { errorType: code, message: inFlags(forPeople.reduce((text, [from, to]) => text.replace(from, to), message)) };
}
