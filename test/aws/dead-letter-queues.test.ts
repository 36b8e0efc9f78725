/** The calls of `dead-letters` and `redrive`. */
import {
  ChangeMessageVisibilityBatchCommand,
  ListMessageMoveTasksCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { queuesOf } from '../../cli/aws/queues.ts';

const aws = mockClient(SQSClient);
const queues = queuesOf({ region: 'eu-central-1' });
const url = 'https://sqs.example/dead';
const refusal = (name: string, message: string) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const batch = (from: number, length: number) => ({
  Messages: Array.from({ length }, (_, index) => ({
    MessageId: `${from + index}`,
    ReceiptHandle: `h${from + index}`,
    Body: '{}',
  })),
});
const released = () =>
  aws
    .commandCalls(ChangeMessageVisibilityBatchCommand)
    .flatMap(({ args }) => args[0].input.Entries ?? [])
    .map(({ ReceiptHandle, VisibilityTimeout }) => `${ReceiptHandle} ${VisibilityTimeout}`);
beforeEach(() => aws.reset());

describe('reading a queue', () => {
  it('takes messages by tens until there are none, and lets others see them again', async () => {
    aws.on(ReceiveMessageCommand).resolvesOnce(batch(0, 10)).resolvesOnce(batch(10, 2)).resolves({});
    expect((await queues.read(url, 100)).map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, id) => `${id}`));
    expect(released()).toEqual(Array.from({ length: 12 }, (_, id) => `h${id} 0`));
  });

  it('takes no more than are wanted', async () => {
    aws.on(ReceiveMessageCommand).resolvesOnce(batch(0, 10)).resolvesOnce(batch(10, 2)).resolves(batch(12, 10));
    await queues.read(url, 12);
    const sizes = aws.commandCalls(ReceiveMessageCommand).map(({ args }) => args[0].input.MaxNumberOfMessages);
    expect(sizes).toEqual([10, 2]);
  });

  it('releases what it has if a later call fails', async () => {
    aws.on(ReceiveMessageCommand).resolvesOnce(batch(0, 10)).rejects(refusal('AccessDenied', 'no'));
    await expect(queues.read(url, 100)).rejects.toMatchObject({ code: 'AccessDenied' });
    expect(released()).toHaveLength(10);
  });

  it('reads text attributes and the time, and bears their absence', async () => {
    const letter = { MessageId: '1', Body: 'x', Attributes: { SentTimestamp: '1700000000000' } };
    const MessageAttributes = {
      ERROR_CODE: { DataType: 'String', StringValue: 'NO_PERMISSIONS' },
      B: { DataType: 'Binary' },
    };
    aws
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [{ ...letter, MessageAttributes }, {}] })
      .resolves({});
    expect(await queues.read(url, 2)).toEqual([
      { id: '1', body: 'x', sentAt: 1_700_000_000_000, attributes: new Map([['ERROR_CODE', 'NO_PERMISSIONS']]) },
      { id: '', body: '', sentAt: undefined, attributes: new Map() },
    ]);
  });
});

describe('moving', () => {
  it('is content with a move that runs already', async () => {
    const text =
      'There is already a task running. Only one active task is allowed for a source queue arn at a given time.';
    aws.on(StartMessageMoveTaskCommand).rejects(refusal('InvalidParameterValue', text));
    await queues.startMove('arn');
    aws.on(StartMessageMoveTaskCommand).rejects(refusal('InvalidParameterValue', 'Source queue must be a DLQ.'));
    await expect(queues.startMove('arn')).rejects.toMatchObject({ code: 'Internal' });
  });

  it('tells of the last move', async () => {
    aws
      .on(ListMessageMoveTasksCommand)
      .resolvesOnce({})
      .resolves({ Results: [{ Status: 'FAILED', FailureReason: 'x', StartedTimestamp: 7 }] });
    expect(await queues.lastMove('arn')).toBeUndefined();
    expect(await queues.lastMove('arn')).toEqual({
      status: 'FAILED',
      startedAt: 7,
      moved: 0,
      toMove: undefined,
      failure: 'x',
    });
  });
});

it('says that a queue is emptied once a minute', async () => {
  aws
    .on(PurgeQueueCommand)
    .rejects(refusal('PurgeQueueInProgress', 'Only one PurgeQueue operation is allowed every 60 seconds.'));
  await expect(queues.purge(url)).rejects.toMatchObject({
    code: 'Throttled',
    message: expect.stringContaining('minute'),
  });
});
