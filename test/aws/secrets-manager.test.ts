import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';

// test/conformance/store.ts has the rules of versions and labels. These tests need recorded answers.
const aws = mockClient(SecretsManagerClient);
const store = secretsManagerStore({ region: 'eu-central-1' })(noLimits);
const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:pki/web-AbCdEf';
const tags = [{ Key: 'cert-renewer:profile', Value: 'internal' }];
const versionId = 'cert-renewer-0123abcd-0123456789abcdef';
const named = (name: string, message = 'x') =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });

beforeEach(() => {
  aws.reset();
});

describe('a summary', () => {
  test.each([
    ['no PrimaryRegion', {}, false],
    ['a primary with replicas', { PrimaryRegion: 'eu-central-1' }, false],
    ['a replica', { PrimaryRegion: 'us-east-1' }, true],
  ])('%s', async (_, fields, isReplica) => {
    aws.on(DescribeSecretCommand).resolves({ ARN: arn, Name: 'pki/web', Tags: tags, ...fields });
    expect(await store.describe('pki/web')).toMatchObject({ arn, name: 'pki/web', isReplica });
  });

  test('of a secret that is rotated, owned by a service and being deleted', async () => {
    aws.on(DescribeSecretCommand).resolves({
      ...{ ARN: arn, Name: 'rds!web', RotationEnabled: true, RotationLambdaARN: 'arn:f', OwningService: 'rds' },
      ...{
        DeletedDate: new Date('2026-11-22T08:00:00Z'),
        VersionIdsToStages: { v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT', 'AWSPENDING'] },
      },
    });
    expect(await store.describe(arn)).toEqual({
      ...{ arn, name: 'rds!web', tags: new Map(), currentVersionId: 'v2', isReplica: false, owningService: 'rds' },
      ...{ rotation: { enabled: true, functionArn: 'arn:f' }, deletedAt: Date.parse('2026-11-22T08:00:00Z') },
      versions: new Map([
        ['v1', ['AWSPREVIOUS']],
        ['v2', ['AWSCURRENT', 'AWSPENDING']],
      ]),
    });
  });

  test('rotation that was switched off keeps its function and is off', async () => {
    aws
      .on(DescribeSecretCommand)
      .resolves({ ARN: arn, Name: 'web', RotationEnabled: false, RotationLambdaARN: 'arn:f' });
    expect((await store.describe(arn)).rotation).toEqual({ enabled: false, functionArn: 'arn:f' });
  });
});

describe('list', () => {
  const entry = (name: string, key = 'cert-renewer:profile') => ({
    ...{
      ARN: `arn:aws:secretsmanager:eu-central-1:1:secret:${name}`,
      Name: name,
      Tags: [{ Key: key, Value: 'internal' }],
    },
    SecretVersionsToStages: { v1: ['AWSCURRENT'] },
  });

  test('asks for all, deleted ones too, and keeps exact matches of the key only', async () => {
    aws
      .on(ListSecretsCommand)
      .resolves({ SecretList: [entry('a'), entry('b', 'cert-renewer:profile-of-mine'), { Name: 'c' }] });
    const pages = [];
    for await (const page of store.list())
      pages.push(page.map(({ name, currentVersionId }) => [name, currentVersionId]));
    expect(pages).toEqual([[['a', 'v1']]]);
    expect(aws.commandCalls(ListSecretsCommand).map(({ args }) => args[0].input)).toEqual([
      {
        IncludePlannedDeletion: true,
        MaxResults: 100,
        Filters: [{ Key: 'tag-key', Values: ['cert-renewer:profile'] }],
      },
    ]);
  });

  test('fetches the next page while the current one is judged, and no further', async () => {
    aws.on(ListSecretsCommand).callsFake(({ NextToken = '1' }) => ({
      SecretList: [entry(`page-${NextToken}`)],
      ...(NextToken === '4' ? {} : { NextToken: String(Number(NextToken) + 1) }),
    }));
    const asked: number[] = [];
    const names: string[] = [];
    for await (const page of store.list()) {
      asked.push(aws.commandCalls(ListSecretsCommand).length);
      names.push(...page.map(({ name }) => name));
    }
    expect(asked).toEqual([2, 3, 4, 4]);
    expect(names).toEqual(['page-1', 'page-2', 'page-3', 'page-4']);
  });

  test('continues from the place of an earlier page, and reports when AWS rejects it', async () => {
    aws.on(ListSecretsCommand).callsFake(({ NextToken }) => {
      if (NextToken === 'old') throw named('InvalidNextTokenException');
      return { SecretList: [entry('a')], ...(NextToken === '2' ? {} : { NextToken: '2' }) };
    });
    const places = [];
    for await (const { next } of store.list('1')) places.push(next);
    expect(places).toEqual(['2', undefined]);
    expect(aws.commandCalls(ListSecretsCommand).map(({ args }) => args[0].input.NextToken)).toEqual(['1', '2']);
    await expect(store.list('old')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(/from the beginning/),
    });
  });

  test('ends at a page that fails, after the pages before it', async () => {
    aws
      .on(ListSecretsCommand)
      .resolvesOnce({ SecretList: [entry('a')], NextToken: '2' })
      .rejects(named('ThrottlingException'));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const page of store.list()) {
        seen.push(...page.map(({ name }) => name));
        await new Promise((resolve) => setTimeout(resolve, 5)); // the failure comes before it is awaited
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'Throttled' });
    expect(seen).toEqual(['a']);
  });

  test('does not raise an unhandled rejection for a page that is not awaited any more', async () => {
    aws
      .on(ListSecretsCommand)
      .resolvesOnce({ SecretList: [entry('a')], NextToken: '2' })
      .rejects(named('ThrottlingException'));
    for await (const page of store.list()) {
      expect(page).toHaveLength(1);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 5)); // vitest fails on an unhandled rejection
  });
});

describe('read', () => {
  test('asks for AWSCURRENT, or for a version by its id alone', async () => {
    aws.on(GetSecretValueCommand).resolves({ VersionId: 'v1', SecretString: '', CreatedDate: new Date(1_000) });
    expect(await store.read(arn)).toEqual({ versionId: 'v1', value: { kind: 'string', text: '' }, createdAt: 1_000 });
    await store.read(arn, 'v1');
    expect(aws.commandCalls(GetSecretValueCommand).map(({ args }) => args[0].input)).toEqual([
      { SecretId: arn, VersionStage: 'AWSCURRENT' },
      { SecretId: arn, VersionId: 'v1' },
    ]);
  });

  test('rejects a version with neither text nor bytes', async () => {
    aws.on(GetSecretValueCommand).resolves({ VersionId: 'v1' });
    await expect(store.read(arn)).rejects.toMatchObject({
      code: 'SecretNotFound',
      message: expect.stringContaining('no value'),
    });
  });
});

describe('writing', () => {
  test('stages with the version id as token, so that a retry adds no second version', async () => {
    aws.on(PutSecretValueCommand).resolves({});
    await store.stage(arn, versionId, { kind: 'string', text: 'v' });
    await store.stage(arn, versionId, { kind: 'binary', bytes: Uint8Array.of(1) });
    const common = { SecretId: arn, ClientRequestToken: versionId, VersionStages: ['AWSPENDING'] };
    expect(aws.commandCalls(PutSecretValueCommand).map(({ args }) => args[0].input)).toEqual([
      { ...common, SecretString: 'v' },
      { ...common, SecretBinary: Uint8Array.of(1) },
    ]);
  });

  test('a value too long is not sent, and not quoted', async () => {
    const error: unknown = await store
      .stage(arn, versionId, { kind: 'string', text: 'hunter2'.repeat(10_000) })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'UnsupportedSecret', message: expect.stringMatching(/70000 bytes.*65536/) });
    expect(String(error)).not.toContain('hunter2');
    expect(aws.calls()).toEqual([]);
  });

  test('treats a promotion that the SDK’s second attempt refuses as perhaps done by the first', async () => {
    const refused = Object.assign(new Error('x'), { name: 'InvalidParameterException' });
    aws
      .on(UpdateSecretVersionStageCommand)
      .rejects(Object.assign(refused, { $metadata: { httpStatusCode: 400, attempts: 2 } }));
    await expect(store.promote(arn, 'v1', 'v2')).rejects.toMatchObject({ code: 'Throttled', retryable: true });
  });

  test('promotes from the version that was read', async () => {
    aws.on(UpdateSecretVersionStageCommand).resolves({});
    await store.promote(arn, 'v1', 'v2');
    expect(aws.commandCalls(UpdateSecretVersionStageCommand)[0]?.args[0].input).toEqual({
      ...{ SecretId: arn, VersionStage: 'AWSCURRENT', RemoveFromVersionId: 'v1', MoveToVersionId: 'v2' },
    });
  });

  test.each([
    [
      'InvalidParameterException',
      'if you specify RemoveFromVersionId, it must be set to the version that currently has …',
      'SecretChanged',
      undefined,
    ],
    ['InvalidRequestException', 'The version v1 does not hold the staging label.', 'SecretChanged', undefined],
    [
      'InvalidRequestException',
      'You can’t perform this operation on the secret because it was marked for deletion.',
      'SecretNotFound',
      'SecretNotFound',
    ],
    ['InvalidRequestException', 'Operation not permitted on a replica secret.', 'InvalidRequest', 'InvalidRequest'],
    [
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret version: v2.",
      'SecretChanged',
      undefined,
    ],
    [
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret.",
      'SecretNotFound',
      'SecretNotFound',
    ],
    ['ThrottlingException', 'x', 'Throttled', 'Throttled'],
    ['AccessDeniedException', 'x', 'AccessDenied', 'AccessDenied'],
  ])('%s (%s) at promote and at discard', async (name, message, promoting, discarding) => {
    aws.on(UpdateSecretVersionStageCommand).rejects(named(name, message));
    await expect(store.promote(arn, 'v1', 'v2')).rejects.toMatchObject({ code: promoting });
    const code = await store.discard(arn, 'v2').then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(code).toBe(discarding);
  });

  test('needs as few calls as possible for tags', async () => {
    aws.on(TagResourceCommand).resolves({}).on(UntagResourceCommand).resolves({});
    await store.tag(arn, {}, []);
    expect(aws.calls()).toHaveLength(0);
    await store.tag(arn, { 'cert-renewer:version-id': 'v2' }, []);
    await store.tag(arn, {}, ['cert-renewer:failure']);
    expect(aws.calls().map(({ args }) => args[0].input)).toEqual([
      { SecretId: arn, Tags: [{ Key: 'cert-renewer:version-id', Value: 'v2' }] },
      { SecretId: arn, TagKeys: ['cert-renewer:failure'] },
    ]);
  });
});
