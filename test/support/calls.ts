/** Calls AWS with given credentials. Each call returns `ok`, `denied`, or the name of another error. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetPublicKeyCommand, KMSClient, SignCommand, type SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { type Credentials, client, type Endpoint } from '../../testkit/local-aws/client.ts';

export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (thrown) {
    const name = thrown instanceof Error ? thrown.name : String(thrown);
    return /^(AccessDenied|AuthorizationError)/.test(name) ? 'denied' : name;
  }
}

export type Caller = ReturnType<typeof callsOf>;

export function callsOf(aws: Endpoint, who: Credentials) {
  const secrets = client(SecretsManagerClient, aws, who);
  return {
    read: (SecretId: string) => outcome(secrets.send(new GetSecretValueCommand({ SecretId }))),
    put: (SecretId: string) => outcome(secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'third' }))),
    describe: (SecretId: string) => outcome(secrets.send(new DescribeSecretCommand({ SecretId }))),
    /** Tags of cert-renewer, without their prefix. */
    tag: (SecretId: string, names: readonly string[]) => {
      const Tags = names.map((name) => ({ Key: `cert-renewer:${name}`, Value: 'internal' }));
      return outcome(secrets.send(new TagResourceCommand({ SecretId, Tags })));
    },
    untag: (SecretId: string, names: readonly string[]) => {
      const TagKeys = names.map((name) => `cert-renewer:${name}`);
      return outcome(secrets.send(new UntagResourceCommand({ SecretId, TagKeys })));
    },
    /** Moves a stage from the first version to a second one, which root has written. AWSPENDING is removed from that one. */
    moveStage: async (SecretId: string, VersionStage: string) => {
      const { first, second } = await twoVersions(aws, SecretId);
      const changes: Readonly<Record<string, object>> = {
        AWSPENDING: { RemoveFromVersionId: second },
        AWSCURRENT: { MoveToVersionId: second, RemoveFromVersionId: first },
      };
      const change = changes[VersionStage] ?? { MoveToVersionId: second };
      return outcome(secrets.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage, ...change })));
    },
    sign: (KeyId: string, SigningAlgorithm: SigningAlgorithmSpec = 'RSASSA_PKCS1_V1_5_SHA_256') => {
      const Message = new Uint8Array(32);
      const request = new SignCommand({ KeyId, SigningAlgorithm, Message, MessageType: 'DIGEST' });
      return outcome(client(KMSClient, aws, who).send(request));
    },
    publicKey: (KeyId: string) => outcome(client(KMSClient, aws, who).send(new GetPublicKeyCommand({ KeyId }))),
    send: (QueueUrl: string, MessageBody: string) =>
      outcome(client(SQSClient, aws, who).send(new SendMessageCommand({ QueueUrl, MessageBody }))),
    parameter: (Name: string) => outcome(client(SSMClient, aws, who).send(new GetParameterCommand({ Name }))),
    invoke: (FunctionName: string) =>
      outcome(client(LambdaClient, aws, who).send(new InvokeCommand({ FunctionName, Payload: '{"dryRun":true}' }))),
    putEvents: (EventBusName: string) => {
      const Entries = [{ Source: 'permissions-test', DetailType: 'test', Detail: '{}', EventBusName }];
      return outcome(client(EventBridgeClient, aws, who).send(new PutEventsCommand({ Entries })));
    },
    notify: (TopicArn: string) =>
      outcome(client(SNSClient, aws, who).send(new PublishCommand({ TopicArn, Message: 'x' }))),
  };
}

async function twoVersions(aws: Endpoint, SecretId: string): Promise<{ first: string; second: string }> {
  const root = client(SecretsManagerClient, aws);
  const { VersionIdsToStages = {} } = await root.send(new DescribeSecretCommand({ SecretId }));
  const [first = ''] = Object.keys(VersionIdsToStages);
  const put = new PutSecretValueCommand({ SecretId, SecretString: 'second', VersionStages: ['AWSPENDING'] });
  const { VersionId: second = '' } = await root.send(put);
  return { first, second };
}
