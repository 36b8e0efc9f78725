/** Reads the demo's secrets from Secrets Manager, as an application does. */
import { X509Certificate } from 'node:crypto';
import {
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint, waitFor } from '../../testkit/local-aws/client.ts';

export interface StoredPair {
  readonly certificate: string;
  readonly privateKey: string;
  readonly certificateChain: string;
}

/** The state of a secret at one time: its current pair and the ids of all its versions. */
export interface Snapshot {
  readonly name: string;
  readonly pair: StoredPair;
  readonly current: string;
  readonly previous: string | undefined;
  readonly versions: readonly string[];
}

export async function look(aws: Endpoint, name: string): Promise<Snapshot> {
  const secrets = client(SecretsManagerClient, aws);
  const listing = new ListSecretVersionIdsCommand({ SecretId: name, IncludeDeprecated: true });
  const { Versions = [] } = await secrets.send(listing);
  const withLabel = (label: string) => Versions.find(({ VersionStages = [] }) => VersionStages.includes(label));
  return {
    name,
    pair: JSON.parse(await valueIn(aws, name)),
    current: withLabel('AWSCURRENT')?.VersionId ?? '',
    previous: withLabel('AWSPREVIOUS')?.VersionId,
    versions: Versions.flatMap(({ VersionId }) => VersionId ?? []),
  };
}

/** Returns the roots of the stack's own authorities. The first scan writes them, right after the deployment. */
export function trustBundle(aws: Endpoint, arn: string): Promise<string> {
  return waitFor('the roots in the trust bundle', async () => {
    const text = await valueIn(aws, arn);
    return text.includes('BEGIN CERTIFICATE') && text;
  });
}

async function valueIn(aws: Endpoint, name: string): Promise<string> {
  const { SecretString = '' } = await client(SecretsManagerClient, aws).send(
    new GetSecretValueCommand({ SecretId: name }),
  );
  return SecretString;
}

/** Returns a table row: secret, issuer, notAfter. */
export function describe({ name, pair }: Snapshot): string[] {
  const { issuer, validTo } = new X509Certificate(pair.certificate);
  return [name, issuer.split('\n').at(-1) ?? '', validTo];
}
