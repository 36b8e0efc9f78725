import { randomUUID } from 'node:crypto';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
  type Tag,
  TagUserCommand,
} from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  KMSClient,
  SignCommand,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Credentials, client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';

type Statement = Readonly<Record<string, unknown>>;

/** Makes a user with these statements, and returns the credentials. */
export async function userWith(aws: Endpoint, ...Statement: Statement[]): Promise<Credentials> {
  const iam = client(IAMClient, aws);
  const UserName = uniqueName('user');
  await iam.send(new CreateUserCommand({ UserName }));
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'policy', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

async function signingKey(aws: Endpoint): Promise<{ id: string; arn: string; alias: string }> {
  const kms = client(KMSClient, aws);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }));
  const alias = `alias/${uniqueName('key')}`;
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata?.KeyId }));
  return { id: KeyMetadata?.KeyId ?? '', arn: KeyMetadata?.Arn ?? '', alias };
}

function sign(aws: Endpoint, who: Credentials, KeyId: string, SigningAlgorithm: SigningAlgorithmSpec): Promise<string> {
  const Message = new Uint8Array(SigningAlgorithm.endsWith('512') ? 64 : 32);
  return outcome(
    client(KMSClient, aws, who).send(new SignCommand({ KeyId, SigningAlgorithm, Message, MessageType: 'DIGEST' })),
  );
}

async function secret(aws: Endpoint, tag = 'internal'): Promise<string> {
  const Tags = [{ Key: 'cert-renewer:profile', Value: tag }];
  const call = new CreateSecretCommand({ Name: uniqueName('behaviour'), SecretString: 'x', Tags });
  return (await client(SecretsManagerClient, aws).send(call)).ARN ?? '';
}

const DENIED = 'AccessDeniedException';

export const IAM: readonly Behaviour[] = [
  {
    patch: 'batch-actions',
    observe: async (aws) => {
      const { QueueUrl } = await client(SQSClient, aws).send(
        new CreateQueueCommand({ QueueName: uniqueName('queue') }),
      );
      const who = await userWith(aws, { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' });
      const Entries = [{ Id: randomUUID(), MessageBody: 'x' }];
      const sent = await outcome(client(SQSClient, aws, who).send(new SendMessageBatchCommand({ QueueUrl, Entries })));
      return sent.startsWith('AccessDenied') ? 'denied' : sent;
    },
    withPatch: 'ok',
    without: 'denied',
  },
  {
    patch: 'kms-alias',
    observe: async (aws) => {
      const { arn, alias } = await signingKey(aws);
      const who = await userWith(aws, { Effect: 'Allow', Action: 'kms:Sign', Resource: arn });
      return sign(aws, who, alias, 'RSASSA_PKCS1_V1_5_SHA_256');
    },
    withPatch: 'ok',
    without: DENIED,
  },
  {
    patch: 'kms-alias',
    observe: async (aws) => {
      const { id, alias } = await signingKey(aws);
      const Condition = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } };
      const who = await userWith(aws, { Effect: 'Allow', Action: 'kms:Sign', Resource: '*', Condition });
      return sign(aws, who, id, 'RSASSA_PKCS1_V1_5_SHA_256');
    },
    withPatch: 'ok',
    without: DENIED,
  },
  {
    patch: 'kms-signing-conditions',
    observe: async (aws) => {
      const { id } = await signingKey(aws);
      const Condition = {
        StringEquals: { 'kms:SigningAlgorithm': 'RSASSA_PKCS1_V1_5_SHA_256', 'kms:MessageType': 'DIGEST' },
      };
      const allowed = await userWith(aws, { Effect: 'Allow', Action: 'kms:Sign', Resource: '*', Condition });
      const forbidden = await userWith(
        aws,
        { Effect: 'Allow', Action: 'kms:Sign', Resource: '*' },
        { Effect: 'Deny', Action: 'kms:Sign', Resource: '*', Condition },
      );
      return {
        allowed: await sign(aws, allowed, id, 'RSASSA_PKCS1_V1_5_SHA_256'),
        otherAlgorithm: await sign(aws, allowed, id, 'RSASSA_PKCS1_V1_5_SHA_512'),
        forbidden: await sign(aws, forbidden, id, 'RSASSA_PKCS1_V1_5_SHA_256'),
      };
    },
    withPatch: { allowed: 'ok', otherAlgorithm: DENIED, forbidden: DENIED },
    without: { allowed: DENIED, otherAlgorithm: DENIED, forbidden: 'ok' },
  },
  {
    patch: 'kms-message-limit',
    observe: async (aws) => {
      const { id: KeyId } = await signingKey(aws);
      const SigningAlgorithm = 'RSASSA_PKCS1_V1_5_SHA_256';
      const signRaw = (length: number): Promise<string> =>
        outcome(
          client(KMSClient, aws).send(new SignCommand({ KeyId, SigningAlgorithm, Message: new Uint8Array(length) })),
        );
      return [await signRaw(4_096), await signRaw(4_097)];
    },
    withPatch: ['ok', 'ValidationException'],
    without: ['ok', 'ok'],
  },
  {
    patch: 'secret-conditions',
    observe: async (aws) => {
      const SecretId = await secret(aws);
      const Condition = { StringEquals: { 'secretsmanager:VersionStage': 'AWSPENDING' } };
      const who = await userWith(
        aws,
        { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' },
        { Effect: 'Deny', Action: 'secretsmanager:GetSecretValue', Resource: '*', Condition },
      );
      const secrets = client(SecretsManagerClient, aws, who);
      const get = (VersionStage: string): Promise<string> =>
        outcome(secrets.send(new GetSecretValueCommand({ SecretId, VersionStage })));
      return [await get('AWSCURRENT'), await get('AWSPENDING')];
    },
    withPatch: ['ok', DENIED],
    without: ['ok', 'ResourceNotFoundException'],
  },
  {
    patch: 'secret-resource-tag',
    observe: async (aws) => {
      const mine = await secret(aws, 'mine');
      const other = await secret(aws, 'other');
      const Condition = { StringEquals: { 'secretsmanager:ResourceTag/cert-renewer:profile': 'mine' } };
      const who = await userWith(aws, {
        Effect: 'Allow',
        Action: 'secretsmanager:DescribeSecret',
        Resource: '*',
        Condition,
      });
      const secrets = client(SecretsManagerClient, aws, who);
      const describe = (SecretId: string): Promise<string> =>
        outcome(secrets.send(new DescribeSecretCommand({ SecretId })));
      return [await describe(mine), await describe(other)];
    },
    withPatch: ['ok', DENIED],
    without: [DENIED, DENIED],
  },
  {
    patch: 'secure-transport',
    observe: async (aws) => {
      const SecretId = await secret(aws);
      const Condition = { Bool: { 'aws:SecureTransport': 'false' } };
      const who = await userWith(
        aws,
        { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' },
        { Effect: 'Deny', Action: '*', Resource: '*', Condition },
      );
      return outcome(client(SecretsManagerClient, aws, who).send(new DescribeSecretCommand({ SecretId })));
    },
    withPatch: 'ok',
    without: DENIED,
  },
  {
    patch: 'parameters-by-path',
    observe: async (aws) => {
      const Resource = 'arn:aws:ssm:*:*:parameter/own/profiles/*';
      const who = await userWith(aws, { Effect: 'Allow', Action: 'ssm:GetParametersByPath', Resource });
      const list = (Path: string) =>
        outcome(client(SSMClient, aws, who).send(new GetParametersByPathCommand({ Path })));
      return [await list('/own/profiles/'), await list('/other/profiles/')];
    },
    withPatch: ['ok', DENIED],
    without: [DENIED, DENIED],
  },
  {
    patch: 'principal-tag',
    observe: async (aws) => {
      const sqs = client(SQSClient, aws);
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName('queue') }));
      const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
      const { QueueArn: Resource } = (await sqs.send(get)).Attributes ?? {};
      const Condition = { StringNotEquals: { 'aws:PrincipalTag/may-send': 'true' } };
      const deny = { Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sqs:SendMessage', Resource, Condition };
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      const send = async (...Tags: Tag[]): Promise<string> => {
        const who = await userWith(aws, { Effect: 'Allow', Action: 'sqs:*', Resource: '*' });
        const { Arn } = await client(STSClient, aws, who).send(new GetCallerIdentityCommand({}));
        const UserName = Arn?.split('/')[1];
        if (Tags.length > 0) await client(IAMClient, aws).send(new TagUserCommand({ UserName, Tags }));
        const sent = client(SQSClient, aws, who).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
        return (await outcome(sent)).startsWith('AccessDenied') ? 'denied' : 'sent';
      };
      return [
        await send({ Key: 'may-send', Value: 'true' }),
        await send({ Key: 'may-send', Value: 'no' }),
        await send(),
      ];
    },
    withPatch: ['sent', 'denied', 'denied'],
    without: ['denied', 'denied', 'denied'],
  },
];
