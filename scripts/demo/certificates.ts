/** What the secrets of the demo hold, as a reader of Secrets Manager sees it. */
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

/** A secret at one time: its pair, and every version that it has had so far. */
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

/** The roots of the stack's own authorities. The first scan puts them there, right after the deployment. */
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

/** A row of a table: who has issued it, for which names, until when. */
export function describe({ name, pair }: Snapshot): string[] {
  const { issuer, subjectAltName = '', validTo } = new X509Certificate(pair.certificate);
  return [name, issuer.split('\n').at(-1) ?? '', validTo, subjectAltName.replaceAll('IP Address', 'IP')];
}
