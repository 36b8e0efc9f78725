import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { composeRenewal } from './compose.ts';
import { RenewalError } from './domain/errors.ts';
import type { RenewalResult } from './domain/result.ts';
import { withoutCause } from './edge.ts';
import { parseQueueMessage } from './policy/request.ts';
import { renewOnDemand } from './renewal/on-demand.ts';
import { renewQueued } from './renewal/queued.ts';

const world = await composeRenewal();

/** A batch of the queue, or an on-demand request (docs/invoke.md). */
export async function handler(event: unknown, context: Context): Promise<SQSBatchResponse | RenewalResult> {
  world.journal.begin(context.awsRequestId);
  if (isQueueBatch(event)) return renewBatch(event.Records);
  try {
    return await renewOnDemand(world, event);
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}

function isQueueBatch(event: unknown): event is SQSEvent {
  const records = typeof event === 'object' && event !== null && 'Records' in event ? event.Records : undefined;
  return Array.isArray(records) && records.length > 0 && records.every((record) => record?.eventSource === 'aws:sqs');
}

/** All of a batch side by side; those that are to be tried again are named, so that the others are done with. */
async function renewBatch(records: readonly SQSRecord[]): Promise<SQSBatchResponse> {
  const outcomes = await Promise.all(records.map(renewRecord));
  const failed = records.filter((_, index) => outcomes[index] === 'again');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function renewRecord(record: SQSRecord): Promise<'done' | 'again'> {
  try {
    const delivery = Number(record.attributes.ApproximateReceiveCount) || 1;
    const { retryAfter } = await renewQueued(world, parseQueueMessage(record.body), delivery);
    if (retryAfter === undefined) return 'done';
    if (retryAfter > 0) await pause(record, retryAfter);
    return 'again';
  } catch (thrown) {
    world.journal.failure({ secretArn: null, error: thrown, messageId: record.messageId });
    // Rubbish stays rubbish. Anything else unforeseen comes back after the queue's visibility timeout.
    return thrown instanceof RenewalError && !thrown.retryable ? 'done' : 'again';
  }
}

/** Without it the message comes back after the queue's visibility timeout: later, but it does. */
async function pause(record: SQSRecord, seconds: number): Promise<void> {
  await world.queue.changeVisibility(record.receiptHandle, seconds).catch((error: unknown) => {
    world.journal.failure({ secretArn: null, error, messageId: record.messageId });
  });
}
