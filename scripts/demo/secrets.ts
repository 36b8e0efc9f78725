/** The demo's three secrets, and what is read of them. */

import { X509Certificate } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { forge, issue, type Leaf } from '../../testkit/cas/leaf.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import type { BusEvent } from '../../testkit/local-aws/events.ts';
import type { DemoCa } from './cas.ts';

export interface DemoSecret {
  readonly name: string;
  readonly arn: string;
  readonly kind: 'fresh' | 'due' | 'broken';
  readonly ca: DemoCa;
}

export interface StoredPair {
  readonly certificate: string;
  readonly privateKey: string;
  readonly certificateChain: string;
}

const hour = 3_600_000;
const subject = { organization: 'Example' };

/** Each in the shape of `{ certificate, privateKey, certificateChain }`, enrolled in the profile of its CA by its tag. */
export async function enrolThree(aws: Endpoint, ca: DemoCa): Promise<DemoSecret[]> {
  // What has no server signs with its key at hand, as its operator did when it was new.
  const sign = ca.hasServer ? issue : forge;
  const fresh = await sign(ca.access, { sans: ['dns:fresh.example'], subject });
  const other = await sign(ca.access, { sans: ['dns:broken.example'], subject });
  const due = await enrolDue(aws, ca);
  const { privateKey } = await readPair(aws, due.name);
  return Promise.all([put(aws, 'fresh', ca, fresh, fresh.keyPem), due, put(aws, 'broken', ca, other, privateKey)]);
}

/** One of 24 hours with two to go. */
export async function enrolDue(aws: Endpoint, ca: DemoCa): Promise<DemoSecret> {
  const due = await forge(ca.access, {
    sans: ['dns:due.example', 'dns:*.due.example', 'ip:10.0.0.7'],
    subject,
    notBefore: new Date(Date.now() - 22 * hour),
    notAfter: new Date(Date.now() + 2 * hour),
  });
  return put(aws, 'due', ca, due, due.keyPem);
}

async function put(
  aws: Endpoint,
  kind: DemoSecret['kind'],
  ca: DemoCa,
  leaf: Leaf,
  privateKey: string,
): Promise<DemoSecret> {
  const name = `demo/${ca.profile}/${kind}`;
  const value = { certificate: leaf.certificatePem, privateKey, certificateChain: leaf.chainPem };
  const created = await client(SecretsManagerClient, aws).send(
    new CreateSecretCommand({
      Name: name,
      SecretString: JSON.stringify(value),
      Tags: [{ Key: 'cert-renewer:profile', Value: ca.profile }],
    }),
  );
  return { name, kind, ca, arn: created.ARN ?? '' };
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
