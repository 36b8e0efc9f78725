/** The stack's dead-letter queues: reads them without taking anything out, moves renewals back, and empties a queue. */
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { type AwsOptions, queueClientConfig } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';

export interface Depth {
  readonly arn: string;
  /** Messages that can be received; about, as SQS counts. */
  readonly waiting: number;
  /** Messages that another reader holds for the moment. */
  readonly held: number;
}

export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly sentAt: Instant | undefined;
  /** The text attributes, such as ERROR_CODE of EventBridge. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** A move of dead letters to the queue that they come from. */
export interface Move {
  /** SQS's value: RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED. */
  readonly status: string;
  readonly startedAt: Instant | undefined;
  /** About, as SQS counts. */
  readonly moved: number;
  /** Undefined until SQS has begun to move. */
  readonly toMove: number | undefined;
  /** SQS's word for the cause, such as `AccessDenied`; only of a move that FAILED. */
  readonly failure: string | undefined;
}

/** Every method throws AccessDenied, Throttled, and Internal if the queue does not exist. */
export interface Queues {
  depth(queueUrl: string): Promise<Depth>;
  /** Returns up to `most` messages. They stay in the queue, and are hidden from other readers for a few seconds. */
  read(queueUrl: string, most: number): Promise<readonly QueuedMessage[]>;
  /** Deletes all messages. Throws Throttled within a minute of another purge. */
  purge(queueUrl: string): Promise<void>;
  /** Starts a move. Does nothing if one is running: SQS runs one for a queue at a time. */
  startMove(queueArn: string): Promise<void>;
  /** Returns the move that was started last; undefined if there was none. */
  lastMove(queueArn: string): Promise<Move | undefined>;
}

/** Seconds that a message is hidden by `read`. It is released earlier, except after Ctrl-C. */
const hiddenFor = 60;
const batch = 10;

export function queuesOf(options: AwsOptions): Queues {
  const sqs = new SQSClient(queueClientConfig(options));

  async function ask<T>(action: string, resource: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (thrown) {
      throw awsError(thrown, { service: 'sqs', action, resource });
    }
  }

  async function depth(queueUrl: string): Promise<Depth> {
    const [waiting, held] = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const command = new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['QueueArn', waiting, held],
    });
    const { Attributes = {} } = await ask('GetQueueAttributes', queueUrl, () => sqs.send(command));
    return {
      arn: Attributes['QueueArn'] ?? '',
      waiting: Number(Attributes[waiting] ?? '0'),
      held: Number(Attributes[held] ?? '0'),
    };
  }

  async function read(queueUrl: string, most: number): Promise<readonly QueuedMessage[]> {
    const found: Message[] = [];
    try {
      while (found.length < most) {
        const receive = new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(batch, most - found.length),
          VisibilityTimeout: hiddenFor,
          WaitTimeSeconds: 1, // without a wait, SQS asks only some of its servers, and may miss messages
          MessageSystemAttributeNames: ['SentTimestamp'],
          MessageAttributeNames: ['All'],
        });
        const { Messages = [] } = await ask('ReceiveMessage', queueUrl, () => sqs.send(receive));
        if (Messages.length === 0) break;
        found.push(...Messages);
      }
    } finally {
      await release(queueUrl, found);
    }
    return found.map(queuedMessage);
  }

  /** Other readers see the messages again. A message that can't be released appears by itself after `hiddenFor`. */
  async function release(queueUrl: string, messages: readonly Message[]): Promise<void> {
    for (let at = 0; at < messages.length; at += batch) {
      const Entries = messages.slice(at, at + batch).map(({ ReceiptHandle }, index) => {
        return { Id: String(index), ReceiptHandle, VisibilityTimeout: 0 };
      });
      const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries });
      await ask('ChangeMessageVisibility', queueUrl, () => sqs.send(command));
    }
  }

  async function purge(queueUrl: string): Promise<void> {
    await ask('PurgeQueue', queueUrl, async () => {
      try {
        await sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl }));
      } catch (thrown) {
        if (!isCalled(thrown, /PurgeQueueInProgress/)) throw thrown;
        const message = 'SQS empties a queue at most once a minute, and did so just now: try again in a minute.';
        throw new RenewalError('Throttled', message, { cause: thrown });
      }
    });
  }

  async function startMove(queueArn: string): Promise<void> {
    await ask('StartMessageMoveTask', queueArn, async () => {
      try {
        await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: queueArn }));
      } catch (thrown) {
        if (!(thrown instanceof Error && /already a task running/.test(thrown.message))) throw thrown;
      }
    });
  }

  async function lastMove(queueArn: string): Promise<Move | undefined> {
    const command = new ListMessageMoveTasksCommand({ SourceArn: queueArn, MaxResults: 1 });
    const { Results: [task] = [] } = await ask('ListMessageMoveTasks', queueArn, () => sqs.send(command));
    return (
      task && {
        status: task.Status ?? '',
        startedAt: task.StartedTimestamp,
        moved: task.ApproximateNumberOfMessagesMoved ?? 0,
        toMove: task.ApproximateNumberOfMessagesToMove,
        failure: task.FailureReason,
      }
    );
  }

  return { depth, read, purge, startMove, lastMove };
}

const isCalled = (thrown: unknown, name: RegExp): boolean => thrown instanceof Error && name.test(thrown.name);

function queuedMessage({ MessageId = '', Body = '', Attributes, MessageAttributes = {} }: Message): QueuedMessage {
  const sent = Number(Attributes?.SentTimestamp);
  const texts = Object.entries(MessageAttributes).flatMap(([name, { StringValue }]) =>
    StringValue === undefined ? [] : [[name, StringValue] as const],
  );
  return { id: MessageId, body: Body, sentAt: Number.isFinite(sent) ? sent : undefined, attributes: new Map(texts) };
}
