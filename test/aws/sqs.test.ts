import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { sqsQueue } from '../../lambdas/aws/sqs.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

const aws = mockClient(SQSClient);
const message = (index: number) => ({ secretArn: `arn:${index}`, versionId: `v${index}` });
const messages = (count: number) => Array.from({ length: count }, (_, index) => message(index));
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });
const bodies = () =>
  aws
    .commandCalls(SendMessageBatchCommand)
    .map(({ args }) => (args[0].input.Entries ?? []).map(({ MessageBody = '' }) => JSON.parse(MessageBody)));

let clock: FakeClock;
const open = () => sqsQueue({ region: 'eu-central-1', queueUrl: 'https://sqs.example/queue', clock })(noLimits);
beforeEach(() => {
  aws.reset();
  clock = new FakeClock();
});

test('sends by tens, and nothing for nothing', async () => {
  aws.on(SendMessageBatchCommand).resolves({ Successful: [], Failed: [] });
  await open().send([]);
  expect(aws.calls()).toHaveLength(0);
  await open().send(messages(23));
  expect(bodies().map(({ length }) => length)).toEqual([10, 10, 3]);
  expect(bodies().flat()).toEqual(messages(23));
});

test('sends 20 batches at once and no more', async () => {
  let now = 0;
  let most = 0;
  aws.on(SendMessageBatchCommand).callsFake(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    now -= 1;
    return {};
  });
  await open().send(messages(1_000));
  expect(most).toBe(20);
  expect(bodies()).toHaveLength(100);
});

test('sends messages again that were refused temporarily, and only these', async () => {
  aws
    .on(SendMessageBatchCommand)
    .resolvesOnce({ Successful: [], Failed: [{ Id: '1', SenderFault: false, Code: 'InternalError' }] })
    .resolves({});
  await open().send(messages(3));
  expect(bodies()).toEqual([messages(3), [message(1)]]);
  expect(clock.sleeps).toEqual([100]);
});

test('gives up after three attempts', async () => {
  aws
    .on(SendMessageBatchCommand)
    .resolves({ Successful: [], Failed: [{ Id: '0', SenderFault: false, Code: 'ThrottlingException' }] });
  await expect(open().send(messages(1))).rejects.toMatchObject({ code: 'Throttled' });
  expect(aws.calls()).toHaveLength(3);
  expect(clock.sleeps).toEqual([100, 200]);
});

test("does not try again what is the sender's fault", async () => {
  aws
    .on(SendMessageBatchCommand)
    .resolves({ Successful: [], Failed: [{ Id: '0', SenderFault: true, Code: 'InvalidMessageContents' }] });
  await expect(open().send(messages(1))).rejects.toMatchObject({ code: 'Internal' });
  expect(aws.calls()).toHaveLength(1);
});

test('one failed batch fails the whole, and stops those that are not started', async () => {
  aws.on(SendMessageBatchCommand).rejects(named('AccessDenied'));
  await expect(open().send(messages(1_000))).rejects.toMatchObject({ code: 'AccessDenied' });
  expect(aws.calls().length).toBeLessThanOrEqual(20);
});

test.each([
  [90.4, 90],
  [-5, 0],
  [1e9, 43_200],
])('a pause of %d seconds is sent as %i', async (seconds, VisibilityTimeout) => {
  aws.on(ChangeMessageVisibilityCommand).resolves({});
  await open().changeVisibility('r-1', seconds);
  expect(aws.calls()[0]?.args[0].input).toEqual({
    ...{ QueueUrl: 'https://sqs.example/queue', ReceiptHandle: 'r-1', VisibilityTimeout },
  });
});

test.each([
  ['MessageNotInflight', undefined],
  ['ReceiptHandleIsInvalid', undefined],
  ['AccessDenied', 'AccessDenied'],
  ['RequestThrottled', 'Throttled'],
])('%s at a pause: %s', async (name, expected) => {
  aws.on(ChangeMessageVisibilityCommand).rejects(named(name));
  const code = await open()
    .changeVisibility('r-1', 1)
    .then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
  expect(code).toBe(expected);
});
