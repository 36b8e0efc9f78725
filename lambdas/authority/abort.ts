import { RenewalError } from '../domain/errors.ts';

/** What an authority of the stack waits for is KMS and Secrets Manager. Throws KmsUnavailable when the signal comes first. */
export async function abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  const late = () => new RenewalError('KmsUnavailable', "The authority's key did not sign in time: it is tried again.");
  if (signal.aborted) throw late();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(late());
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
