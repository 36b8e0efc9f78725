/** What a move of dead letters does, and for whom. */
import {
  CreateQueueCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { type Credentials, client, type Endpoint, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { inRole } from '../support/roles.ts';
import { type Behaviour, outcome } from './behaviour.ts';

const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

/** Makes a queue with one dead letter. */
async function queueWithLetter(aws: Endpoint) {
  const sqs = client(SQSClient, aws);
  const [name, letters] = [uniqueName('queue'), uniqueName('letters')];
  const dead = await sqs.send(new CreateQueueCommand({ QueueName: letters }));
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(letters), maxReceiveCount: 1 });
  const Attributes = { RedrivePolicy, VisibilityTimeout: '0' };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'letter' }));
  for (let time = 0; time < 2; time++) await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  return { sqs, QueueUrl, name, letters, lettersUrl: dead.QueueUrl };
}

/** Moves the letters of a queue as this caller, and returns the end of the move. */
async function moved(
  aws: Endpoint,
  letters: string,
  who?: Credentials,
): Promise<ListMessageMoveTasksResultEntry | string> {
  const sqs = client(SQSClient, aws, who);
  const SourceArn = arnOf(letters);
  const started = await outcome(sqs.send(new StartMessageMoveTaskCommand({ SourceArn })));
  if (started !== 'ok') return started;
  return waitFor('the end of the move', async () => {
    const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    return task?.Status === 'RUNNING' ? undefined : task;
  });
}

const firstIn = async (sqs: SQSClient, QueueUrl: string | undefined) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.map(({ Body }) => Body) ?? [];

export const QUEUES: readonly Behaviour[] = [
  {
    patch: 'message-moves',
    observe: async (aws) => {
      const { sqs, QueueUrl, letters, lettersUrl } = await queueWithLetter(aws);
      const task = await moved(aws, letters);
      if (typeof task === 'string') return task;
      const { Status, ApproximateNumberOfMessagesMoved: number, TaskHandle } = task;
      return [Status, number, TaskHandle, await firstIn(sqs, QueueUrl), await firstIn(sqs, lettersUrl)];
    },
    withPatch: ['COMPLETED', 1, undefined, ['letter'], []],
    without: 'InvalidAction',
  },
  {
    // The policy of the renewal queue: only a role with the tag may send.
    patch: 'message-moves',
    observe: async (aws) => {
      const { sqs, QueueUrl, name, letters, lettersUrl } = await queueWithLetter(aws);
      const Condition = { StringNotEquals: { 'aws:PrincipalTag/operator': 'true' } };
      const Deny = { Effect: 'Deny', Principal: '*', Action: 'sqs:SendMessage', Resource: arnOf(name), Condition };
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [Deny] });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      const refused = await moved(aws, letters, await inRole(aws, 'sqs:*'));
      if (typeof refused === 'string') return refused;
      const left = await sqs.send(new ReceiveMessageCommand({ QueueUrl: lettersUrl, VisibilityTimeout: 0 }));
      const allowed = await moved(aws, letters, await inRole(aws, 'sqs:*', { operator: 'true' }));
      if (typeof allowed === 'string') return allowed;
      return [refused.Status, refused.FailureReason, left.Messages?.length, allowed.Status];
    },
    withPatch: ['FAILED', 'AccessDenied', 1, 'COMPLETED'],
    without: 'InvalidAction',
  },
  {
    patch: 'message-moves',
    observe: async (aws) => {
      const sqs = client(SQSClient, aws);
      const { letters } = await queueWithLetter(aws);
      const start = (SourceArn: string) => outcome(sqs.send(new StartMessageMoveTaskCommand({ SourceArn })));
      const other = uniqueName('queue');
      await sqs.send(new CreateQueueCommand({ QueueName: other }));
      return [
        await start(arnOf(other)),
        await start(arnOf('nowhere')),
        await start(arnOf(letters)),
        await start(arnOf(letters)),
      ];
    },
    withPatch: ['InvalidParameterValue', 'ResourceNotFoundException', 'ok', 'InvalidParameterValue'],
    without: ['InvalidAction', 'InvalidAction', 'InvalidAction', 'InvalidAction'],
  },
];
