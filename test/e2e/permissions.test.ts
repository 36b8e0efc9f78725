/**
 * Denied calls with the functions' real roles, each beside an allowed call: a role that may do nothing at all would fail the
 * test.
 */
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
} from '@aws-sdk/client-kms';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  ListSecretsCommand,
  PutResourcePolicyCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeAll, describe, expect, it } from 'vitest';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import { type Credentials, client, uniqueName } from '../../testkit/local-aws/client.ts';
import { userWith } from '../local-aws/iam.ts';
import { type Caller, callsOf, outcome } from '../support/calls.ts';
import { PASSWORD_SECRET } from '../support/e2e-config.ts';
import { describeWith } from '../support/local.ts';
import { actAs, inRole } from '../support/roles.ts';

describeWith(['stack'], 'permissions', ({ emulator, outputs }) => {
  const output = (name: string): string => outputs[name] ?? '';
  let scanRole: Credentials;
  let renewRole: Credentials;
  let scan: Caller;
  let renew: Caller;

  beforeAll(async () => {
    scanRole = await actAs(emulator, output('ScanFunctionName'));
    renewRole = await actAs(emulator, output('RenewFunctionName'));
    scan = callsOf(emulator, scanRole);
    renew = callsOf(emulator, renewRole);
  });

  async function secret(tags: Readonly<Record<string, string>>): Promise<string> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const create = new CreateSecretCommand({ Name: uniqueName('permissions'), SecretString: 'first', Tags });
    return (await client(SecretsManagerClient, emulator).send(create)).ARN ?? '';
  }
  // Paused, so that scans of other tests ignore it: it holds no certificate.
  const enrolled = () => secret({ 'cert-renewer:profile': 'internal', 'cert-renewer:paused': 'true' });
  const untagged = () => secret({ team: 'web' });
  const ofAnotherStack = () => secret({ 'cert-renewer:profile': 'of-another-stack' });

  async function key(profile: string | undefined): Promise<string> {
    const Tags = profile === undefined ? [] : [{ TagKey: 'cert-renewer:profile', TagValue: profile }];
    const create = new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY', Tags });
    return (await client(KMSClient, emulator).send(create)).KeyMetadata?.Arn ?? '';
  }

  /** Another user of the account, with the given permissions. */
  async function outsider(Action: string): Promise<Caller> {
    return callsOf(emulator, await userWith(emulator, { Effect: 'Allow', Action, Resource: '*' }));
  }

  const denials = (count: number): string[] => Array(count).fill('denied');

  /** The function of a hook of this type, of the profile `hooked`. */
  async function hookFunction(type: string): Promise<string> {
    const list = new ListFunctionsCommand({ MaxItems: 1000 });
    const { Functions = [] } = await client(LambdaClient, emulator).send(list);
    const found = Functions.find(
      ({ Environment: { Variables = {} } = {} }) => Variables['HOOK'] === type && Variables['PROFILE'] === 'hooked',
    );
    return found?.FunctionName ?? `no function of a hook ${type}`;
  }

  /** The parameter with the stack's profiles, from the functions' environment. */
  async function ownProfile(): Promise<string> {
    const get = new GetFunctionConfigurationCommand({ FunctionName: output('RenewFunctionName') });
    const { Environment } = await client(LambdaClient, emulator).send(get);
    return `${Environment?.Variables?.['PROFILE_PREFIX']}internal`;
  }

  describe('the scan', () => {
    it('lists secrets and sees their tags', async () => {
      expect(await outcome(client(SecretsManagerClient, emulator, scanRole).send(new ListSecretsCommand({})))).toBe(
        'ok',
      );
    });

    it('can’t read any secret, enrolled or not', async () => {
      const arn = await enrolled();
      const batch = new BatchGetSecretValueCommand({ SecretIdList: [arn] });
      expect(await scan.read(arn)).toBe('denied');
      expect(await outcome(client(SecretsManagerClient, emulator, scanRole).send(batch))).toBe('denied');
      expect(await scan.read(await untagged())).toBe('denied');
      expect(await scan.read(PASSWORD_SECRET)).toBe('denied');
    });

    it('can’t write any secret or tag', async () => {
      const arn = await enrolled();
      expect(await scan.put(arn)).toBe('denied');
      expect(await scan.tag(arn, ['failure'])).toBe('denied');
      expect(await scan.moveStage(arn, 'AWSCURRENT')).toBe('denied');
    });

    it('sends to the queue, one message or many, and can’t receive from it', async () => {
      const body = JSON.stringify({ secretArn: await enrolled(), versionId: 'another' });
      const QueueUrl = output('RenewalQueueUrl');
      const sqs = client(SQSClient, emulator, scanRole);
      const batch = new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '0', MessageBody: body }] });
      expect(await scan.send(QueueUrl, body)).toBe('ok');
      expect(await outcome(sqs.send(batch))).toBe('ok');
      expect(await outcome(sqs.send(new ReceiveMessageCommand({ QueueUrl })))).toBe('denied');
    });

    it('can’t sign with any key, and can’t invoke any function but itself', async () => {
      expect(await scan.sign(await key('internal'))).toBe('denied');
      expect(await scan.invoke(output('RenewFunctionName'))).toBe('denied');
      expect(await scan.invoke(output('ScanFunctionName'))).toBe('ok'); // itself, when its time is over
    });
  });

  describe('the renew function, with secrets', () => {
    it('reads and writes an enrolled one', async () => {
      const arn = await enrolled();
      expect(await renew.read(arn)).toBe('ok');
      expect(await renew.put(arn)).toBe('ok');
    });

    it.each([
      ['an untagged one', untagged],
      ["one of another stack's profile", ofAnotherStack],
    ])('describes %s, but can’t read or write it', async (_what, make) => {
      const arn = await make();
      expect(await renew.describe(arn)).toBe('ok');
      expect(await renew.read(arn)).toBe('denied');
      expect(await renew.put(arn)).toBe('denied');
      expect(await renew.moveStage(arn, 'AWSCURRENT')).toBe('denied');
      expect(await renew.tag(arn, ['failure'])).toBe('denied');
      expect(await renew.untag(arn, ['failure'])).toBe('denied');
    });

    it.each([
      ['AWSCURRENT', 'ok'],
      ['AWSPENDING', 'ok'],
      ['AWSPREVIOUS', 'denied'],
      ['release-7', 'denied'],
    ])('moves the stage %s of an enrolled one: %s', async (stage, expected) => {
      expect(await renew.moveStage(await enrolled(), stage)).toBe(expected);
    });

    it('reads the passwords that the configuration names, but can’t write them', async () => {
      expect(await renew.read(PASSWORD_SECRET)).toBe('ok');
      expect(await renew.put(PASSWORD_SECRET)).toBe('denied');
    });

    it('can’t make, list or delete one, or change its policy', async () => {
      const secrets = client(SecretsManagerClient, emulator, renewRole);
      const SecretId = await enrolled();
      const Tags = [{ Key: 'cert-renewer:profile', Value: 'internal' }];
      const create = new CreateSecretCommand({ Name: uniqueName('made'), SecretString: 'x', Tags });
      expect(await outcome(secrets.send(create))).toBe('denied');
      expect(await outcome(secrets.send(new ListSecretsCommand({})))).toBe('denied');
      expect(await outcome(secrets.send(new DeleteSecretCommand({ SecretId })))).toBe('denied');
      const policy = new PutResourcePolicyCommand({
        SecretId,
        ResourcePolicy: '{"Version":"2012-10-17","Statement":[]}',
      });
      expect(await outcome(secrets.send(policy))).toBe('denied');
    });
  });

  describe('the renew function, with tags', () => {
    const status = ['version-id', 'not-before', 'not-after', 'failure'];

    it('writes and removes its own four on an enrolled secret', async () => {
      const arn = await enrolled();
      expect(await renew.tag(arn, status)).toBe('ok');
      expect(await renew.untag(arn, status)).toBe('ok');
    });

    it.each([['profile'], ['mode'], ['expires-in'], ['rekey-period'], ['kty'], ['curve'], ['size'], ['paused']])(
      "can't change a user's tag there: %s",
      async (name) => {
        const arn = await enrolled();
        expect(await renew.tag(arn, [name])).toBe('denied');
        expect(await renew.tag(arn, ['failure', name])).toBe('denied');
        expect(await renew.untag(arn, [name])).toBe('denied');
      },
    );

    it('can’t enrol a secret, not even together with a tag that it may write', async () => {
      for (const arn of [await untagged(), await ofAnotherStack()]) {
        expect(await renew.tag(arn, ['profile'])).toBe('denied');
        expect(await renew.tag(arn, ['profile', ...status])).toBe('denied');
        expect(await renew.tag(arn, status)).toBe('denied');
      }
    });
  });

  describe('the renew function, with keys', () => {
    it('signs with one of its profiles, by the algorithms it needs', async () => {
      const arn = await key('internal');
      expect(await renew.publicKey(arn)).toBe('ok');
      expect(await renew.sign(arn)).toBe('ok');
      expect(await renew.sign(arn, 'RSASSA_PSS_SHA_256')).toBe('denied');
    });

    it.each([
      ['without a tag', undefined],
      ["of another stack's profile", 'of-another-stack'],
    ])('can’t sign with one %s', async (_what, profile) => {
      const arn = await key(profile);
      expect(await renew.publicKey(arn)).toBe('denied');
      expect(await renew.sign(arn)).toBe('denied');
    });

    it('can only sign with a key of its profiles', async () => {
      const KeyId = await key('internal');
      const kms = client(KMSClient, emulator, renewRole);
      const Plaintext = new Uint8Array(16);
      const wanted = [
        kms.send(new EncryptCommand({ KeyId, Plaintext })),
        kms.send(new DecryptCommand({ KeyId, CiphertextBlob: Plaintext })),
        kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })),
        kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: 'arn:aws:iam::000000000000:root', Operations: [] })),
        kms.send(new PutKeyPolicyCommand({ KeyId, Policy: '{}' })),
        kms.send(new ScheduleKeyDeletionCommand({ KeyId })),
      ];
      expect(await Promise.all(wanted.map(outcome))).toEqual(wanted.map(() => 'denied'));
    });

    it('can’t reach a foreign key by an alias, and can’t tag one', async () => {
      const KeyId = await key(undefined);
      const AliasName = `alias/${uniqueName('cert-renewer')}`;
      await client(KMSClient, emulator).send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyId }));
      expect(await renew.sign(AliasName)).toBe('denied');
      const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: 'internal' }];
      const tag = new TagResourceCommand({ KeyId, Tags });
      expect(await outcome(client(KMSClient, emulator, renewRole).send(tag))).toBe('denied');
    });
  });

  describe('both functions', () => {
    it("read this stack's profiles and no other's", async () => {
      const other = `/cert-renewer/${uniqueName('Other')}/profiles/internal`;
      await client(SSMClient, emulator).send(new PutParameterCommand({ Name: other, Type: 'String', Value: '{}' }));
      for (const who of [scan, renew]) {
        expect(await who.parameter(await ownProfile())).toBe('ok');
        expect(await who.parameter(other)).toBe('denied');
      }
    });

    it('can’t change a profile', async () => {
      const change = new PutParameterCommand({ Name: await ownProfile(), Value: '{}', Overwrite: true });
      for (const role of [scanRole, renewRole]) {
        expect(await outcome(client(SSMClient, emulator, role).send(change))).toBe('denied');
      }
    });

    it("publish to the stack's bus and to no other", async () => {
      const Name = uniqueName('bus');
      await client(EventBridgeClient, emulator).send(new CreateEventBusCommand({ Name }));
      for (const who of [scan, renew]) {
        expect(await who.putEvents(output('EventBusName'))).toBe('ok');
        expect(await who.putEvents(Name)).toBe('denied');
      }
    });
  });

  describe('the functions of hooks', () => {
    it.each(['acm', 'ecs', 'exec', 'lambda'])(
      '%s: can’t read a secret that they do not name, sign with a key, or write',
      async (type) => {
        const who = await actAs(emulator, await hookFunction(type));
        const hook = callsOf(emulator, who);
        const arn = await enrolled();
        expect([await hook.read(arn), await hook.read(PASSWORD_SECRET), await hook.put(arn)]).toEqual(denials(3));
        expect([await hook.tag(arn, ['failure']), await hook.sign(await key('internal'))]).toEqual(denials(2));
        expect(await hook.invoke(output('RenewFunctionName'))).toBe('denied');
        expect(await hook.send(output('RenewalQueueUrl'), '{}')).toBe('denied');
      },
    );
  });

  describe('no role of the stack', () => {
    it('puts rules on the bus, or changes a queue, a function or a role', async () => {
      for (const role of [scanRole, renewRole]) {
        const EventBusName = output('EventBusName');
        const events = client(EventBridgeClient, emulator, role);
        const EventPattern = '{"source":["cert-renewer"]}';
        const wanted = [
          events.send(new PutRuleCommand({ Name: 'mine', EventBusName, EventPattern })),
          events.send(
            new PutTargetsCommand({
              Rule: 'mine',
              EventBusName,
              Targets: [{ Id: '1', Arn: 'arn:aws:sqs:us-east-1:000000000000:mine' }],
            }),
          ),
          client(SQSClient, emulator, role).send(
            new SetQueueAttributesCommand({ QueueUrl: output('RenewalQueueUrl'), Attributes: { Policy: '' } }),
          ),
          client(LambdaClient, emulator, role).send(
            new UpdateFunctionConfigurationCommand({ FunctionName: output('RenewFunctionName'), Timeout: 3 }),
          ),
          client(IAMClient, emulator, role).send(
            new CreateRoleCommand({ RoleName: 'mine', AssumeRolePolicyDocument: '{}' }),
          ),
        ];
        expect(await Promise.all(wanted.map(outcome))).toEqual(denials(wanted.length));
      }
    });
  });

  describe('another user of the account', () => {
    const body = JSON.stringify({
      secretArn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:nobodys',
      versionId: 'x',
    });

    it('can’t send to the renewal queue, even if IAM allows it', async () => {
      const other = await outsider('sqs:*');
      expect(await other.send(output('RenewalQueueUrl'), body)).toBe('denied');
      expect(await renew.send(output('RenewalQueueUrl'), body)).toBe('denied');
      const QueueUrl = output('DeadLetterQueueUrl');
      const receive = new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 });
      const allowed = await userWith(emulator, { Effect: 'Allow', Action: 'sqs:*', Resource: '*' });
      expect(await outcome(client(SQSClient, emulator, allowed).send(receive))).toBe('ok');
    });

    it('can send if a tag of the role and IAM both allow it, and not with the tag alone or with another value', async () => {
      const send = async (...who: [action: string, tags: Readonly<Record<string, string>>]) =>
        callsOf(emulator, await inRole(emulator, ...who)).send(output('RenewalQueueUrl'), body);
      expect(await send('sqs:*', { [redriveTag]: 'true' })).toBe('ok');
      expect(await send('sqs:*', {})).toBe('denied');
      expect(await send('sqs:*', { [redriveTag]: 'false' })).toBe('denied');
      expect(await send('s3:*', { [redriveTag]: 'true' })).toBe('denied');
    });

    it('needs permission from IAM to publish or to invoke', async () => {
      const [nobody, invoker] = [await outsider('s3:*'), await outsider('lambda:InvokeFunction')];
      const { Topics = [] } = await client(SNSClient, emulator).send(new ListTopicsCommand({}));
      expect(await nobody.notify(Topics[0]?.TopicArn ?? '')).toBe('denied');
      expect(await nobody.putEvents(output('EventBusName'))).toBe('denied');
      expect(await nobody.send(output('DeadLetterQueueUrl'), body)).toBe('denied');
      expect(await nobody.invoke(output('RenewFunctionName'))).toBe('denied');
      expect(await invoker.invoke(output('ScanFunctionName'))).toBe('ok');
    });
  });
});
