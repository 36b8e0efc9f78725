/** The local AWS's records of the roles' requests: no secret, each shape once, and as AWS's models describe them. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RecordedRequest } from '../../testkit/local-aws/calls.ts';
import { type Credentials, client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Emulator, emulatorPython, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { required } from '../../testkit/tools/tool.ts';
import { judgeRequests } from '../support/aws-model.ts';
import { describeWith } from '../support/local.ts';
import { credentialsOf } from '../support/roles.ts';

describeWith(['emulator'], 'the requests of a role', () => {
  const words = randomBytes(20).toString('hex');
  const bytes = randomBytes(48);
  let aws: Emulator;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let text = '';
  let recorded: readonly RecordedRequest[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder('asked');
    vi.stubEnv('CALLS_FOLDER', folder.path);
    aws = await startEmulator();
    vi.unstubAllEnvs();
    await ask(aws, await newRole(aws), words, bytes);
    text = await readFile(join(folder.path, `requests-${new URL(aws.endpoint).port}.jsonl`), 'utf8');
    recorded = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  });
  afterAll(async () => {
    await aws?.stop();
    await folder?.remove();
  });

  const bodies = (target: RegExp) => recorded.filter((each) => target.test(each.target)).map(({ body }) => body);

  it('are recorded, each shape once', () => {
    expect(bodies(/GetSecretValue$/)).toHaveLength(1);
    expect(bodies(/PutSecretValue$/)).toHaveLength(2);
    expect(bodies(/CreateSecret$/)).toEqual([]); // those of root
    expect(recorded[0]).toMatchObject({ service: 'secretsmanager', session: expect.stringMatching(/^act-as-/) });
  });

  it('replace the value of a secret by one of the same length', () => {
    for (const secret of [words, bytes.toString('base64'), bytes.toString('hex')]) expect(text).not.toContain(secret);
    expect(bodies(/PutSecretValue$/)).toEqual([
      expect.objectContaining({ SecretString: 'x'.repeat(words.length) }),
      expect.objectContaining({ SecretBinary: Buffer.from('x'.repeat(bytes.length)).toString('base64') }),
    ]);
    expect(recorded.find(({ service }) => service === 'sns')?.body).toMatchObject({
      Action: 'Publish',
      Message: 'x'.repeat(words.length),
    });
  });

  it('are judged as they were sent', async () => {
    const judged = await judgeRequests(required(await emulatorPython()), recorded);
    expect(judged).toEqual(
      ['GetSecretValue', 'PutSecretValue', 'PutSecretValue', 'Sign', 'Publish'].map((operation) => ({
        operation,
        problems: [],
      })),
    );
  });
});

/** Credentials of a role with all permissions. */
async function newRole(aws: Endpoint): Promise<Credentials> {
  const iam = client(IAMClient, aws);
  const policy = (more: object) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });
  const RoleName = uniqueName('asks');
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: policy({ Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }),
    }),
  );
  const PolicyDocument = policy({ Action: '*', Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument }));
  return credentialsOf(aws, Role?.Arn);
}

/** Two equal reads, and one call of each kind that may contain a secret. */
async function ask(aws: Endpoint, role: Credentials, words: string, bytes: Uint8Array): Promise<void> {
  const names = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const created = new CreateSecretCommand({ Name: uniqueName(name), SecretString: words });
      return (await client(SecretsManagerClient, aws).send(created)).Name;
    }),
  );
  const { KeyMetadata } = await client(KMSClient, aws).send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  const { TopicArn } = await client(SNSClient, aws).send(new CreateTopicCommand({ Name: uniqueName('asked') }));

  const secrets = client(SecretsManagerClient, aws, role);
  for (const SecretId of names) await secrets.send(new GetSecretValueCommand({ SecretId }));
  const [SecretId] = names;
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: words }));
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretBinary: bytes }));
  const sign = { KeyId: KeyMetadata?.KeyId, SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'DIGEST' } as const;
  await client(KMSClient, aws, role).send(new SignCommand({ ...sign, Message: bytes.subarray(0, 32) }));
  await client(SNSClient, aws, role).send(new PublishCommand({ TopicArn, Message: words }));
}
