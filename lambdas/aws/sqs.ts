/** The renewal queue on SQS. */
import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { type CallPolicy, call as within } from '../domain/calls.ts';
import type { Clock, Queue } from '../domain/ports.ts';
import type { QueueMessage } from '../domain/request.ts';
import { type AwsOptions, once, pauseBefore, queueClientConfig } from './clients.ts';
import { awsEntryError, awsError } from './errors.ts';

export interface SqsQueueOptions extends AwsOptions {
  readonly queueUrl: string;
  readonly clock: Clock;
}

export interface SqsQueue extends Queue {
  /**
   * Hides a received message for this many seconds, the pause before its next delivery. Does nothing for a message that is not in flight
   * any more. Throws Throttled, AccessDenied.
   */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>;
}

/** SendMessageBatch accepts ten. With this many batches at once, the 50 keep-alive sockets are enough for the whole process. */
const entriesPerBatch = 10;
const batchesAtOnce = 20;
const attempts = 3;
/** Twelve hours, the longest time that SQS hides a message. */
const longestPause = 43_200;

/** Returns a queue for each invocation. Its client is loaded with the first message. */
export function sqsQueue(options: SqsQueueOptions): (policy: CallPolicy) => SqsQueue {
  const sdk = once(async () => {
    const loaded = await import('./sdk/sqs.ts');
    return { ...loaded, client: new loaded.SQSClient(queueClientConfig(options)) };
  });
  const call = { service: 'sqs', resource: options.queueUrl } as const;

  async function sendEntries(Entries: SendMessageBatchRequestEntry[]) {
    try {
      const { client, SendMessageBatchCommand } = await sdk();
      return await client.send(new SendMessageBatchCommand({ QueueUrl: options.queueUrl, Entries }));
    } catch (thrown) {
      throw awsError(thrown, { ...call, action: 'SendMessageBatch' });
    }
  }

  async function sendBatch(messages: readonly QueueMessage[], DelaySeconds: number): Promise<void> {
    const delay = DelaySeconds > 0 ? { DelaySeconds } : {};
    const entry = (message: QueueMessage, index: number) => ({
      Id: String(index),
      MessageBody: JSON.stringify(body(message)),
      ...delay,
    });
    let left = messages.map(entry);
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > 1) await options.clock.sleep(pauseBefore(attempt));
      const { Failed = [] } = await sendEntries(left);
      for (const { Code = '' } of Failed) {
        const error = awsEntryError(Code, { ...call, action: 'SendMessageBatch' });
        if (!error.retryable || attempt === attempts) throw error;
      }
      const failed = new Set(Failed.map(({ Id }) => Id));
      left = left.filter(({ Id }) => failed.has(Id));
    }
  }

  async function changeVisibility(receiptHandle: string, seconds: number): Promise<void> {
    const { client, ChangeMessageVisibilityCommand } = await sdk();
    const VisibilityTimeout = Math.min(longestPause, Math.max(0, Math.round(seconds)));
    const change = { QueueUrl: options.queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout };
    try {
      await client.send(new ChangeMessageVisibilityCommand(change));
    } catch (thrown) {
      if (thrown instanceof Error && notInFlight.has(thrown.name)) return;
      throw awsError(thrown, { ...call, action: 'ChangeMessageVisibility' });
    }
  }

  return (policy) => ({
    async send(messages, delaySeconds = 0) {
      const batches = Array.from({ length: Math.ceil(messages.length / entriesPerBatch) }, (_, index) =>
        messages.slice(index * entriesPerBatch, (index + 1) * entriesPerBatch),
      );
      await sideBySide(batches, batchesAtOnce, (batch) => within(policy, 'send', () => sendBatch(batch, delaySeconds)));
    },
    changeVisibility: (receiptHandle, seconds) =>
      within(policy, 'changeVisibility', () => changeVisibility(receiptHandle, seconds)),
  });
}

const notInFlight = new Set(['MessageNotInflight', 'ReceiptHandleIsInvalid']);

/** Returns only the fields of a message, without others of the object. */
function body({ secretArn, versionId, force }: QueueMessage): QueueMessage {
  return { secretArn, versionId, ...(force === undefined ? {} : { force }) };
}

/** Calls `work` for every item, `width` at once. After a failure it starts no more, waits for the running ones and throws. */
async function sideBySide<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failure: { readonly thrown: unknown } | undefined;
  const worker = async () => {
    for (const item of left) {
      if (failure) return;
      try {
        await work(item);
      } catch (thrown) {
        failure ??= { thrown };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failure) throw failure.thrown;
}
