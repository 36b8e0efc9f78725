import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  ReplicateSecretToRegionsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { secretMaker } from '../../lambdas/aws/secret-maker.ts';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { emulatorOptions } from '../../testkit/local-aws/adapter-options.ts';
import type { Endpoint } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';
import { type StoreWorld, storeSuite } from './store.ts';

describeWith(['emulator'], 'Secrets Manager', ({ emulator }) => {
  storeSuite('Secrets Manager on the emulator', async () => openWorld(emulator));
});

function openWorld(emulator: Endpoint): StoreWorld {
  const options = emulatorOptions(emulator);
  const client = new SecretsManagerClient(options);
  const other = { ...options, region: 'eu-central-1' };

  const create: StoreWorld['create'] = async ({ name, tags = {}, value }) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const content = !value
      ? {}
      : value.kind === 'string'
        ? { SecretString: value.text }
        : { SecretBinary: value.bytes };
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name: name, Tags, ...content }));
    return ARN;
  };

  return {
    store: secretsManagerStore(options)(noLimits),
    maker: secretMaker(options)(noLimits),
    async createKey() {
      const { KeyMetadata } = await new KMSClient(options).send(new CreateKeyCommand({}));
      return KeyMetadata?.Arn ?? '';
    },
    create,
    close: async () => client.destroy(),
    async write(secretArn, text) {
      const command = new PutSecretValueCommand({ SecretId: secretArn, SecretString: text });
      return (await client.send(command)).VersionId ?? '';
    },
    async remove(secretArn) {
      await client.send(new DeleteSecretCommand({ SecretId: secretArn, RecoveryWindowInDays: 7 }));
    },
    async createReplica(input) {
      const primary = await create(input);
      const AddReplicaRegions = [{ Region: other.region }];
      await client.send(new ReplicateSecretToRegionsCommand({ SecretId: primary, AddReplicaRegions }));
      return { store: secretsManagerStore(other)(noLimits), arn: primary.replace(options.region, other.region) };
    },
  };
}
