/** Reports a failed hook. Its failure never undoes or repeats a renewal. */
import { isDenied, type RenewalError, toRenewalError } from '../domain/errors.ts';
import type { HookFailure, HookType } from '../domain/hook.ts';
import type { Journal, Publisher } from '../domain/ports.ts';
import { claimedSecret, type Hook } from './renewed-event.ts';

export interface ReportWorld {
  readonly publisher: Publisher;
  readonly journal: Pick<Journal, 'decision' | 'failure' | 'count'>;
}

/** Sends event, metric and log line of a failed hook. Throws the errors of publishing. */
export async function report(
  { publisher, journal }: ReportWorld,
  failure: HookFailure,
  error?: unknown,
): Promise<void> {
  const { profile, secretArn, code, message, ...more } = failure;
  journal.count('HookFailed', profile, 1);
  if (error !== undefined) journal.failure({ secretArn, error, profile, hook: more.hook });
  else journal.decision({ secretArn: secretArn ?? '', reason: { code, message }, profile, ...more });
  const type = 'Certificate Hook Failed';
  await publisher.publish(secretArn === null ? { type, detail: failure } : { type, secretArn, detail: failure });
}

/**
 * Does a hook's work for an event. Throws retryable errors, so that Lambda tries again and finally passes the event to
 * report-failure.ts. Throws denied calls too, because IAM may not know a new deployment yet. Reports any other error at once,
 * without another try.
 */
export async function runHook<Type extends HookType>(
  world: ReportWorld,
  { profile, type: hook }: Hook<Type>,
  event: unknown,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error: RenewalError = toRenewalError(thrown);
    if (error.retryable || isDenied(error)) {
      world.journal.failure({ secretArn: claimedSecret(event).secretArn, error: thrown, profile, hook });
      throw error;
    }
    const { code, message } = error;
    await report(world, { profile, hook, ...claimedSecret(event), code, message }, thrown);
  }
}
