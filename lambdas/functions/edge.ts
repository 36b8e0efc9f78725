/** What the handlers have in common. */
import { RenewalError, toRenewalError } from '../domain/errors.ts';

/**
 * An error as the caller and Lambda's own log may see it: code and message. The journal has told what is safe of its
 * cause; the runtime would print it whole.
 */
export function withoutCause(thrown: unknown): RenewalError {
  const { code, message, retryable } = toRenewalError(thrown);
  return new RenewalError(code, message, { retryable });
}

/** arn:aws:lambda:region:account:function:name, without the version or alias that it was invoked by. */
export function unqualified(functionArn: string): string {
  return functionArn.split(':').slice(0, 7).join(':');
}
