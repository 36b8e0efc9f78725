/** What the handlers have in common. */
import { RenewalError, toRenewalError } from './domain/errors.ts';

/**
 * An error as the caller and Lambda's own log may see it: code and message. The journal has told what is safe of its
 * cause; the runtime would print it whole.
 */
export function withoutCause(thrown: unknown): RenewalError {
  const { code, message } = toRenewalError(thrown);
  return new RenewalError(code, message);
}
