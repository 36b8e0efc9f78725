/** Creates empty secrets and sets their keys. It writes no value except `{}`. */
import { CreateSecretCommand, SecretsManagerClient, UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { type CallPolicy, call } from '../domain/calls.ts';
import type { NewSecret, SecretMaker } from '../domain/declaring.ts';
import { type AwsOptions, clientConfig } from './clients.ts';
import { awsError } from './errors.ts';

export function secretMaker(options: AwsOptions = {}): (policy: CallPolicy) => SecretMaker {
  const client = new SecretsManagerClient(clientConfig(options));
  return (policy) => ({
    create: (secret) => call(policy, 'create', () => create(client, secret)),
    setEncryptionKey: (secretArn, encryptionKey) =>
      call(policy, 'setEncryptionKey', () => setEncryptionKey(client, secretArn, encryptionKey)),
  });
}

async function create(
  client: SecretsManagerClient,
  { name, description, tags, encryptionKey, versionId }: NewSecret,
): Promise<string | undefined> {
  const command = new CreateSecretCommand({
    Name: name,
    Description: description,
    SecretString: '{}',
    ClientRequestToken: versionId,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ...(encryptionKey !== undefined && { KmsKeyId: encryptionKey }),
  });
  try {
    return (await client.send(command)).ARN ?? '';
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ResourceExistsException') return undefined;
    throw awsError(thrown, { service: 'secrets', action: 'CreateSecret', resource: name });
  }
}

async function setEncryptionKey(client: SecretsManagerClient, secretArn: string, encryptionKey: string): Promise<void> {
  const command = new UpdateSecretCommand({ SecretId: secretArn, KmsKeyId: encryptionKey });
  await client.send(command).catch((thrown: unknown) => {
    throw awsError(thrown, { service: 'secrets', action: 'UpdateSecret', resource: secretArn });
  });
}
