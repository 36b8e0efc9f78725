/** The demo's three secrets, and what is read of them. */

import { X509Certificate } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint } from '../../test/support/aws.ts';
import type { BusEvent } from '../../test/support/events.ts';
import { type CaAccess, forge, issue, type Leaf } from '../local/leaf.ts';

export interface DemoSecret {
  readonly name: string;
  readonly arn: string;
  readonly kind: 'fresh' | 'due' | 'broken';
}

export interface StoredPair {
  readonly certificate: string;
  readonly privateKey: string;
  readonly certificateChain: string;
}

const hour = 3_600_000;

/** Each in the shape of `{ certificate, privateKey, certificateChain }`, enrolled in the profile `internal` by its tag. */
export async function enrolThree(aws: Endpoint, ca: CaAccess): Promise<DemoSecret[]> {
  const subject = { organization: 'Example' };
  const fresh = await issue(ca, { sans: ['dns:fresh.example'], subject });
  const due = await forge(ca, {
    sans: ['dns:due.example', 'dns:*.due.example', 'ip:10.0.0.7'],
    subject,
    notBefore: new Date(Date.now() - 22 * hour),
    notAfter: new Date(Date.now() + 2 * hour),
  });
  const other = await issue(ca, { sans: ['dns:broken.example'], subject });
  return Promise.all([
    put(aws, 'demo/fresh', 'fresh', fresh, fresh.keyPem),
    put(aws, 'demo/due', 'due', due, due.keyPem),
    put(aws, 'demo/broken', 'broken', other, due.keyPem),
  ]);
}

async function put(
  aws: Endpoint,
  name: string,
  kind: DemoSecret['kind'],
  leaf: Leaf,
  privateKey: string,
): Promise<DemoSecret> {
  const value = { certificate: leaf.certificatePem, privateKey, certificateChain: leaf.chainPem };
  const created = await client(SecretsManagerClient, aws).send(
    new CreateSecretCommand({
      Name: name,
      SecretString: JSON.stringify(value),
      Tags: [{ Key: 'cert-renewer:profile', Value: 'internal' }],
    }),
  );
  return { name, kind, arn: created.ARN ?? '' };
}

export async function readPair(aws: Endpoint, name: string): Promise<StoredPair> {
  const { SecretString = '{}' } = await client(SecretsManagerClient, aws).send(
    new GetSecretValueCommand({ SecretId: name }),
  );
  return JSON.parse(SecretString);
}

/** One row of the table: what was, what happened, what is. */
export async function describeSecret(
  aws: Endpoint,
  { name, arn, kind }: DemoSecret,
  before: StoredPair | undefined,
  events: readonly BusEvent[],
): Promise<string[]> {
  const after = await readPair(aws, name);
  const { VersionIdsToStages = {} } = await client(SecretsManagerClient, aws).send(
    new DescribeSecretCommand({ SecretId: name }),
  );
  const [current = ''] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT')) ?? [];
  const event = events.find(({ resources }) => resources.includes(arn));
  const code = event?.detail['code'];
  const happened = event ? `${event['detail-type']}${typeof code === 'string' ? ` (${code})` : ''}` : 'nothing';
  const same = JSON.stringify(before) === JSON.stringify(after) ? 'as it was' : `new: ${current.slice(0, 21)}…`;
  return [name, kind, happened, same, new X509Certificate(after.certificate).validTo];
}
