/** One message of the queue: runs the use case `renew` and decides about another delivery after a failure. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { deliveries, type QueueMessage } from '../../domain/request.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/** Seconds until the next delivery, after the first and the second. */
const pauses = [30, 120] as const;
/** The limit for a longer pause that a CA asks for, in seconds. Two of them and three tries fit into a message's 15 minutes. */
const longestPause = 300;

/** `retryAfter`: seconds until the next delivery. Undefined: the message is done, with success or with failure. */
export interface QueueOutcome {
  readonly retryAfter?: number;
}

/**
 * Renews the secret of one message. After a retryable error the message goes back to the queue with growing pauses, and after the
 * last delivery to the dead-letter queue. After any other error it is done at once. A missing permission sends the message back
 * once without an event or a note, because IAM may lag after a deployment. Never throws, so one bad secret never stops another.
 *
 * @param delivery 1 for the first delivery (SQS's ApproximateReceiveCount)
 * @param firstAt time of the first delivery (ApproximateFirstReceiveTimestamp); without it each delivery counts as its own failure
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
    // An unsent event is tried again soon. After the last delivery the next scan does it.
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

/** Returns 0 after the last delivery. The CA's Retry-After can extend the pause up to a limit, and never shortens it. */
function pauseAfter({ retryAfter = 0 }: RenewalError, delivery: number): number {
  const usual = pauses[delivery - 1];
  return usual === undefined ? 0 : Math.max(usual, Math.min(retryAfter, longestPause));
}
