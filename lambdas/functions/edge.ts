/** Shared code of the handlers. */
import { RenewalError, toRenewalError } from '../domain/errors.ts';

/**
 * Returns the error for the caller and for Lambda's own log, with code and message. The journal has logged the safe part of its
 * cause. The runtime would print the complete cause.
 */
export function withoutCause(thrown: unknown): RenewalError {
  const { code, message, retryable } = toRenewalError(thrown);
  return new RenewalError(code, message, { retryable });
}

/** Returns the ARN arn:aws:lambda:region:account:function:name without the version or alias of the invocation. */
export function unqualified(functionArn: string): string {
  return functionArn.split(':').slice(0, 7).join(':');
}
