/** Calls that only the command line makes: it creates a secret, lists secrets with stray tags, and lists a secret's versions. */
import {
  CreateSecretCommand,
  type Filter,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
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
  /** Empty if it has none. */
  readonly description: string;
  readonly tags: ReadonlyMap<string, string>;
}

export interface VersionDates {
  readonly createdAt: Instant | undefined;
  /** Midnight UTC of the day when it was last read: AWS notes no more. Undefined if it was never read. */
  readonly lastReadOn: Instant | undefined;
}

export interface Secrets {
  /** Creates a secret with value and tags in one step. Throws OutputExists, AccessDenied, InvalidRequest. */
  create(secret: NewSecret): Promise<{ readonly arn: string; readonly versionId: string }>;
  /** All secrets with a tag that begins with `cert-renewer:`, enrolled or not. With `prefix`, those whose name begins so. */
  tagged(prefix?: string): AsyncIterable<readonly TaggedSecret[]>;
  /** All secrets, with and without tags. */
  all(prefix?: string): AsyncIterable<readonly TaggedSecret[]>;
  /** The dates of the versions with a staging label, by version id. Throws SecretNotFound, AccessDenied, Throttled. */
  versionDates(secretId: string): Promise<ReadonlyMap<string, VersionDates>>;
}

export function secretsOf(options: AwsOptions): Secrets {
  const client = new SecretsManagerClient(clientConfig(options));
  return {
    create: (secret) => create(client, secret),
    tagged: (prefix) => list(client, [{ Key: 'tag-key', Values: [tagPrefix] }, ...named(prefix)]),
    all: (prefix) => list(client, named(prefix)),
    versionDates: (secretId) => versionDates(client, secretId),
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

/** The filter of Secrets Manager compares the beginning of the name. */
const named = (prefix = ''): Filter[] => (prefix === '' ? [] : [{ Key: 'name', Values: [prefix] }]);

async function* list(client: SecretsManagerClient, Filters: Filter[]): AsyncGenerator<readonly TaggedSecret[]> {
  let token: string | undefined;
  do {
    const command = new ListSecretsCommand({
      MaxResults: 100,
      Filters,
      ...(token !== undefined && { NextToken: token }),
    });
    const answer = await client.send(command).catch((thrown: unknown) => {
      throw awsError(thrown, { service: 'secrets', action: 'ListSecrets', resource: '*' });
    });
    yield (answer.SecretList ?? []).map(
      ({ ARN: arn = '', Name: name = '', Description: description = '', Tags = [] }) => ({
        arn,
        name,
        description,
        tags: new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
      }),
    );
    token = answer.NextToken;
  } while (token !== undefined);
}

async function versionDates(
  client: SecretsManagerClient,
  secretId: string,
): Promise<ReadonlyMap<string, VersionDates>> {
  const found = new Map<string, VersionDates>();
  let token: string | undefined;
  do {
    const page = new ListSecretVersionIdsCommand({
      SecretId: secretId,
      ...(token !== undefined && { NextToken: token }),
    });
    const { Versions = [], NextToken } = await client.send(page).catch((thrown: unknown) => {
      throw awsError(thrown, { service: 'secrets', action: 'ListSecretVersionIds', resource: secretId });
    });
    for (const { VersionId: versionId, CreatedDate, LastAccessedDate } of Versions) {
      if (versionId === undefined) continue;
      found.set(versionId, { createdAt: CreatedDate?.getTime(), lastReadOn: LastAccessedDate?.getTime() });
    }
    token = NextToken;
  } while (token !== undefined);
  return found;
}
