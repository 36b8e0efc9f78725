/** What the role of the probe may not do, each beside a call that it may: a role without any permission would fail the test. */
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateSecretCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, it } from 'vitest';
import { type Credentials, client, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Caller, callsOf, outcome } from '../support/calls.ts';
import { AUTHORITY_SECRET, PASSWORD_SECRET } from '../support/e2e-config.ts';
import { describeWith } from '../support/local.ts';
import { actAs } from '../support/roles.ts';

describeWith(['stack'], 'the role of the probe', ({ emulator, outputs }) => {
  const output = (name: string): string => outputs[name] ?? '';
  let role: Credentials;
  let who: Caller;

  beforeAll(async () => {
    role = await actAs(emulator, output('ProbeFunctionName'));
    who = callsOf(emulator, role);
  });

  /** Paused, because it holds no certificate. */
  async function secret(profile: string | undefined): Promise<string> {
    const tags = profile === undefined ? {} : { 'cert-renewer:profile': profile, 'cert-renewer:paused': 'true' };
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const create = new CreateSecretCommand({ Name: uniqueName('probed'), SecretString: 'first', Tags });
    return (await client(SecretsManagerClient, emulator).send(create)).ARN ?? '';
  }

  it('lists secrets and describes those of this stack, and reads none', async () => {
    const arn = await secret('internal');
    expect(await outcome(client(SecretsManagerClient, emulator, role).send(new ListSecretsCommand({})))).toBe('ok');
    expect(await who.describe(arn)).toBe('ok');
    expect(await who.describe(await secret(undefined))).toBe('denied');
    for (const each of [arn, await secret(undefined), PASSWORD_SECRET, AUTHORITY_SECRET]) {
      expect(await who.read(each)).toBe('denied');
    }
  });

  it('writes no value, and moves no stage', async () => {
    const arn = await secret('internal');
    expect(await who.put(arn)).toBe('denied');
    expect(await who.moveStage(arn, 'AWSCURRENT')).toBe('denied');
    expect(await who.moveStage(arn, 'AWSPENDING')).toBe('denied');
  });

  it('writes the tag "served" on a secret of this stack, and no other tag', async () => {
    const arn = await secret('internal');
    expect(await who.tag(arn, ['served'])).toBe('ok');
    for (const name of ['profile', 'endpoints', 'fingerprint', 'failure', 'paused', 'version-id', 'not-after']) {
      expect(await who.tag(arn, [name])).toBe('denied');
      expect(await who.tag(arn, ['served', name])).toBe('denied');
      expect(await who.untag(arn, [name])).toBe('denied');
    }
  });

  it('tags no secret without a profile, or with another stack’s', async () => {
    for (const profile of [undefined, 'of-another-stack']) {
      expect(await who.tag(await secret(profile), ['served'])).toBe('denied');
      expect(await who.tag(await secret(profile), ['served', 'profile'])).toBe('denied');
    }
  });

  it('signs with no key', async () => {
    const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: 'internal' }];
    const create = new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY', Tags });
    const key = (await client(KMSClient, emulator).send(create)).KeyMetadata?.Arn ?? '';
    expect([await who.sign(key), await who.publicKey(key)]).toEqual(['denied', 'denied']);
  });

  it('sends to no queue, and invokes no function, not even itself', async () => {
    const body = JSON.stringify({ secretArn: await secret('internal'), versionId: 'x' });
    for (const queue of ['RenewalQueueUrl', 'DeadLetterQueueUrl'])
      expect(await who.send(output(queue), body)).toBe('denied');
    for (const name of ['Scan', 'Renew', 'Probe']) {
      expect(await who.invoke(output(`${name}FunctionName`))).toBe('denied');
    }
  });

  it('publishes to the bus of the stack and to no other', async () => {
    expect(await who.putEvents(output('EventBusName'))).toBe('ok');
    expect(await who.putEvents('default')).toBe('denied');
  });
});
