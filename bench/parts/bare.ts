/**
 * What any function pays that uses Secrets Manager: its client, with default options, and nothing else. The measure for
 * the start of ours; with `ca` it also makes a key and a TLS connection, which a renewal can't do without.
 */
import { generateKeyPairSync } from 'node:crypto';
import { get } from 'node:https';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

const client = new SecretsManagerClient({});

export interface BareEvent {
  readonly secretId: string;
  readonly ca?: { readonly url: string; readonly root: string };
  /** Never in a measurement: the two other commands of a handler that writes. */
  readonly write?: string;
}

export async function handler({ secretId, ca, write }: BareEvent): Promise<number> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  if (write !== undefined) {
    await client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: write }));
    await client.send(new DescribeSecretCommand({ SecretId: secretId }));
  }
  if (ca) {
    generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await status(ca);
  }
  return SecretString.length;
}

function status({ url, root }: NonNullable<BareEvent['ca']>): Promise<number> {
  return new Promise((resolve, reject) => {
    get(`${url}/health`, { ca: root, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    }).on('error', reject);
  });
}
