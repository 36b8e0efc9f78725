/**
 * What can go wrong, one line a code: the `errorType` of an invocation, the `code` of an event, the `reason.code` of a
 * plan. A retryable code is worth the same call again soon; any other needs somebody to change something first.
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

/** True of a string that is one of this table's codes, for instance one read back from a tag. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

/**
 * Whose an error is. `certificate`: it is told, counted and backed off for this certificate, whatever else has caused it (a
 * password's secret that is gone, an authority). `request`: it concerns one call alone, and only its caller is told.
 * `foreign`: the secret is not ours to write, so nothing is noted on it.
 */
export type Concern = 'certificate' | 'request' | 'foreign';

/**
 * The one error of the product. Its `name` is its code, because Lambda reports an error's name as `errorType`. Its
 * message says what was found, what is allowed and what to do, and never holds a key, a password or a token.
 */
export class RenewalError extends Error {
  readonly code: ErrorCode;
  /** Seconds that the other side asks to be left alone for; undefined where it does not say. Not to be trusted. */
  readonly retryAfter: number | undefined;

  /** The other side is well, and takes no more for the moment: in seconds it may. */
  readonly busy: boolean;

  /** Refused for want of a permission that the deployment gives: right after it IAM may not know of it yet. */
  readonly settles: boolean;

  /** Said where the error is thrown, for the code alone can't tell. */
  readonly concerns: Concern;

  /** Whether the same call may succeed without anybody changing anything: what the code says, and time that was over. */
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
 * Refused by IAM or by a key's policy. Somebody has to allow it, so that it is not retryable; but IAM is eventually
 * consistent, and what a deployment has allowed may be refused for some seconds.
 */
export function isDenied(thrown: unknown): boolean {
  return thrown instanceof RenewalError && (thrown.code === 'AccessDenied' || thrown.code === 'KmsDenied');
}

/** The same error with another message or of another's concern. */
export function restated(
  thrown: unknown,
  { message, concerns }: { readonly message?: string; readonly concerns?: Concern },
): RenewalError {
  const error = toRenewalError(thrown);
  const { code, retryAfter, busy, settles, retryable } = error;
  const details = { cause: thrown, retryAfter, busy, settles, retryable, concerns: concerns ?? error.concerns };
  return new RenewalError(code, message ?? error.message, details);
}

/** The same error, of what one request has named beside the certificate: its caller alone is told. */
export const ofRequest = (thrown: unknown): RenewalError => restated(thrown, { concerns: 'request' });

/**
 * Any thrown value as a RenewalError. What is not one already is `Internal`, and its own text is kept as `cause` only: a
 * library's message may quote its input, and its input may be a key.
 */
export function toRenewalError(thrown: unknown): RenewalError {
  if (thrown instanceof RenewalError) return thrown;
  // Even a name may quote input; one that looks like a class's is safe.
  const kind = thrown instanceof Error && /^\w{1,60}$/.test(thrown.name) ? thrown.name : typeof thrown;
  return new RenewalError(
    'Internal',
    `An unexpected ${kind} stopped this renewal. Report it with the log line's requestId.`,
    {
      cause: thrown,
    },
  );
}
