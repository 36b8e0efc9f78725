/** One message of the queue: the use case `renew`, and what becomes of the message when it fails. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { deliveries, type QueueMessage } from '../../domain/request.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/** Seconds until the message is tried again, after its first and second delivery. */
const pauses = [30, 120] as const;
/** A CA may ask for more: two of these and three tries still fit into the 15 minutes that a message has. */
const longestPause = 300;

/** `retryAfter`: seconds, for a message that goes back to the queue. Undefined: it is done with, well or badly. */
export interface QueueOutcome {
  readonly retryAfter?: number;
}

/**
 * Errors that may pass by themselves go back to the queue with growing pauses, and after the last delivery to the dead-letter
 * queue; others are done with at once. A missing permission sends the message back once, and nothing is told or
 * noted of that: IAM may lag after a deployment. Never throws: one bad secret never stops
 * another.
 *
 * @param delivery 1 for the first (SQS's ApproximateReceiveCount).
 * @param firstAt when that was (ApproximateFirstReceiveTimestamp); without it each delivery counts as a failure of its own.
 */
export async function renewQueued(
  world: RenewalWorld,
  message: QueueMessage,
  delivery: number,
  firstAt: Instant = world.clock.now(),
): Promise<QueueOutcome> {
  const { secretArn, versionId, force = false } = message;
  const ending = await renew(world, { secretId: secretArn, versionId, force, dryRun: false });
  const isLast = delivery >= deliveries;
  if (ending.kind === 'done') {
    logResult(world, ending.result);
    // An event that could not be sent is worth another look soon; after the last delivery the next scan sees to it.
    return ending.isUnfinished && !isLast ? { retryAfter: pauses[delivery - 1] ?? longestPause } : {};
  }
  const { found } = ending;
  const error = ending.error instanceof RenewalError ? ending.error : undefined;
  if (delivery === 1 && error?.settles) {
    world.journal.failure({ secretArn: found.secret?.arn ?? secretArn, error, final: false });
    return { retryAfter: pauses[0] };
  }
  const isRetryable = error?.retryable ?? false;
  const final = !isRetryable || isLast;
  const since = delivery === 1 ? undefined : firstAt;
  await recordFailure(world, found, ending.error, { since, final, secretArn });
  return error && isRetryable ? { retryAfter: pauseAfter(error, delivery) } : {};
}

/** 0 after the last delivery. What the CA asks for (Retry-After) makes it longer, within reason, and never shorter. */
function pauseAfter({ retryAfter = 0 }: RenewalError, delivery: number): number {
  const usual = pauses[delivery - 1];
  return usual === undefined ? 0 : Math.max(usual, Math.min(retryAfter, longestPause));
}
