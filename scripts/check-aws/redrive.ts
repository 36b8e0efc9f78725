/** Group 3: the redrive of dead letters into a queue whose policy restricts senders. */
import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import { group } from './group.ts';
import { asDocumented, notTried, type Outcome, otherwise } from './outcome.ts';
import { actAs, isDenied, type Queue, queue, received, type Statement, setQueuePolicy } from './resources.ts';
import type { Room, SessionCredentials } from './room.ts';

interface Made {
  readonly sender: SessionCredentials;
  readonly tagged: SessionCredentials;
  readonly untagged: SessionCredentials;
}

interface Queues {
  readonly main: Queue;
  readonly letters: Queue;
}

/** The permissions that moving dead letters needs, by SQS's page on redrive permissions, for the queues of this run. */
const redriving = (room: Room): Statement => ({
  Effect: 'Allow',
  Action: [
    ...['sqs:StartMessageMoveTask', 'sqs:ListMessageMoveTasks', 'sqs:CancelMessageMoveTask'],
    ...['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:SendMessage'],
  ],
  Resource: room.arn('sqs', room.name('*')),
});

async function roles(room: Room): Promise<Made> {
  const statements = [redriving(room)];
  const [sender, tagged, untagged] = await Promise.all([
    actAs(room, 'sender', { statements }),
    actAs(room, 'redriver', { statements, tags: { [redriveTag]: 'true' } }),
    actAs(room, 'other', { statements }),
  ]);
  return { sender, tagged, untagged };
}

/** Makes a queue with a dead-letter queue. A Deny lets only the sender, the account's root and `unless` send to it. */
async function guardedQueue(room: Room, part: string, unless: Statement): Promise<Queues> {
  const letters = await queue(room, `${part}-letters`);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: letters.arn, maxReceiveCount: 1 });
  const main = await queue(room, part, { RedrivePolicy, VisibilityTimeout: '0' });
  const sender = room.name('sender');
  const ArnNotLike = {
    'aws:PrincipalArn': [
      room.arn('iam', `role/${sender}`),
      room.arn('iam', 'root'),
      // A local AWS chooses the name of the session.
      room.arn('sts', `assumed-role/${sender}/*`),
    ],
  };
  await setQueuePolicy(room, main, {
    Effect: 'Deny',
    Principal: '*',
    Action: 'sqs:SendMessage',
    Resource: main.arn,
    Condition: { ArnNotLike, ...unless },
  });
  return { main, letters };
}

const letter = 'a dead letter';

const send = (room: Room, credentials: SessionCredentials, { url }: Queue, MessageBody: string) =>
  room.client(SQSClient, { credentials }).send(new SendMessageCommand({ QueueUrl: url, MessageBody }));

/** Sends a message and receives it until it is a dead letter. Throws after a minute. */
async function kill(room: Room, sender: SessionCredentials, { main, letters }: Queues): Promise<void> {
  await room.untilTaken(() => send(room, sender, main, letter), isDenied);
  const sqs = room.client(SQSClient);
  const count = new GetQueueAttributesCommand({
    QueueUrl: letters.url,
    AttributeNames: ['ApproximateNumberOfMessages'],
  });
  const isDead = await room.until(60, async () => {
    await sqs.send(new ReceiveMessageCommand({ QueueUrl: main.url, VisibilityTimeout: 0, WaitTimeSeconds: 1 }));
    const { Attributes = {} } = await sqs.send(count);
    return Number(Attributes['ApproximateNumberOfMessages']) > 0 || undefined;
  });
  if (isDead === undefined) throw new Error('the message did not become a dead letter within a minute');
}

/** Tells whether the Deny is in effect within a minute, for a role whose own policy is in effect. */
async function isGuarded(room: Room, untagged: SessionCredentials, { main }: Queues): Promise<boolean> {
  const sqs = room.client(SQSClient, { credentials: untagged });
  await room.untilTaken(() => sqs.send(new GetQueueAttributesCommand({ QueueUrl: main.url })), isDenied);
  const isRefused = await room.until(60, () =>
    send(room, untagged, main, 'not wanted').then(
      () => undefined,
      (error: unknown) => isDenied(error) || Promise.reject(error),
    ),
  );
  return isRefused !== undefined;
}

/** Moves the dead letter back with these credentials. Returns undefined if it arrives within two minutes, else what happened. */
async function notMoved(room: Room, credentials: SessionCredentials, queues: Queues): Promise<string | undefined> {
  const sqs = room.client(SQSClient, { credentials });
  const SourceArn = queues.letters.arn;
  await room.untilTaken(() => sqs.send(new StartMessageMoveTaskCommand({ SourceArn })), isDenied);
  const isBack = await room.until(120, async () => (await received(room, queues.main, 1)) === letter || undefined);
  if (isBack) return undefined;
  const { Results: [task] = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
  return `the message stays a dead letter (task: ${task?.Status} ${task?.FailureReason ?? ''})`;
}

export const redrive = group({
  makes: [
    { kind: 'role', part: 'sender' },
    { kind: 'role', part: 'redriver' },
    { kind: 'role', part: 'other' },
    { kind: 'queue', part: 'tagged' },
    { kind: 'queue', part: 'tagged-letters' },
    { kind: 'queue', part: 'via-aws' },
    { kind: 'queue', part: 'via-aws-letters' },
  ],
  setUp: roles,
  behaviours: [
    {
      line: '3.1',
      says: `a role with the tag ${redriveTag} moves dead letters into a queue that denies all others to send`,
      observe: async (room, { sender, tagged, untagged }) => {
        const StringNotEquals = { [`aws:PrincipalTag/${redriveTag}`]: 'true' };
        const queues = await guardedQueue(room, 'tagged', { StringNotEquals });
        await kill(room, sender, queues);
        if (!(await isGuarded(room, untagged, queues))) return otherwise('a role without the tag may send too');
        const problem = await notMoved(room, tagged, queues);
        return problem === undefined ? asDocumented() : otherwise(problem);
      },
    },
    {
      line: '3.2',
      says: "AWS's pages leave open whether a move of dead letters counts as aws:ViaAWSService (a role without the tag, a Deny that excepts it)",
      observe: async (room, { sender, untagged }): Promise<Outcome> => {
        const queues = await guardedQueue(room, 'via-aws', { BoolIfExists: { 'aws:ViaAWSService': 'false' } });
        await kill(room, sender, queues);
        if (!(await isGuarded(room, untagged, queues))) {
          return notTried("the queue's Deny does not hold within a minute, so that a move shows nothing");
        }
        const problem = await notMoved(room, untagged, queues);
        return asDocumented(problem === undefined ? 'it does' : `it does not: ${problem}`);
      },
    },
  ],
});
