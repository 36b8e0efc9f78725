/** Implements the Store with Secrets Manager. docs/renewal-cycle.md describes the guarantees and the races. */
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  ListSecretsCommand,
  PutSecretValueCommand,
  type SecretListEntry,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { type CallPolicy, call } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { SecretPage, Store } from '../domain/ports.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../domain/secret.ts';
import { noRoomLabel, orderLabel, tags as ownTags } from '../domain/tags.ts';
import { type AwsOptions, clientConfig } from './clients.ts';
import { awsError } from './errors.ts';

/** Bytes of SecretString (as UTF-8) or SecretBinary that Secrets Manager accepts. */
export const largestValue = 65_536;

/** Returns a Store for each invocation, all with one client. The client is created at once, because every invocation needs it. */
export function secretsManagerStore(options: AwsOptions = {}): (policy: CallPolicy) => Store {
  const client = new SecretsManagerClient(clientConfig(options));
  return (policy) => ({
    list: (from, tag) => list((token) => call(policy, 'list', () => listPage(client, token, tag)), from),
    describe: (secretId) => call(policy, 'describe', () => describe(client, secretId)),
    read: (secretId, versionId) => call(policy, 'read', () => read(client, secretId, versionId)),
    stage: (secretArn, versionId, value) => call(policy, 'stage', () => stage(client, secretArn, versionId, value)),
    promote: (secretArn, from, to) =>
      call(policy, 'promote', () => moveLabel(client, secretArn, 'AWSCURRENT', from, to)),
    discard: (secretArn, versionId) =>
      call(policy, 'discard', () => removeLabel(client, secretArn, 'AWSPENDING', versionId)),
    keepOrder: (secretArn, versionId, value) =>
      call(policy, 'keepOrder', () => keepOrder(client, secretArn, versionId, value)),
    dropOrder: (secretArn, versionId) =>
      call(policy, 'dropOrder', () => removeLabel(client, secretArn, orderLabel, versionId)),
    tag: (secretArn, set, remove) => call(policy, 'tag', () => tag(client, secretArn, set, remove)),
    labelNoRoom: (secretArn, from, to) =>
      call(policy, 'labelNoRoom', () => moveLabel(client, secretArn, noRoomLabel, from, to)),
  });
}

/** Lists pages. The next page is fetched while the caller works on the current one, because NextToken makes the listing serial. */
async function* list(
  pageAt: (token: string | undefined) => Promise<SecretPage>,
  from: string | undefined,
): AsyncGenerator<SecretPage> {
  let pending: Promise<SecretPage> | undefined = pageAt(from);
  while (pending) {
    const page: SecretPage = await pending;
    pending = page.next === undefined ? undefined : pageAt(page.next);
    pending?.catch(() => {}); // awaited in the next round, or never if the caller stops early
    yield page;
  }
}

async function listPage(
  client: SecretsManagerClient,
  token: string | undefined,
  tag: string = ownTags.profile,
): Promise<SecretPage> {
  const command = new ListSecretsCommand({
    IncludePlannedDeletion: true,
    MaxResults: 100,
    Filters: [{ Key: 'tag-key', Values: [tag] }],
    ...(token === undefined ? {} : { NextToken: token }),
  });
  const answer = await sent('ListSecrets', '*', async () => {
    try {
      return await client.send(command);
    } catch (thrown) {
      throw refusedToken(thrown) ?? thrown;
    }
  });
  const secrets = (answer.SecretList ?? []).map((entry) => summary(entry, entry.SecretVersionsToStages));
  // The filter matches by prefix: `cert-renewer:profile-of-mine` is another tag.
  const enrolled = secrets.filter(({ tags }) => tags.has(ownTags.profile) && tags.has(tag));
  return Object.assign(enrolled, { next: answer.NextToken });
}

/** Returns InvalidRequest for a token that ListSecrets does not accept (any more). */
function refusedToken(thrown: unknown): RenewalError | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'InvalidNextTokenException') return undefined;
  const message = 'ListSecrets does not accept this token: it is too old, or not valid. List from the beginning.';
  return new RenewalError('InvalidRequest', message, { cause: thrown });
}

async function describe(client: SecretsManagerClient, secretId: string): Promise<SecretSummary> {
  const command = new DescribeSecretCommand({ SecretId: secretId });
  const answer = await sent('DescribeSecret', secretId, () => client.send(command));
  return summary(answer, answer.VersionIdsToStages);
}

/** Reads the answers of ListSecrets and DescribeSecret, which differ only in the name of one field. */
function summary(
  entry: Omit<SecretListEntry, 'SecretVersionsToStages' | '$metadata'>,
  stagesOf: Record<string, string[]> = {},
): SecretSummary {
  const { ARN: arn = '', Name: name = '' } = entry;
  const versions = Object.entries(stagesOf);
  const current = versions.find(([, stages]) => stages.includes('AWSCURRENT'));
  return {
    arn,
    name,
    tags: tagsOf(entry),
    versions: new Map(versions),
    currentVersionId: current?.[0],
    // With replicas, the primary has its own Region here.
    isReplica: entry.PrimaryRegion !== undefined && entry.PrimaryRegion !== arn.split(':')[3],
    rotation: {
      enabled: entry.RotationEnabled ?? false,
      ...(entry.RotationLambdaARN ? { functionArn: entry.RotationLambdaARN } : {}),
    },
    ...(entry.OwningService ? { owningService: entry.OwningService } : {}),
    ...(entry.KmsKeyId ? { encryptionKey: entry.KmsKeyId } : {}),
    ...(entry.CreatedDate ? { createdAt: entry.CreatedDate.getTime() } : {}),
    ...(entry.DeletedDate ? { deletedAt: entry.DeletedDate.getTime() } : {}),
  };
}

function tagsOf({ Tags = [] }: Pick<SecretListEntry, 'Tags'>): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const { Key, Value } of Tags) if (Key !== undefined) tags.set(Key, Value ?? '');
  return tags;
}

async function read(client: SecretsManagerClient, secretId: string, versionId?: string): Promise<SecretVersion> {
  const version = versionId === undefined ? { VersionStage: 'AWSCURRENT' } : { VersionId: versionId };
  const command = new GetSecretValueCommand({ SecretId: secretId, ...version });
  const answer = await sent('GetSecretValue', secretId, () => client.send(command));
  return {
    versionId: answer.VersionId ?? '',
    value: contentOf(answer, secretId),
    createdAt: answer.CreatedDate?.getTime() ?? 0,
  };
}

function contentOf(answer: GetSecretValueCommandOutput, secretId: string): SecretValue {
  if (answer.SecretString !== undefined) return { kind: 'string', text: answer.SecretString };
  if (answer.SecretBinary !== undefined) return { kind: 'binary', bytes: answer.SecretBinary };
  throw new RenewalError('SecretNotFound', `The version read of ${secretId} has no value: store one first.`);
}

async function stage(client: SecretsManagerClient, secretArn: string, versionId: string, value: SecretValue) {
  await sent('PutSecretValue', secretArn, () => put(client, secretArn, versionId, value, 'AWSPENDING'));
}

/** Returns false if AWS knows the version's id with another value. */
async function keepOrder(
  client: SecretsManagerClient,
  secretArn: string,
  versionId: string,
  value: SecretValue,
): Promise<boolean> {
  try {
    await put(client, secretArn, versionId, value, orderLabel);
    return true;
  } catch (thrown) {
    if (thrown instanceof RenewalError) throw thrown;
    if (thrown instanceof Error && thrown.name === 'ResourceExistsException') return false;
    throw awsError(thrown, { service: 'secrets', action: 'PutSecretValue', resource: secretArn });
  }
}

/** Writes a version with one label. The same call twice is one write. Throws UnsupportedSecret for a value that is too large. */
async function put(
  client: SecretsManagerClient,
  secretArn: string,
  versionId: string,
  value: SecretValue,
  label: string,
): Promise<void> {
  const content = value.kind === 'string' ? { SecretString: value.text } : { SecretBinary: value.bytes };
  const size = value.kind === 'string' ? Buffer.byteLength(value.text) : value.bytes.byteLength;
  if (size > largestValue) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The new value of ${secretArn} would have ${size} bytes, but Secrets Manager accepts ${largestValue}: remove from the secret what doesn't belong to the certificate, or shorten its chain.`,
    );
  }
  const command = new PutSecretValueCommand({
    SecretId: secretArn,
    ClientRequestToken: versionId,
    VersionStages: [label],
    ...content,
  });
  await client.send(command);
}

/** Moves a label. AWS refuses unless `from` has the label now: a compare-and-swap. Throws SecretChanged. */
async function moveLabel(
  client: SecretsManagerClient,
  secretArn: string,
  label: string,
  from: string | undefined,
  to: string | undefined,
): Promise<void> {
  const remove = from === undefined ? {} : { RemoveFromVersionId: from };
  const change = { VersionStage: label, ...remove, ...(to === undefined ? {} : { MoveToVersionId: to }) };
  try {
    await client.send(new UpdateSecretVersionStageCommand({ SecretId: secretArn, ...change }));
  } catch (thrown) {
    // A missing version lost its labels to another writer's version, or its write has not spread yet.
    if (!notHeld(thrown)) throw awsError(thrown, { ...updateStage, resource: secretArn });
    if (wasRepeated(thrown)) {
      throw new RenewalError(
        'Throttled',
        `Secrets Manager did not answer the first ${updateStage.action} on ${secretArn} and refused the next one: it is unknown whether the first one moved the label ${label}. Read the secret and decide again.`,
        { cause: thrown },
      );
    }
    throw new RenewalError(
      'SecretChanged',
      `The label ${label} of ${secretArn} was not moved${to === undefined ? '' : ` to version ${to}`}: ${from === undefined ? 'another version has it' : `version ${from} does not have it (any more)`}. Read the secret and decide again.`,
      { cause: thrown },
    );
  }
}

async function removeLabel(client: SecretsManagerClient, secretArn: string, label: string, versionId: string) {
  const change = { VersionStage: label, RemoveFromVersionId: versionId };
  try {
    await client.send(new UpdateSecretVersionStageCommand({ SecretId: secretArn, ...change }));
  } catch (thrown) {
    if (!notHeld(thrown)) throw awsError(thrown, { ...updateStage, resource: secretArn });
  }
}

const updateStage = { service: 'secrets', action: 'UpdateSecretVersionStage' } as const;

/** Whether the SDK sent the call more than once: an attempt whose answer was lost may have succeeded. */
function wasRepeated(thrown: unknown): boolean {
  const { $metadata: { attempts = 1 } = {} } = thrown as { $metadata?: { attempts?: number } };
  return attempts > 1;
}

/**
 * Whether the version does not have the label, or does not exist, while the secret exists. AWS does not document which of two errors it
 * returns for a label that has moved (docs/aws.md); the second one also means that the secret is being deleted, or is a replica.
 */
function notHeld(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (thrown.name === 'InvalidParameterException') return true;
  if (thrown.name === 'InvalidRequestException') return !/delet|replica/i.test(thrown.message);
  return thrown.name === 'ResourceNotFoundException' && / version/i.test(thrown.message);
}

/** Sets and removes tags, the new ones first: a failure tag of an old certificate is ignored, but a missing window costs a read. */
async function tag(
  client: SecretsManagerClient,
  secretArn: string,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Promise<void> {
  const pairs = Object.entries(set).map(([Key, Value]) => ({ Key, Value }));
  if (pairs.length > 0) {
    const command = new TagResourceCommand({ SecretId: secretArn, Tags: pairs });
    await sent('TagResource', secretArn, () => client.send(command));
  }
  if (remove.length > 0) {
    const command = new UntagResourceCommand({ SecretId: secretArn, TagKeys: [...remove] });
    await sent('UntagResource', secretArn, () => client.send(command));
  }
}

async function sent<T>(action: string, resource: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (thrown) {
    if (thrown instanceof RenewalError) throw thrown;
    throw awsError(thrown, { service: 'secrets', action, resource });
  }
}
