/** Calls that only the command line makes: it creates a secret, and lists secrets with stray tags. */
import { CreateSecretCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tagPrefix } from '../../lambdas/domain/tags.ts';

export interface NewSecret {
  readonly name: string;
  readonly text: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The KMS key that encrypts the secret. Default: the account's key for Secrets Manager, alias/aws/secretsmanager. */
  readonly kmsKeyId: string | undefined;
}

export interface TaggedSecret {
  readonly arn: string;
  readonly name: string;
  readonly tags: ReadonlyMap<string, string>;
}

export interface Secrets {
  /** Creates a secret with value and tags in one step. Throws OutputExists, AccessDenied, InvalidRequest. */
  create(secret: NewSecret): Promise<{ readonly arn: string; readonly versionId: string }>;
  /** All secrets with a tag that begins with `cert-renewer:`, enrolled or not. */
  tagged(): AsyncIterable<readonly TaggedSecret[]>;
}

export function secretsOf(options: AwsOptions): Secrets {
  const client = new SecretsManagerClient(clientConfig(options));
  return {
    create: (secret) => create(client, secret),
    tagged: () => tagged(client),
  };
}

async function create(client: SecretsManagerClient, { name, text, tags, kmsKeyId }: NewSecret) {
  const command = new CreateSecretCommand({
    Name: name,
    SecretString: text,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }),
  });
  try {
    const { ARN: arn = '', VersionId: versionId = '' } = await client.send(command);
    return { arn, versionId };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ResourceExistsException') {
      throw new RenewalError(
        'OutputExists',
        `The secret ${name} exists already: choose another name, or put the pair into it (aws secretsmanager put-secret-value) and enrol it (cert-renewer enrol ${name}).`,
      );
    }
    throw awsError(thrown, { service: 'secrets', action: 'CreateSecret', resource: name });
  }
}

async function* tagged(client: SecretsManagerClient): AsyncGenerator<readonly TaggedSecret[]> {
  let token: string | undefined;
  do {
    const command = new ListSecretsCommand({
      MaxResults: 100,
      Filters: [{ Key: 'tag-key', Values: [tagPrefix] }],
      ...(token !== undefined && { NextToken: token }),
    });
    const answer = await client.send(command).catch((thrown: unknown) => {
      throw awsError(thrown, { service: 'secrets', action: 'ListSecrets', resource: '*' });
    });
    yield (answer.SecretList ?? []).map(({ ARN: arn = '', Name: name = '', Tags = [] }) => ({
      arn,
      name,
      tags: new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
    }));
    token = answer.NextToken;
  } while (token !== undefined);
}
