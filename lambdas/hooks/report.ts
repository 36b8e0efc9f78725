/** A hook that fails is told to the world, and never undoes or repeats a renewal. */
import { isDenied, type RenewalError, toRenewalError } from '../domain/errors.ts';
import type { HookFailure, HookType } from '../domain/hook.ts';
import type { Journal, Publisher } from '../domain/ports.ts';
import { claimedSecret, type Hook } from './renewed-event.ts';

export interface ReportWorld {
  readonly publisher: Publisher;
  readonly journal: Pick<Journal, 'decision' | 'failure' | 'count'>;
}

/** Event, metric and log line. Throws what publishing throws. */
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
 * Does a hook's work for an event. What may pass by itself is thrown, so that Lambda tries again and, in the end, hands
 * it to report-failure.ts; so is what IAM refuses, which may not know of a deployment yet. Anything else is reported at
 * once, and over.
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
