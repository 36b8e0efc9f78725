/** Creates secrets, queues, topics and roles, each with its deletion. */
import { randomBytes } from 'node:crypto';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  type CreateSecretCommandInput,
  DeleteSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, DeleteTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { type Room, type SessionCredentials, sessionOf } from './room.ts';
import { isMissing } from './trail.ts';

export type Statement = Readonly<Record<string, unknown>>;

export const policy = (...Statement: readonly Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement });

/** Returns a new ClientRequestToken. */
export const token = (): string => randomBytes(20).toString('hex');

/** Creates a secret. Returns its ARN. */
export async function secret(room: Room, part: string, input: Partial<CreateSecretCommandInput> = {}): Promise<string> {
  const secrets = room.client(SecretsManagerClient);
  const made = await room.make(
    'secret',
    part,
    (Name) => secrets.send(new CreateSecretCommand({ ...input, Name })),
    (SecretId) => secrets.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
  );
  return made.ARN ?? '';
}

export interface Queue {
  readonly url: string;
  readonly arn: string;
}

export async function queue(
  room: Room,
  part: string,
  Attributes: Partial<Record<QueueAttributeName, string>> = {},
): Promise<Queue> {
  const sqs = room.client(SQSClient);
  const { QueueUrl = '' } = await room.make(
    'queue',
    part,
    (QueueName) => sqs.send(new CreateQueueCommand({ QueueName, Attributes })),
    async (QueueName) => {
      const found = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl: found.QueueUrl }));
    },
  );
  return { url: QueueUrl, arn: room.arn('sqs', room.name(part)) };
}

export async function setQueuePolicy(room: Room, { url }: Queue, ...statements: readonly Statement[]): Promise<void> {
  const Attributes = { Policy: policy(...statements) };
  await room.client(SQSClient).send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
}

/** Receives and deletes the first message within so many seconds. */
export async function received(room: Room, { url }: Queue, seconds: number): Promise<string | undefined> {
  const sqs = room.client(SQSClient);
  return room.until(seconds, async () => {
    const { Messages: [first] = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 1 }));
    if (first === undefined) return undefined;
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first.ReceiptHandle }));
    return first.Body ?? '';
  });
}

/** Creates a topic. Returns its ARN. */
export async function topic(room: Room, part: string): Promise<string> {
  const sns = room.client(SNSClient);
  await room.make(
    'topic',
    part,
    (Name) => sns.send(new CreateTopicCommand({ Name })),
    (name) => sns.send(new DeleteTopicCommand({ TopicArn: room.arn('sns', name) })),
  );
  return room.arn('sns', room.name(part));
}

export interface RoleProps {
  /** Who may assume it: `{ AWS: <ARN> }`, `{ Service: 'lambda.amazonaws.com' }`. */
  readonly principal: Readonly<Record<string, string>>;
  readonly statements: readonly Statement[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** Creates a role. Returns its ARN. */
export async function role(room: Room, part: string, { principal, statements, tags = {} }: RoleProps): Promise<string> {
  const iam = room.client(IAMClient);
  const PolicyName = 'check';
  const { Role } = await room.make(
    'role',
    part,
    (RoleName) =>
      iam.send(
        new CreateRoleCommand({
          RoleName,
          AssumeRolePolicyDocument: policy({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }),
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      ),
    async (RoleName) => {
      await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })).catch(unlessMissing);
      await iam.send(new DeleteRoleCommand({ RoleName }));
    },
  );
  const PolicyDocument = policy(...statements);
  await iam.send(new PutRolePolicyCommand({ RoleName: room.name(part), PolicyName, PolicyDocument }));
  return Role?.Arn ?? '';
}

/** Creates a role for the caller's account and assumes it. IAM's changes take time to spread, so it tries for a minute. */
export async function actAs(
  room: Room,
  part: string,
  { statements, tags = {} }: Omit<RoleProps, 'principal'>,
): Promise<SessionCredentials> {
  const principal = { AWS: room.arn('iam', 'root') };
  const RoleArn = await role(room, part, { principal, statements, tags });
  const assume = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'check' });
  const { Credentials } = await room.untilTaken(() => room.client(STSClient).send(assume), isDenied);
  return sessionOf(Credentials ?? {});
}

/** AWS's services use several names for this error. */
export const isDenied = (thrown: unknown): boolean =>
  thrown instanceof Error && /^AccessDenied|NotAuthorized|AuthorizationError/.test(thrown.name);

const unlessMissing = (thrown: unknown): void => {
  if (!isMissing(thrown)) throw thrown;
};
