/**
 * The error codes: the `errorType` of an invocation, the `code` of an event, the `reason.code` of a plan. After a retryable code
 * the same call may succeed soon. After any other code a person has to change something first.
 */
export const errorCodes = {
  InvalidRequest: { retryable: false },
  InvalidTag: { retryable: false },
  SecretNotFound: { retryable: false },
  SecretNotEnrolled: { retryable: false },
  UnsupportedSecret: { retryable: false },
  InvalidCertificate: { retryable: false },
  KeyMismatch: { retryable: false },
  WeakKey: { retryable: false },
  PasswordRequired: { retryable: false },
  UnknownProfile: { retryable: false },
  CertificateExpired: { retryable: false },
  NotYetValid: { retryable: false },
  CaUnavailable: { retryable: true },
  CaRejected: { retryable: false },
  CaUntrusted: { retryable: false },
  CertificateRejected: { retryable: false },
  KmsDenied: { retryable: false },
  KmsUnavailable: { retryable: true },
  AccessDenied: { retryable: false },
  Throttled: { retryable: true },
  SecretChanged: { retryable: true },
  OutputExists: { retryable: false },
  IssuanceNotAllowed: { retryable: false },
  NotDeclared: { retryable: false },
  Internal: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** Returns whether a text, for instance from a tag, is one of the error codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

/**
 * What an error concerns. `certificate`: the failure is reported, counted and backed off for this certificate, even if its cause
 * lies elsewhere (a missing password secret, an authority). `request`: only the caller gets the error. `foreign`: cert-renewer may
 * not write this secret, so nothing is noted on it.
 */
export type Concern = 'certificate' | 'request' | 'foreign';

/**
 * The error that cert-renewer throws. Its `name` is its code, because Lambda reports an error's name as `errorType`. Its message
 * says what was found, what is allowed and what to do. It never contains a key, a password or a token.
 */
export class RenewalError extends Error {
  readonly code: ErrorCode;
  /** Seconds until the service wants the next call. Undefined if it does not say. An untrusted number. */
  readonly retryAfter: number | undefined;

  /** Whether the service is healthy but takes no more requests for some seconds. */
  readonly busy: boolean;

  /**
   * Whether the call lacks a permission that the deployment grants. For some seconds after a deployment IAM may not know it yet.
   */
  readonly settles: boolean;

  /** Set where the error is thrown, because the code does not determine it. */
  readonly concerns: Concern;

  /** Whether the same call may succeed later without a change. True for retryable codes and when the time was over. */
  readonly retryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options?: {
      cause?: unknown;
      retryAfter?: number | undefined;
      busy?: boolean;
      settles?: boolean;
      concerns?: Concern;
      retryable?: boolean;
    },
  ) {
    super(message, options);
    this.name = code;
    this.code = code;
    this.retryAfter = options?.retryAfter;
    this.busy = options?.busy ?? false;
    this.settles = options?.settles ?? code === 'AccessDenied';
    this.concerns = options?.concerns ?? 'certificate';
    this.retryable = options?.retryable ?? errorCodes[code].retryable;
  }
}

/**
 * Returns whether IAM or a key's policy denied the call. This is not retryable, because a person has to allow it. But IAM is
 * eventually consistent: it may deny for some seconds what a deployment has just allowed.
 */
export function isDenied(thrown: unknown): boolean {
  return thrown instanceof RenewalError && (thrown.code === 'AccessDenied' || thrown.code === 'KmsDenied');
}

/** Returns the same error with another message or another concern. */
export function restated(
  thrown: unknown,
  { message, concerns }: { readonly message?: string; readonly concerns?: Concern },
): RenewalError {
  const error = toRenewalError(thrown);
  const { code, retryAfter, busy, settles, retryable } = error;
  const details = { cause: thrown, retryAfter, busy, settles, retryable, concerns: concerns ?? error.concerns };
  return new RenewalError(code, message ?? error.message, details);
}

/** Returns the same error for the caller only, for something that the request named besides the certificate. */
export const ofRequest = (thrown: unknown): RenewalError => restated(thrown, { concerns: 'request' });

/**
 * Returns any thrown value as a RenewalError. Any other error becomes `Internal` and is kept as `cause` only: a library's message
 * may quote its input, and that may be a key.
 */
export function toRenewalError(thrown: unknown): RenewalError {
  if (thrown instanceof RenewalError) return thrown;
  // Even a name may quote input. A name that looks like a class name is safe.
  const kind = thrown instanceof Error && /^\w{1,60}$/.test(thrown.name) ? thrown.name : typeof thrown;
  return new RenewalError(
    'Internal',
    `An unexpected ${kind} stopped this renewal. Report it with the log line's requestId.`,
    {
      cause: thrown,
    },
  );
}
