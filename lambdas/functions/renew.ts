import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { abortedIn, composeRenewal } from '../compose.ts';
import { RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import { parseAskCaRequest, parseQueueMessage } from '../policy/request.ts';
import { askCa, type CaAnswer } from '../renewal/entry/ask-ca.ts';
import { renewOnDemand } from '../renewal/entry/on-demand.ts';
import { renewQueued } from '../renewal/entry/queued.ts';
import { rotateStep } from '../renewal/entry/rotation.ts';
import { inTime, type TimeLimits, timeLimits } from '../renewal/in-time.ts';
import { unqualified, withoutCause } from './edge.ts';

const composed = await composeRenewal();

type Answer = SQSBatchResponse | RenewalResult | CaAnswer | undefined;

/** A batch of the queue, a step of native rotation, a look at a CA, or an on-demand request (docs/invoke.md). */
export async function handler(event: unknown, context: Context): Promise<Answer> {
  composed.journal.begin(context.awsRequestId);
  const limits = timeLimits(context.getRemainingTimeInMillis(), abortedIn);
  const world = inTime({ ...composed, rotationFunctionArn: unqualified(context.invokedFunctionArn) }, limits);
  if (isQueueBatch(event)) return renewBatch(world, event.Records, limits);
  try {
    if (isAskCa(event)) return await askCa(world, parseAskCaRequest(event));
    if (!isRotation(event)) return await renewOnDemand(world, event);
    await rotateStep(world, event);
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

function isAskCa(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'askCa' in event;
}

type World = Awaited<ReturnType<typeof composeRenewal>>;

/**
 * All of a batch side by side; those that are to be tried again are named, so that the others are done with. Out of
 * time, what is not done is handed back: a batch that Lambda cuts off would come back whole.
 */
async function renewBatch(world: World, records: readonly SQSRecord[], limits: TimeLimits): Promise<SQSBatchResponse> {
  const isTimeOver = aborted(limits.answer);
  const outcomes = await Promise.all(
    records.map((record) => {
      if (limits.begin.aborted) return 'again';
      return Promise.race([renewRecord(world, record), isTimeOver]);
    }),
  );
  const failed = records.filter((_, index) => outcomes[index] === 'again');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

function aborted(signal: AbortSignal): Promise<'again'> {
  if (signal.aborted) return Promise.resolve('again');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('again'), { once: true }));
}

async function renewRecord(world: World, record: SQSRecord): Promise<'done' | 'again'> {
  try {
    const { ApproximateReceiveCount, ApproximateFirstReceiveTimestamp } = record.attributes;
    const delivery = Number(ApproximateReceiveCount) || 1;
    const firstAt = Number(ApproximateFirstReceiveTimestamp) || undefined;
    const { retryAfter } = await renewQueued(world, parseQueueMessage(record.body), delivery, firstAt);
    if (retryAfter === undefined) return 'done';
    await pause(world, record, retryAfter); // 0 after the last delivery: a dead letter at once, and its alarm with it
    return 'again';
  } catch (thrown) {
    world.journal.failure({ secretArn: null, error: thrown, messageId: record.messageId });
    // Rubbish stays rubbish. Anything else unforeseen comes back after the queue's visibility timeout.
    return thrown instanceof RenewalError && !thrown.retryable ? 'done' : 'again';
  }
}

/** Without it the message comes back after the queue's visibility timeout: later, but it does. */
async function pause(world: World, record: SQSRecord, seconds: number): Promise<void> {
  await world.queue.changeVisibility(record.receiptHandle, seconds).catch((error: unknown) => {
    world.journal.failure({ secretArn: null, error, messageId: record.messageId });
  });
}
