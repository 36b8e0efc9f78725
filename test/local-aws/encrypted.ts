/** Secrets that are encrypted with a customer key, and secrets that are made with tags. */
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { type Credentials, client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';
import { stackOf } from './functions.ts';
import { userWith } from './iam.ts';

const KEY_POLICY = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:root' }, Action: 'kms:*', Resource: '*' },
  ],
};
/** A key policy that does not delegate to IAM. */
const CLOSED_POLICY = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:user/nobody' }, Action: 'kms:*', Resource: '*' },
  ],
};

async function key(aws: Endpoint, policy: unknown = KEY_POLICY): Promise<{ arn: string; id: string; alias: string }> {
  const kms = client(KMSClient, aws);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy: JSON.stringify(policy) }));
  const alias = `alias/${uniqueName('key')}`;
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata?.KeyId }));
  return { arn: KeyMetadata?.Arn ?? '', id: KeyMetadata?.KeyId ?? '', alias };
}

async function secret(aws: Endpoint, KmsKeyId?: string): Promise<string> {
  const call = new CreateSecretCommand({ Name: uniqueName('encrypted'), SecretString: 'x', KmsKeyId });
  return (await client(SecretsManagerClient, aws).send(call)).ARN ?? '';
}

const ofSecrets = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' };

/** A statement for a key, through Secrets Manager of one Region only. */
const via = (Action: string[], Resource: string, region = 'us-east-1') => ({
  Effect: 'Allow',
  Action,
  Resource,
  Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
});

/** Returns the outcomes of reads and of a write of a secret. */
async function used(aws: Endpoint, who: Credentials | undefined, SecretId: string): Promise<readonly string[]> {
  const secrets = client(SecretsManagerClient, aws, who);
  const batch = secrets.send(new BatchGetSecretValueCommand({ SecretIdList: [SecretId] }));
  const read = await outcome(secrets.send(new GetSecretValueCommand({ SecretId })));
  const readByBatch = (await batch).Errors?.[0]?.ErrorCode ?? 'ok';
  const written = await outcome(secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'y' })));
  return [read, readByBatch, written];
}

const DENIED = 'AccessDeniedException';
const BOTH = ['kms:Decrypt', 'kms:GenerateDataKey'];
const OK = ['ok', 'ok', 'ok'];
const NONE = [DENIED, DENIED, DENIED];

async function byPermission(aws: Endpoint): Promise<unknown> {
  const { arn, id, alias } = await key(aws);
  const own = await secret(aws, arn);
  const as = async (...statements: Record<string, unknown>[]) =>
    used(aws, await userWith(aws, ofSecrets, ...statements), own);
  const both = await userWith(aws, ofSecrets, via(BOTH, arn));
  const closed = await key(aws, CLOSED_POLICY);
  return {
    root: await used(aws, undefined, own),
    nothing: await as(),
    decrypt: await as(via(['kms:Decrypt'], arn)),
    both: await used(aws, both, own),
    elsewhere: await as(via(BOTH, arn, 'eu-west-1')),
    byAlias: [await used(aws, both, await secret(aws, alias)), await as(via(BOTH, 'arn:aws:kms:*:*:key/other'))],
    byId: await used(aws, both, await secret(aws, id)),
    keyPolicy: await used(aws, await userWith(aws, ofSecrets, via(BOTH, '*')), await secret(aws, closed.arn)),
  };
}

async function message(aws: Endpoint): Promise<string> {
  const SecretId = await secret(aws, (await key(aws)).arn);
  const call = client(SecretsManagerClient, aws, await userWith(aws, ofSecrets)).send(
    new GetSecretValueCommand({ SecretId }),
  );
  return call.then(
    () => 'read',
    (error: Error) => error.message,
  );
}

/** Secrets of a stack with a customer key, with Secrets Manager's own key, and with none; and a new secret. */
async function byOrigin(aws: Endpoint): Promise<unknown> {
  const { arn: KmsKeyId } = await key(aws);
  const who = await userWith(aws, ofSecrets);
  const Properties = { SecretString: 'x', KmsKeyId };
  const Resources = { Secret: { Type: 'AWS::SecretsManager::Secret', Properties } };
  const ofStack = await stackOf(aws, Resources, { Id: { Value: { Ref: 'Secret' } } });
  const create = new CreateSecretCommand({ Name: uniqueName('encrypted'), SecretString: 'x', KmsKeyId });
  return {
    ofStack: await used(aws, who, ofStack),
    awsManaged: await used(aws, who, await secret(aws, 'alias/aws/secretsmanager')),
    plain: await used(aws, who, await secret(aws)),
    created: await outcome(client(SecretsManagerClient, aws, who).send(create)),
  };
}

/** Changes a secret's customer key, with different permissions for the new one. */
async function reencrypted(aws: Endpoint): Promise<unknown> {
  const [before, after] = [await key(aws), await key(aws)];
  const may = async (...statements: Record<string, unknown>[]): Promise<string> => {
    const secrets = client(SecretsManagerClient, aws, await userWith(aws, ofSecrets, ...statements));
    return outcome(
      secrets.send(new UpdateSecretCommand({ SecretId: await secret(aws, before.arn), KmsKeyId: after.arn })),
    );
  };
  const all = [...BOTH, 'kms:Encrypt'];
  return { nothing: await may(), both: await may(via(BOTH, after.arn)), all: await may(via(all, after.arn)) };
}

/** Makes a secret with tags, with different permissions to tag. */
async function madeWithTags(aws: Endpoint): Promise<unknown> {
  const make = async (...statements: Record<string, unknown>[]): Promise<string> => {
    const create = { Effect: 'Allow', Action: 'secretsmanager:CreateSecret', Resource: '*' };
    const secrets = client(SecretsManagerClient, aws, await userWith(aws, create, ...statements));
    const Tags = [{ Key: 'team', Value: 'web' }];
    return outcome(secrets.send(new CreateSecretCommand({ Name: uniqueName('tagged'), SecretString: 'x', Tags })));
  };
  const tag = (condition: Record<string, unknown>) => ({
    ...{ Effect: 'Allow', Action: 'secretsmanager:TagResource', Resource: '*' },
    Condition: { StringEquals: condition },
  });
  return {
    no: await make(),
    any: await make({ Effect: 'Allow', Action: 'secretsmanager:TagResource', Resource: '*' }),
    requested: await make(tag({ 'aws:RequestTag/team': 'web' })),
    asTheSecrets: await make(tag({ 'aws:ResourceTag/team': 'web' })),
    another: await make(tag({ 'aws:ResourceTag/team': 'other' })),
  };
}

export const ENCRYPTED: readonly Behaviour[] = [
  {
    patch: 'secret-encryption-key',
    observe: byPermission,
    withPatch: {
      root: OK,
      nothing: NONE,
      decrypt: ['ok', 'ok', DENIED],
      both: OK,
      elsewhere: NONE,
      byAlias: [OK, NONE],
      byId: OK,
      keyPolicy: NONE,
    },
    without: {
      root: OK,
      nothing: OK,
      decrypt: OK,
      both: OK,
      elsewhere: OK,
      byAlias: [OK, OK],
      byId: OK,
      keyPolicy: OK,
    },
  },
  {
    patch: 'secret-encryption-key',
    observe: message,
    withPatch: 'Access to KMS is not allowed',
    without: 'read',
  },
  {
    patch: 'secret-encryption-key',
    observe: byOrigin,
    withPatch: { ofStack: NONE, awsManaged: OK, plain: OK, created: DENIED },
    without: { ofStack: OK, awsManaged: OK, plain: OK, created: 'ok' },
  },
  {
    patch: 'secret-reencryption',
    observe: reencrypted,
    withPatch: { nothing: DENIED, both: DENIED, all: 'ok' },
    without: { nothing: 'ok', both: 'ok', all: 'ok' },
  },
  {
    patch: 'secret-made-with-tags',
    observe: madeWithTags,
    withPatch: { no: DENIED, any: 'ok', requested: 'ok', asTheSecrets: 'ok', another: DENIED },
    without: { no: 'ok', any: 'ok', requested: 'ok', asTheSecrets: 'ok', another: 'ok' },
  },
];
