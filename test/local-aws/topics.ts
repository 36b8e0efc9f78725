/** What EventBridge may do with a rule's topic. */
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { client, type Endpoint, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import type { Behaviour } from './behaviour.ts';

type Statement = Readonly<Record<string, unknown>>;

const document = (...Statement: readonly Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

const events = { Service: 'events.amazonaws.com' };
const publish = { Effect: 'Allow', Principal: events, Action: 'sns:Publish', Resource: '*' };
/** A statement that AWS's console writes for other services. */
const conditional = { ...publish, Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } } };
/** A statement that the CDK's `enforceSSL` writes. */
const onlyByTls = {
  Effect: 'Deny',
  Principal: '*',
  Action: 'sns:Publish',
  Resource: '*',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};
const delegating = {
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::000000000000:root' },
  Action: 'kms:*',
  Resource: '*',
};
const byEvents = { Effect: 'Allow', Principal: events, Action: ['kms:GenerateDataKey*', 'kms:Decrypt'], Resource: '*' };

async function key(aws: Endpoint, ...policy: readonly Statement[]): Promise<string> {
  const { KeyMetadata } = await client(KMSClient, aws).send(new CreateKeyCommand({ Policy: document(...policy) }));
  return KeyMetadata?.Arn ?? '';
}

/** Makes a role with these statements, which this service may assume. */
async function role(aws: Endpoint, Service: string, ...statements: readonly Statement[]): Promise<string> {
  const iam = client(IAMClient, aws);
  const RoleName = uniqueName('role');
  const trust = document({ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
  const PolicyDocument = document(...statements);
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'policy', PolicyDocument }));
  return Role?.Arn ?? '';
}

const may = (...Action: readonly string[]) => ({ Effect: 'Allow', Action, Resource: '*' });
const withKey = (via: string) => ({
  ...may('kms:GenerateDataKey*', 'kms:Decrypt'),
  Condition: { StringEquals: { 'kms:ViaService': via } },
});

const open = document({ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' });

interface Case {
  readonly policy?: readonly Statement[];
  readonly role?: string;
  readonly key?: string;
}

/** Publishes an event to a topic. Returns 'delivered', or the ERROR_CODE of a dead letter. */
async function published(aws: Endpoint, { policy, role: RoleArn, key: KmsMasterKeyId }: Case): Promise<string> {
  const [sqs, sns, bus] = [client(SQSClient, aws), client(SNSClient, aws), client(EventBridgeClient, aws)];
  const Name = uniqueName('topic');
  const [box, letters] = await Promise.all(
    [`${Name}-box`, `${Name}-letters`].map(async (QueueName) => {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { Policy: open } }));
      return { QueueUrl, arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}` };
    }),
  );
  const Attributes = { ...(policy && { Policy: document(...policy) }), ...(KmsMasterKeyId && { KmsMasterKeyId }) };
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name, Attributes }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: box?.arn }));
  await bus.send(new PutRuleCommand({ Name, EventPattern: JSON.stringify({ source: [Name] }) }));
  const target = { Id: 'it', Arn: TopicArn ?? '', RoleArn, DeadLetterConfig: { Arn: letters?.arn } };
  await bus.send(new PutTargetsCommand({ Rule: Name, Targets: [target] }));
  await bus.send(new PutEventsCommand({ Entries: [{ Source: Name, DetailType: 'test', Detail: '{}' }] }));
  const first = async (QueueUrl?: string) =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }))).Messages?.[0];
  const look = async () => {
    const letter = await first(letters?.QueueUrl);
    return letter?.MessageAttributes?.['ERROR_CODE']?.StringValue ?? ((await first(box?.QueueUrl)) && 'delivered');
  };
  return waitFor('the event', look, { within: 10_000 }).catch(() => 'nothing');
}

async function all(aws: Endpoint, cases: Readonly<Record<string, Case>>): Promise<Record<string, string>> {
  const seen = Object.entries(cases).map(async ([name, each]) => [name, await published(aws, each)] as const);
  return Object.fromEntries(await Promise.all(seen));
}

const REFUSED = 'NO_PERMISSIONS';
const OK = 'delivered';

async function byPolicy(aws: Endpoint): Promise<unknown> {
  return all(aws, {
    none: {},
    plain: { policy: [publish] },
    conditional: { policy: [conditional] },
    both: { policy: [conditional, publish, onlyByTls] },
    denied: { policy: [publish, { ...publish, Effect: 'Deny' }] },
    keyOfCustomer: { policy: [publish], key: await key(aws, delegating, byEvents) },
    keyForOthers: { policy: [publish], key: await key(aws, delegating) },
    keyOfAws: { policy: [publish], key: 'alias/aws/sns' },
  });
}

async function byRole(aws: Endpoint): Promise<unknown> {
  const plain = await role(aws, events.Service, may('sns:Publish'));
  const via = (service: string) => role(aws, events.Service, may('sns:Publish'), withKey(service));
  const own = await key(aws, delegating);
  return all(aws, {
    allowed: { role: plain },
    notAllowed: { role: await role(aws, events.Service, may('sns:Subscribe')), policy: [publish] },
    notTrusted: { role: await role(aws, 'lambda.amazonaws.com', may('sns:Publish')) },
    keyAllowed: { role: await via('sns.us-east-1.amazonaws.com'), key: own },
    keyNotAllowed: { role: plain, key: own },
    keyByAnother: { role: await via('sqs.us-east-1.amazonaws.com'), key: own },
    keyOfAws: { role: plain, key: 'alias/aws/sns' },
  });
}

const everywhere = <T extends object>(cases: T): Record<string, string> =>
  Object.fromEntries(Object.keys(cases).map((name) => [name, OK]));

const POLICIES = {
  none: REFUSED,
  plain: OK,
  conditional: REFUSED,
  both: OK,
  denied: REFUSED,
  keyOfCustomer: OK,
  keyForOthers: REFUSED,
  keyOfAws: REFUSED,
};
const ROLES = {
  allowed: OK,
  notAllowed: REFUSED,
  notTrusted: 'FAILED_TO_ASSUME_ROLE',
  keyAllowed: OK,
  keyNotAllowed: REFUSED,
  keyByAnother: REFUSED,
  keyOfAws: OK,
};

export const TOPICS: readonly Behaviour[] = [
  { patch: 'rule-to-topic', observe: byPolicy, withPatch: POLICIES, without: everywhere(POLICIES) },
  { patch: 'rule-to-topic', observe: byRole, withPatch: ROLES, without: everywhere(ROLES) },
];
