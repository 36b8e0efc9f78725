/**
 * The renew function as the rotation function of a secret. Secrets Manager calls it in four steps, may repeat each, and starts
 * again after a failure (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_turn-on-for-other.html).
 */
import { randomUUID } from 'node:crypto';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from 'vitest';
import { issue } from '../../testkit/cas/leaf.ts';
import { client, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { collectEvents } from '../../testkit/local-aws/events.ts';
import { describeWith } from '../support/local.ts';
import { camel } from '../support/on-demand.ts';
import { aged, type FreshSecret, isKeyOf, renewerOf, serialOf } from '../support/renewer.ts';
import { refusals } from './judges.ts';

const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
type Step = (typeof steps)[number];

describeWith(['stack', 'step-ca'], 'native rotation', (local) => {
  const { emulator, outputs } = local;
  const { fresh, reader, versions, look, scan, renew, deny, allow, secrets } = renewerOf(local);
  const renewFunction = outputs['RenewFunctionName'] ?? '';
  let renewArn = '';

  beforeAll(async () => {
    const { Configuration } = await client(LambdaClient, emulator).send(
      new GetFunctionCommand({ FunctionName: renewFunction }),
    );
    renewArn = Configuration?.FunctionArn ?? '';
  });

  const rotate = (SecretId: string, more: { RotateImmediately?: boolean } = {}) =>
    secrets.send(
      new RotateSecretCommand({
        ...{ SecretId, RotationLambdaARN: renewArn, ClientRequestToken: randomUUID() },
        ...{ RotationRules: { AutomaticallyAfterDays: 30 }, ...more },
      }),
    );

  /** Switches rotation on: Secrets Manager tests the function with a version that it labels AWSPENDING meanwhile. */
  async function switchOn(SecretId: string): Promise<void> {
    await rotate(SecretId, { RotateImmediately: false });
    await waitFor('the end of the test', async () => {
      const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      return !Object.values(VersionIdsToStages).some((labels) => labels.includes('AWSPENDING'));
    });
  }

  /** Calls one step, as Secrets Manager does. Returns the error's type, or undefined. */
  async function call(Step: string, secret: FreshSecret, token: string): Promise<string | undefined> {
    const event = { Step, SecretId: secret.arn, ClientRequestToken: token, RotationToken: randomUUID() };
    return (await invoke(emulator, renewFunction, event)).error?.errorType;
  }

  const stagesOf = async (secret: FreshSecret) =>
    (await secrets.send(new DescribeSecretCommand({ SecretId: secret.arn }))).VersionIdsToStages ?? {};
  const pendingValue = async (secret: FreshSecret) =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: secret.arn, VersionStage: 'AWSPENDING' }))).SecretString;

  /**
   * Makes a rotation that Secrets Manager has begun and whose first step has failed, because the CA was away. Its version is
   * AWSPENDING and has no value. From here on the test calls the steps itself.
   */
  async function begun(): Promise<{ secret: FreshSecret; token: string }> {
    const secret = await fresh({ profile: 'unreachable' });
    const { VersionId: token = '' } = await rotate(secret.arn);
    await waitFor('the failure', async () => (await look(secret.arn)).tags.get('cert-renewer:failure'));
    const Tags = [{ Key: 'cert-renewer:profile', Value: 'internal' }];
    await secrets.send(new TagResourceCommand({ SecretId: secret.arn, Tags }));
    expect(await stagesOf(secret)).toEqual({ [secret.versionId]: ['AWSCURRENT'], [token]: ['AWSPENDING'] });
    await expect(pendingValue(secret)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    return { secret, token };
  }

  const unchanged = async (secret: FreshSecret) => {
    const { value, versionId } = await look(secret.arn);
    expect(versionId).toBe(secret.versionId);
    expect(value).toBe(camel(secret.leaf, secret.leaf.keyPem));
  };

  /**
   * Checks that the rotated pair is current and verifies, that the old one is AWSPREVIOUS, and that there is no other version.
   */
  async function expectRotated(secret: FreshSecret, token: string): Promise<void> {
    const { certificate, pair, versionId, stages, tags } = await reader(secret.arn);
    expect(versionId).toBe(token);
    expect(isKeyOf(secret.leaf.key, certificate)).toBe(false);
    expect(await refusals([pair.certificate], { root: local.ca.rootPem, chain: pair.chain })).toEqual([]);
    expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
    expect(tags.get('cert-renewer:version-id')).toBe(token);
    expect(tags.has('cert-renewer:failure')).toBe(false);
    expect((await versions(secret.arn)).sort()).toEqual([secret.versionId, token].sort());
  }

  describe('by Secrets Manager', () => {
    it('runs its steps, and ends with the rotated pair as the current one', async () => {
      const secret = await fresh();
      const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
      const { VersionId: token = '' } = await rotate(secret.arn);
      await waitFor('the rotation', async () => (await look(secret.arn)).versionId === token);
      const event = await bus.next('the event', () => true);
      expect(event).toMatchObject({
        'detail-type': 'Certificate Renewed',
        detail: { operation: 'rekey', versionId: token, previousVersionId: secret.versionId, secretArn: secret.arn },
      });
      await waitFor('the tags', async () => (await look(secret.arn)).tags.get('cert-renewer:version-id') === token);
      await expectRotated(secret, token);
    });

    it('renews with the same key if the tag says so', async () => {
      const secret = await fresh({ tags: { mode: 'renew' } });
      const { VersionId: token = '' } = await rotate(secret.arn);
      await waitFor('the rotation', async () => (await look(secret.arn)).versionId === token);
      const { certificate } = await reader(secret.arn);
      expect(isKeyOf(secret.leaf.key, certificate)).toBe(true);
      expect(serialOf(certificate)).not.toBe(serialOf(secret.leaf.certificate));
    });

    it('fails for a secret that is not enrolled, and leaves it', async () => {
      const secret = await fresh({ profile: 'of-no-stack' });
      const { VersionId: token = '' } = await rotate(secret.arn);
      expect(await call('createSecret', secret, token)).toBe('UnknownProfile');
      await unchanged(secret);
    });
  });

  describe('its steps', () => {
    it.each([1, 2, 3])('%d times each: one pair, one event', async (times) => {
      const { secret, token } = await begun();
      const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
      const values = new Set<string | undefined>();
      for (const step of steps) {
        for (let i = 0; i < times; i++) {
          expect(await call(step, secret, token), step).toBeUndefined();
          if (step === 'createSecret') values.add(await pendingValue(secret));
          if (step !== 'finishSecret') await unchanged(secret);
        }
      }
      expect(values.size).toBe(1);
      await expectRotated(secret, token);
      await bus.next('the event', () => true);
      expect((await bus.events()).map((event) => event['detail-type'])).toEqual(['Certificate Renewed']);
    });

    it('also have the names that Python examples use', async () => {
      const { secret, token } = await begun();
      for (const step of ['create_secret', 'set_secret', 'test_secret', 'finish_secret']) {
        expect(await call(step, secret, token), step).toBeUndefined();
      }
      await expectRotated(secret, token);
    });

    it.each(steps)('started again after %s: the staged pair is used', async (last) => {
      const { secret, token } = await begun();
      const done = steps.slice(0, steps.indexOf(last) + 1);
      for (const step of done) await call(step, secret, token);
      const staged = last === 'finishSecret' ? (await look(secret.arn)).value : await pendingValue(secret);
      for (const step of steps) expect(await call(step, secret, token), step).toBeUndefined();
      expect((await look(secret.arn)).value).toBe(staged);
      await expectRotated(secret, token);
    });

    it('started again under another token: the new rotation ends, and the old token is refused', async () => {
      const { secret, token } = await begun();
      await call('createSecret', secret, token);
      const { VersionId: next = '' } = await rotate(secret.arn);
      await waitFor('the rotation', async () => (await look(secret.arn)).versionId === next);
      for (const step of steps) expect(await call(step, secret, token), step).toBe('InvalidRequest');
      const { certificate } = await reader(secret.arn);
      expect(isKeyOf(secret.leaf.key, certificate)).toBe(false);
    });
  });

  describe('interrupted', () => {
    const interruptions: [Step, string, string][] = [
      ['createSecret', 'PutSecretValue', 'AccessDenied'],
      ['testSecret', 'GetSecretValue', 'AccessDenied'],
      ['finishSecret', 'UpdateSecretVersionStage', 'AccessDenied'],
    ];
    it.each(interruptions)(
      'in %s, if %s is denied: the old pair stays, and the next try succeeds',
      async (step, action, code) => {
        const { secret, token } = await begun();
        const before = steps.slice(0, steps.indexOf(step));
        for (const each of before) expect(await call(each, secret, token), each).toBeUndefined();
        await deny(secret.arn, `secretsmanager:${action}`);
        expect(await call(step, secret, token)).toBe(code);
        await allow(secret.arn);
        await unchanged(secret);
        for (const each of steps) expect(await call(each, secret, token), each).toBeUndefined();
        await expectRotated(secret, token);
      },
    );

    it('in createSecret, if the CA is away: the old pair stays, and an event reports the failure', async () => {
      const secret = await fresh({ profile: 'unreachable' });
      const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
      await rotate(secret.arn);
      const event = await bus.next('the failure', () => true);
      expect(event).toMatchObject({
        'detail-type': 'Certificate Renewal Failed',
        detail: { code: 'CaUnavailable', retryable: true },
      });
      await unchanged(secret);
    });

    it('after the promotion, if the tags can’t be written: finishSecret fails, and its repetition writes them', async () => {
      const { secret, token } = await begun();
      const bus = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
      for (const step of steps.slice(0, 3)) await call(step, secret, token);
      await deny(secret.arn, 'secretsmanager:TagResource');
      expect(await call('finishSecret', secret, token)).toBe('AccessDenied');
      await allow(secret.arn);
      expect((await look(secret.arn)).versionId).toBe(token);
      expect(await call('finishSecret', secret, token)).toBeUndefined();
      await expectRotated(secret, token);
      await bus.next('the event', (found) => found['detail-type'] === 'Certificate Renewed');
    });
  });

  describe('does not promote', () => {
    const values: [string, (secret: FreshSecret) => Promise<string>][] = [
      [
        'a certificate beside another key',
        async () => camel(await issue(local.ca, aged(0)), (await issue(local.ca)).keyPem),
      ],
      [
        'a certificate of another name',
        async () => {
          const other = await issue(local.ca, { sans: ['dns:other.example'] });
          return camel(other, other.keyPem);
        },
      ],
      ['no certificate', async () => 'a password'],
    ];
    it.each(values)('%s', async (_, make) => {
      const { secret, token } = await begun();
      const put = new PutSecretValueCommand({
        ...{ SecretId: secret.arn, ClientRequestToken: token, SecretString: await make(secret) },
        VersionStages: ['AWSPENDING'],
      });
      await secrets.send(put);
      expect(await call('testSecret', secret, token)).toBe('CertificateRejected');
      expect(await call('finishSecret', secret, token)).toBe('CertificateRejected');
      await unchanged(secret);
    });

    it('the old pair, which testSecret accepts because Secrets Manager tests it with RotateImmediately false', async () => {
      const { secret, token } = await begun();
      const { leaf } = secret;
      const put = { SecretId: secret.arn, ClientRequestToken: token, SecretString: camel(leaf, leaf.keyPem) };
      await secrets.send(new PutSecretValueCommand({ ...put, VersionStages: ['AWSPENDING'] }));
      expect(await call('testSecret', secret, token)).toBeUndefined();
      expect(await call('finishSecret', secret, token)).toBe('CertificateRejected');
      await unchanged(secret);
    });

    it('after a step that was not begun, or does not exist', async () => {
      const { secret, token } = await begun();
      expect(await call('createSecret', secret, randomUUID())).toBe('InvalidRequest');
      expect(await call('dropSecret', secret, token)).toBe('InvalidRequest');
      await unchanged(secret);
    });
  });

  it('leaves the secret to requests on demand too, unless another function rotates it', async () => {
    const secret = await fresh();
    await switchOn(secret.arn);
    expect(await renew({ secretId: secret.arn })).toMatchObject({ outcome: 'rekeyed' });
    const other = await fresh();
    const { Configuration } = await client(LambdaClient, emulator).send(
      new GetFunctionCommand({ FunctionName: outputs['ScanFunctionName'] ?? '' }),
    );
    const RotationLambdaARN = Configuration?.FunctionArn ?? '';
    await secrets.send(new RotateSecretCommand({ SecretId: other.arn, RotationLambdaARN, RotateImmediately: false }));
    expect(await renew({ secretId: other.arn })).toMatchObject({
      outcome: 'skipped',
      reason: { code: 'RotationEnabled' },
    });
    await unchanged(other);
  });

  it('leaves the secret to the schedule too', async () => {
    const secret = await fresh({}, aged(22));
    await switchOn(secret.arn);
    const { versionId } = await look(secret.arn);
    expect(await scan([secret.arn])).toMatchObject({ listed: 1, enqueued: 1 });
    await waitFor('the renewal', async () => (await look(secret.arn)).versionId !== versionId);
  });
});
