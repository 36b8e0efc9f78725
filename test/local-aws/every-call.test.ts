/** The local AWS's record of every call, for tests that count calls: in order, and without values. */
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { client, uniqueName } from '../../testkit/local-aws/client.ts';
import { answeredCalls, callsFromNow } from '../../testkit/local-aws/every-call.ts';
import { type Emulator, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { describeWith } from '../support/local.ts';
import { inRole } from '../support/roles.ts';
import { outcome } from './behaviour.ts';

describeWith(['emulator'], 'every call', ({ emulator }) => {
  let aws: Emulator;
  beforeAll(async () => {
    aws = await startEmulator({ keepsCalls: true });
  });
  afterAll(() => aws?.stop());

  it('is recorded with its action, its subject and its role, in order', async () => {
    const role = await inRole(aws, 'secretsmanager:*');
    const calls = await callsFromNow(aws);
    const Name = uniqueName('counted');
    const SecretString = 'a value that is told nobody';
    await client(SecretsManagerClient, aws).send(new CreateSecretCommand({ Name, SecretString }));
    await client(SecretsManagerClient, aws, role).send(new GetSecretValueCommand({ SecretId: Name }));
    await outcome(client(SSMClient, aws, role).send(new GetParameterCommand({ Name: '/none' })));
    await client(SNSClient, aws).send(new ListTopicsCommand({}));
    const found = await calls();
    expect(found).toMatchObject([
      { action: 'CreateSecret', about: Name, role: '', status: 200, members: expect.arrayContaining(['SecretString']) },
      { action: 'GetSecretValue', about: Name, role: expect.stringMatching(/^operator-/), status: 200 },
      {
        service: 'ssm',
        action: 'GetParameter',
        about: '/none',
        role: expect.stringMatching(/^operator-/),
        status: 400,
      },
      { service: 'sns', action: 'ListTopics', role: '' },
    ]);
    expect(JSON.stringify(found)).not.toContain(SecretString);
    expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).sort());
  });

  it('is not recorded if nobody asked for it', async () => {
    await client(SNSClient, emulator).send(new ListTopicsCommand({}));
    expect(await answeredCalls(emulator)).toEqual([]);
  });
});
