/** Enrols secrets in each supported shape, as users do, and reads them, as applications do. */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint, uniqueName } from './client.ts';

/** The content of a secret, in PEM, with a private key or the id of a key in KMS. */
export interface PairText {
  readonly certificate: string;
  /** From the leaf's issuer upwards, without the root. */
  readonly chain: string;
  readonly privateKey?: string;
  readonly kmsKeyId?: string;
}

export const shapes = ['camel', 'snake', 'tls', 'pem'] as const;
export type Shape = (typeof shapes)[number];

/** The value of a secret of this shape (docs/secrets.md). `kmsKeyId` takes the place of the private key. */
export function inShape(shape: Shape, { certificate, chain, privateKey, kmsKeyId }: PairText): string {
  const key = (field: string) => (kmsKeyId === undefined ? { [field]: privateKey } : { kmsKeyId });
  switch (shape) {
    case 'camel':
      return JSON.stringify({ certificate, ...key('privateKey'), certificateChain: chain });
    case 'snake':
      return JSON.stringify({ certificate, issuing_ca: chain, ca_chain: [chain], ...key('private_key') });
    case 'tls':
      return JSON.stringify({ 'tls.crt': certificate + chain, ...key('tls.key'), 'ca.crt': 'not ours to touch' });
    case 'pem':
      return `# kept by hand\n${privateKey}${certificate}${chain}`;
  }
}

/** Reads a value that `inShape` has written. Throws if it has another shape. */
export function fromShape(shape: Shape, value: string): PairText {
  if (shape === 'pem') {
    if (!value.startsWith('# kept by hand\n')) throw new Error('the PEM text lost its first line');
    return { ...splitChain(value), privateKey: onlyBlock(value, /PRIVATE KEY/) };
  }
  const fields: Readonly<Record<string, unknown>> = JSON.parse(value);
  const names = Object.keys(fields).join(',');
  const expected = Object.keys(JSON.parse(inShape(shape, keyOf(fields)))).join(',');
  if (names !== expected) throw new Error(`the fields are ${names}, expected ${expected}`);
  const own = fields['privateKey'] ?? fields['private_key'] ?? fields['tls.key'];
  const key = fields['kmsKeyId'] === undefined ? { privateKey: text(own) } : { kmsKeyId: text(fields['kmsKeyId']) };
  if (shape === 'camel')
    return { certificate: text(fields['certificate']), chain: text(fields['certificateChain']), ...key };
  if (shape === 'tls') {
    if (fields['ca.crt'] !== 'not ours to touch') throw new Error('ca.crt was touched');
    return { ...splitChain(text(fields['tls.crt'])), ...key };
  }
  const chain = text(fields['issuing_ca']);
  if (JSON.stringify(fields['ca_chain']) !== JSON.stringify([chain])) throw new Error('ca_chain is not issuing_ca');
  return { certificate: text(fields['certificate']), chain, ...key };
}

const keyOf = (fields: object): PairText => {
  const nothing = { certificate: '', chain: '' };
  return 'kmsKeyId' in fields ? { ...nothing, kmsKeyId: '' } : { ...nothing, privateKey: '' };
};

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`a field holds ${typeof value}, expected text`);
}

const blocks = (pem: string): string[] =>
  pem.match(/-----BEGIN ([A-Z ]+)-----\n[A-Za-z0-9+/=\n]+-----END \1-----\n/g) ?? [];

function onlyBlock(pem: string, label: RegExp): string {
  const [found, ...more] = blocks(pem).filter((block) => label.test(block));
  if (found === undefined || more.length > 0) throw new Error(`expected one block of ${label}`);
  return found;
}

function splitChain(pem: string): { certificate: string; chain: string } {
  const [certificate, ...chain] = blocks(pem).filter((block) => block.includes('BEGIN CERTIFICATE'));
  if (certificate === undefined) throw new Error('there is no certificate');
  return { certificate, chain: chain.join('') };
}

export interface EnrolledSecret {
  readonly arn: string;
  readonly name: string;
  /** The version id of the first value. */
  readonly versionId: string;
}

export interface Enrolment {
  readonly value: string;
  /** Default: internal. */
  readonly profile?: string;
  /** More tags, without the prefix `cert-renewer:`: { mode: 'renew' }. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The start of the secret's name, which is unique. */
  readonly name?: string;
}

export async function enrol(
  aws: Endpoint,
  { value, profile = 'internal', tags = {}, name = 'secret' }: Enrolment,
  secrets = client(SecretsManagerClient, aws),
): Promise<EnrolledSecret> {
  const Name = uniqueName(name);
  const Tags = Object.entries({ profile, ...tags }).map(([key, Value]) => ({ Key: `cert-renewer:${key}`, Value }));
  const { ARN = '', VersionId = '' } = await secrets.send(new CreateSecretCommand({ Name, SecretString: value, Tags }));
  return { arn: ARN, name: Name, versionId: VersionId };
}

export interface Found {
  /** The current version and its value. */
  readonly versionId: string;
  readonly value: string;
  /** Version ids, by stage. */
  readonly stages: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
}

/** Returns what a reader finds. Throws if two versions have the same stage. */
export async function look(
  aws: Endpoint,
  secretId: string,
  secrets = client(SecretsManagerClient, aws),
): Promise<Found> {
  const [{ SecretString = '', VersionId = '' }, { VersionIdsToStages = {}, Tags = [] }] = await Promise.all([
    secrets.send(new GetSecretValueCommand({ SecretId: secretId })),
    secrets.send(new DescribeSecretCommand({ SecretId: secretId })),
  ]);
  const stages = new Map<string, string>();
  for (const [versionId, names] of Object.entries(VersionIdsToStages)) {
    for (const name of names) {
      if (stages.has(name)) throw new Error(`${name} stands on two versions of ${secretId}`);
      stages.set(name, versionId);
    }
  }
  const tags = new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  return { versionId: VersionId, value: SecretString, stages, tags };
}

/** Returns all versions, also those without a stage. */
export async function versionIds(aws: Endpoint, secretId: string): Promise<string[]> {
  const request = new ListSecretVersionIdsCommand({ SecretId: secretId, IncludeDeprecated: true, MaxResults: 100 });
  const { Versions = [] } = await client(SecretsManagerClient, aws).send(request);
  return Versions.map(({ VersionId = '' }) => VersionId);
}
