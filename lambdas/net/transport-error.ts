/**
 * Errors before there is a complete answer: converts the codes of Node and OpenSSL to a few kinds, and these to the product's error codes.
 * Messages of libraries are not passed on; a message only names the host and the port.
 */
import { type ErrorCode, RenewalError } from '../domain/errors.ts';

/**
 * - `unreachable`: no connection, or it broke before the answer
 * - `timeout`, `aborted`: the call was stopped here
 * - `cut`: the answer ended early
 * - `tooLarge`: the answer is longer than the limit
 * - `untrusted`: the server's certificate does not verify, or is for another name
 * - `clientCertificate`: the server's TLS rejected the client's certificate; `alert` gives the reason
 * - `keyMismatch`: the client's key and certificate don't belong together
 * - `protocol`: the server does not speak TLS or HTTP, or no supported version
 */
export type TransportErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'cut'
  | 'tooLarge'
  | 'untrusted'
  | 'clientCertificate'
  | 'keyMismatch'
  | 'protocol';

/** The product's codes. step-ca/errors.ts is more precise about `clientCertificate`. */
const codes: Readonly<Record<TransportErrorKind, ErrorCode>> = {
  unreachable: 'CaUnavailable',
  timeout: 'CaUnavailable',
  aborted: 'CaUnavailable',
  cut: 'CaUnavailable',
  tooLarge: 'CaRejected',
  untrusted: 'CaUntrusted',
  clientCertificate: 'CaRejected',
  keyMismatch: 'KeyMismatch',
  protocol: 'CaRejected',
};

export class TransportError extends Error {
  readonly kind: TransportErrorKind;
  /** Status of the answer, if there was one. */
  readonly status: number | undefined;
  /** TLS alert of `clientCertificate` (RFC 8446 section 6), such as `certificate_expired`. */
  readonly alert: string | undefined;
  /** A kept connection broke before the answer, probably because the CA had closed it. */
  readonly stale: boolean;

  constructor(
    kind: TransportErrorKind,
    message: string,
    details: { status?: number; alert?: string; stale?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'TransportError';
    this.kind = kind;
    this.status = details.status;
    this.alert = details.alert;
    this.stale = details.stale === true;
  }
}

/** Converts an error of a call to a CA; other errors stay unchanged. */
export function toCaError(error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  const code = error.kind === 'tooLarge' && (error.status ?? 0) >= 500 ? 'CaUnavailable' : codes[error.kind];
  return new RenewalError(code, `${error.message}.`, { cause: error });
}

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;
const network =
  'check that the CA runs at the url of the profile, and that the network of the function (VPC, security groups) can reach it';

function timedOut({ host }: URL, timeoutMs: number): TransportError {
  return new TransportError(
    'timeout',
    `The CA at ${host} gave no complete answer within ${seconds(timeoutMs)}: ${network}`,
  );
}

/** Returns the error for an aborted signal, by its reason: AbortSignal.timeout's is a timeout. */
export function stopped(url: URL, reason: unknown, timeoutMs: number): TransportError {
  if (reason instanceof Error && reason.name === 'TimeoutError') return timedOut(url, timeoutMs);
  return new TransportError(
    'aborted',
    `The call to the CA at ${url.host} was stopped because the function's time is over`,
  );
}

export function cutAnswer(cause: unknown, { host }: URL, status: number): TransportError {
  return new TransportError('cut', `The answer (status ${status}) of the CA at ${host} broke off: ${network}`, {
    status,
    cause,
  });
}

export function tooLarge({ host }: URL, status: number, maxBytes: number): TransportError {
  const message = `The answer (status ${status}) of ${host} is longer than ${maxBytes} bytes, so it is not a CA's: check the url of the profile`;
  return new TransportError('tooLarge', message, { status });
}

/** Returns the error of a request without an answer. `untrusted`: Node rejected the server's certificate. */
export function connectionError(
  cause: unknown,
  { host }: URL,
  { untrusted, reused }: { untrusted: boolean; reused: boolean },
): TransportError {
  const code = codeOf(cause);
  if (untrusted) return new TransportError('untrusted', untrustedMessage(code, host), { cause });
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') {
    return new TransportError('keyMismatch', 'The private key does not belong to the certificate', { cause });
  }
  const alert = alertOf(code);
  if (alert !== undefined && clientAlerts.has(alert)) {
    const message = `The CA at ${host} rejected the TLS client certificate (alert ${alert})`;
    return new TransportError('clientCertificate', message, { alert, cause });
  }
  if (unusableClient.test(code)) {
    const message = `The certificate or its chain is too weak for TLS client authentication (${code})`;
    return new TransportError('clientCertificate', message, { cause });
  }
  if (code.startsWith('HPE_') || (code.startsWith('ERR_SSL_') && alert !== 'internal_error') || code === 'EPROTO') {
    const message = `The server at ${host} does not speak HTTP/1.1 over TLS 1.2 or 1.3 (${code}): check the url of the profile`;
    return new TransportError('protocol', message, { cause });
  }
  const stale = reused && (code === 'ECONNRESET' || code === 'EPIPE');
  return new TransportError('unreachable', `The CA at ${host} can't be reached (${code}): ${network}`, {
    stale,
    cause,
  });
}

/** Returns the code of Node, OpenSSL or the system, never a message. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[\w/]{1,80}$/.test(code) ? code : 'no code';
}

const unusableClient =
  /^ERR_SSL_(?:EE_KEY_TOO_SMALL|CA_KEY_TOO_SMALL|CA_MD_TOO_WEAK|EE_MD_TOO_WEAK|UNKNOWN_CERTIFICATE_TYPE)$/;

/**
 * Returns the name of a TLS alert (RFC 8446), which follows ALERT in ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED (OpenSSL 3.0),
 * ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED (3.5) and ERR_SSL_TLSV1_ALERT_UNKNOWN_CA.
 */
function alertOf(code: string): string | undefined {
  return /^ERR_SSL_.{1,12}_ALERT_(\w{1,40})$/.exec(code)?.[1]?.toLowerCase();
}

/** Alerts that are about the client's certificate (RFC 8446 section 6.2). */
const clientAlerts = new Set([
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'certificate_required',
  'unknown_ca',
  'access_denied',
  'decrypt_error',
]);

function untrustedMessage(code: string, host: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The server's certificate at ${host} is for another name: use a name of its certificate in the url of the profile, or add this one to the CA's dnsNames`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `The server's certificate at ${host}, or one of its chain, is outside of its validity (${code}): renew it there, or set the current root in the profile`;
  }
  return `The server's certificate at ${host} does not verify to the root of the profile (${code}): check that root and url belong to the same CA`;
}
