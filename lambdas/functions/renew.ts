import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { SqsQueue } from '../aws/sqs.ts';
import { composeRenewal, patientPolicyFor, policyFor } from '../compose.ts';
import type { CallPolicy } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import { parseAskCaRequest, parseQueueMessage, parseShowRequest } from '../policy/request.ts';
import { askCa, type CaAnswer } from '../renewal/entry/ask-ca.ts';
import { renewOnDemand } from '../renewal/entry/on-demand.ts';
import { renewQueued } from '../renewal/entry/queued.ts';
import { rotateStep } from '../renewal/entry/rotation.ts';
import { type Shown, show } from '../renewal/entry/show.ts';
import type { RenewalWorld } from '../renewal/world.ts';
import { unqualified, withoutCause } from './edge.ts';

const { journal, queue, world } = await composeRenewal();

type Answer = SQSBatchResponse | RenewalResult | CaAnswer | Shown | undefined;

/** Handles a batch of the queue, a step of native rotation, a check of a CA, a question about a secret, or an on-demand request (docs/invoke.md). */
export async function handler(event: unknown, context: Context): Promise<Answer> {
  journal.begin(context.awsRequestId);
  const own = unqualified(context.invokedFunctionArn);
  if (isQueueBatch(event)) return renewBatch(event.Records, patientPolicyFor(context), own);
  try {
    const asked = world(policyFor(context), own);
    if (hasField(event, 'askCa')) return await askCa(asked, parseAskCaRequest(event));
    if (hasField(event, 'show')) return await show(asked, parseShowRequest(event));
    if (!isRotation(event)) return await renewOnDemand(asked, event);
    await rotateStep(asked, event);
    return undefined;
  } catch (thrown) {
    throw withoutCause(thrown);
  }
}

function isQueueBatch(event: unknown): event is SQSEvent {
  const records = typeof event === 'object' && event !== null && 'Records' in event ? event.Records : undefined;
  return Array.isArray(records) && records.length > 0 && records.every((record) => record?.eventSource === 'aws:sqs');
}

function isRotation(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'Step' in event && 'ClientRequestToken' in event;
}

function hasField(event: unknown, field: 'askCa' | 'show'): boolean {
  return typeof event === 'object' && event !== null && field in event;
}

/**
 * Renews all messages of a batch concurrently. Only the messages to try again are returned as failed. When the time is over, the
 * unfinished ones are returned too, because the whole batch would come back if Lambda stopped the function.
 */
async function renewBatch(records: readonly SQSRecord[], policy: CallPolicy, own: string): Promise<SQSBatchResponse> {
  const batch = { world: world(policy, own), queue: queue(policy) };
  const isTimeOver = aborted(policy.limits?.answer);
  const outcomes = await Promise.all(
    records.map((record) => {
      if (policy.limits?.begin.aborted) return 'again';
      return Promise.race([renewRecord(batch, record), isTimeOver]);
    }),
  );
  const failed = records.filter((_, index) => outcomes[index] === 'again');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

function aborted(signal: AbortSignal | undefined): Promise<'again'> {
  if (signal?.aborted) return Promise.resolve('again');
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve('again'), { once: true }));
}

interface Batch {
  readonly world: RenewalWorld;
  readonly queue: SqsQueue;
}

async function renewRecord(batch: Batch, record: SQSRecord): Promise<'done' | 'again'> {
  try {
    const { ApproximateReceiveCount, ApproximateFirstReceiveTimestamp } = record.attributes;
    const delivery = Number(ApproximateReceiveCount) || 1;
    const firstAt = Number(ApproximateFirstReceiveTimestamp) || undefined;
    const { retryAfter } = await renewQueued(batch.world, parseQueueMessage(record.body), delivery, firstAt);
    if (retryAfter === undefined) return 'done';
    await pause(batch, record, retryAfter); // 0 after the last delivery: it becomes a dead letter at once, with its alarm
    return 'again';
  } catch (thrown) {
    journal.failure({ secretArn: null, error: thrown, messageId: record.messageId });
    // An invalid message stays invalid. After any other unexpected error the message comes back after the visibility timeout.
    return thrown instanceof RenewalError && !thrown.retryable ? 'done' : 'again';
  }
}

/** Sets the time of the next delivery. If that fails, the message comes back after the queue's visibility timeout. */
async function pause(batch: Batch, record: SQSRecord, seconds: number): Promise<void> {
  await batch.queue.changeVisibility(record.receiptHandle, seconds).catch((error: unknown) => {
    journal.failure({ secretArn: null, error, messageId: record.messageId });
  });
}
