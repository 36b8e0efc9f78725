/**
 * docs/guarantees.md, G15: hooks after a renewal. Functions and topics run on the local AWS. A command is accepted but not
 * executed, because there are no instances. ACM keeps what is imported. ECS begins deployments, but tells of no end.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACMClient, GetCertificateCommand } from '@aws-sdk/client-acm';
import { CreateClusterCommand, CreateServiceCommand, DescribeServicesCommand, ECSClient } from '@aws-sdk/client-ecs';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ListCommandsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { client, invoke, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { type BusEvent, collectEvents, type EventCollector } from '../../testkit/local-aws/events.ts';
import { ACCOUNT, REGION } from '../../testkit/local-aws/ministack.ts';
import { zip } from '../../testkit/local-aws/zip.ts';
import { ENCRYPTION_KEY, hookTargets } from '../support/e2e-config.ts';
import { describeWith } from '../support/local.ts';
import { logEntries, logOf, metricValues } from '../support/logs.ts';
import { type FreshSecret, renewerOf } from '../support/renewer.ts';

/** The failing function prints it. It must not appear anywhere else. */
const word = 'U2VjcmV0LW9mLXRoZS1mdW5jdGlvbg';

describeWith(['stack', 'step-ca'], 'hooks', (local) => {
  const { emulator, outputs } = local;
  const renewer = renewerOf(local);
  /** The calls of the functions, which post them here. */
  const calls: { readonly name: string; readonly event: BusEvent }[] = [];
  let server: Server;

  async function makeFunction(FunctionName: string, Role: string | undefined, end: string): Promise<void> {
    const { port } = server.address() as AddressInfo;
    const code = `import { request } from 'node:http';
      export const handler = async (event) => {
        await new Promise((resolve, reject) => {
          const sent = request('http://127.0.0.1:${port}/${FunctionName}', { method: 'POST' }, resolve);
          sent.on('error', reject).end(JSON.stringify(event));
        });
        ${end}
      };`;
    const Code = { ZipFile: zip({ 'index.mjs': code }) };
    const more = { Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 10, Role } as const;
    await client(LambdaClient, emulator).send(new CreateFunctionCommand({ FunctionName, Code, ...more }));
  }

  beforeAll(async () => {
    server = createServer(async (request, answer) => {
      const parts: Buffer[] = await request.toArray();
      calls.push({ name: request.url?.slice(1) ?? '', event: JSON.parse(Buffer.concat(parts).toString()) });
      answer.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const Statement = [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    const create = new CreateRoleCommand({ RoleName: uniqueName('on-renewal'), AssumeRolePolicyDocument });
    const { Role } = await client(IAMClient, emulator).send(create);
    await makeFunction(hookTargets.functionName, Role?.Arn, '');
    await makeFunction(hookTargets.failingFunction, Role?.Arn, `throw new Error('${word}');`);
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const callsOf = (name: string, { arn }: Pick<FreshSecret, 'arn'>) =>
    calls.filter((call) => call.name === name && call.event.resources.includes(arn));

  /** Makes a queue that receives the topic's messages. */
  async function subscribed(): Promise<() => Promise<string[]>> {
    const QueueName = uniqueName('renewals');
    const { TopicArn } = await client(SNSClient, emulator).send(
      new CreateTopicCommand({ Name: hookTargets.topicName, Attributes: { KmsMasterKeyId: ENCRYPTION_KEY } }),
    );
    const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}`;
    const allowed = { Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Endpoint };
    const Condition = { ArnEquals: { 'aws:SourceArn': TopicArn } };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...allowed, Condition }] });
    const sqs = client(SQSClient, emulator);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { Policy } }));
    await client(SNSClient, emulator).send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
    const found: string[] = [];
    return async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      found.push(...Messages.map(({ Body = '' }) => JSON.parse(Body).Message));
      return found;
    };
  }

  /** Makes a secret of the profile `hooked` with a name that a hook names. */
  async function makeNamed(Name: string): Promise<void> {
    const { leaf } = await renewer.fresh({ profile: 'paused' });
    const SecretString = JSON.stringify({ certificate: leaf.certificatePem + leaf.chainPem, privateKey: leaf.keyPem });
    const Tags = [{ Key: 'cert-renewer:profile', Value: 'hooked' }];
    await renewer.secrets.send(new CreateSecretCommand({ Name, SecretString, KmsKeyId: ENCRYPTION_KEY, Tags }));
  }

  describe('after a renewal', () => {
    let secret: FreshSecret;
    let answer: RenewalResult;
    let messages: () => Promise<string[]>;

    beforeAll(async () => {
      messages = await subscribed();
      secret = await renewer.fresh({ profile: 'hooked' });
      answer = await renewer.renew({ secretId: secret.arn });
    });

    it('lambda is called once, with the original event', async () => {
      const [call] = await waitFor('the call', async () => {
        const found = callsOf(hookTargets.functionName, secret);
        return found.length > 0 && found;
      });
      expect(call?.event).toMatchObject({
        source: 'cert-renewer',
        'detail-type': 'Certificate Renewed',
        resources: [secret.arn],
        detail: { version: '1', operation: 'rekey', ...answer },
      });
      const told = await waitFor('its log', async () =>
        (await logOf(emulator, secret.arn)).find(({ reason }) => reason?.message.includes('accepted the event')),
      );
      expect(told.reason?.message).toContain(hookTargets.functionName);
      expect(callsOf(hookTargets.functionName, secret)).toHaveLength(1);
    });

    it('sns publishes the event', async () => {
      const text = await waitFor('the message', async () =>
        (await messages()).find((each) => each.includes(secret.arn)),
      );
      expect(JSON.parse(text)).toMatchObject({
        'detail-type': 'Certificate Renewed',
        detail: { secretArn: secret.arn, versionId: answer.versionId },
      });
    });

    it.each([
      ['exec', hookTargets.webTag],
      ['signal', hookTargets.proxyTag],
    ])('%s sends its document to the instances with the tag, with ARN and version only', async (type, tag) => {
      const command = await waitFor('the command', async () => {
        const { Commands = [] } = await client(SSMClient, emulator).send(new ListCommandsCommand({}));
        return Commands.find(
          ({ Parameters, DocumentName = '' }) =>
            Parameters?.['secretArn']?.[0] === secret.arn && DocumentName.toLowerCase().includes(type),
        );
      });
      expect(command.Targets).toEqual([{ Key: `tag:${tag.key}`, Values: [tag.value] }]);
      expect(command.Parameters).toEqual({ secretArn: [secret.arn], versionId: [answer.versionId] });
    });

    it('acm imports the certificate of a named secret again, under the same ARN', async () => {
      await makeNamed(hookTargets.secretName);
      const { serialNumber } = await renewer.renew({ secretId: hookTargets.secretName });
      const { Certificate = '', CertificateChain = '' } = await waitFor('the import', () =>
        client(ACMClient, emulator)
          .send(new GetCertificateCommand({ CertificateArn: hookTargets.certificateArn }))
          .catch(() => undefined),
      );
      const imported = new X509Certificate(Certificate);
      expect(imported.serialNumber.toLowerCase()).toBe(serialNumber);
      expect(new X509Certificate(CertificateChain).subject).toBe(imported.issuer);
    });
  });

  describe('ecs', () => {
    const { cluster, name } = hookTargets.service;
    const ecs = client(ECSClient, emulator);
    /** Returns the ids of the service's deployments, the newest first. */
    const deployments = async () => {
      const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: [name] }));
      return services.flatMap(({ deployments: each = [] }) => each.map(({ id = '' }) => id));
    };

    it('deploys the service of a named secret, once, and not that of another secret', async () => {
      await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
      await ecs.send(
        new CreateServiceCommand({ cluster, serviceName: name, taskDefinition: 'web:1', desiredCount: 0 }),
      );
      const before = await deployments();
      await makeNamed(hookTargets.deployedSecret);
      const { secretArn } = await renewer.renew({ secretId: hookTargets.deployedSecret });
      const told = await waitFor('its log', async () =>
        (await logOf(emulator, secretArn)).find(({ reason }) => reason?.message.includes(`${cluster}/${name} began`)),
      );
      const [id = ''] = await deployments();
      expect(before).not.toContain(id);
      expect(told.reason?.message).toContain(id);
      const other = await renewer.fresh({ profile: 'hooked' });
      await renewer.renew({ secretId: other.arn });
      await waitFor('another hook', async () => callsOf(hookTargets.functionName, other).length > 0);
      expect((await deployments())[0]).toBe(id);
    });

    it('reports a deployment that failed, from ECS’s event', async () => {
      const events = await collectEvents(emulator, outputs['EventBusName'] ?? '');
      const { Functions = [] } = await client(LambdaClient, emulator).send(new ListFunctionsCommand({}));
      const hook = Functions.find(({ Environment }) => Environment?.Variables?.['HOOK'] === 'ecs');
      // As the stack's rule passes it on. Only AWS may put events of aws.ecs on a bus.
      const event = {
        source: 'aws.ecs',
        resources: [`arn:aws:ecs:${REGION}:${ACCOUNT}:service/${cluster}/${name}`],
        detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED', deploymentId: 'ecs-svc/1', reason: 'tasks failed to start.' },
      };
      const { error } = await invoke(emulator, hook?.FunctionName ?? '', event);
      expect(error).toBeUndefined();
      const told = await events.next('the event', ({ detail }) => detail['hook'] === 'ecs');
      expect(told['detail-type']).toBe('Certificate Hook Failed');
      expect(told.detail).toMatchObject({
        profile: 'hooked',
        secretArn: null,
        message: expect.stringContaining(hookTargets.deployedSecret),
      });
    });
  });

  describe('a hook that fails', () => {
    let secret: FreshSecret;
    let answer: RenewalResult;
    let events: EventCollector;
    let failures: readonly BusEvent[];

    beforeAll(async () => {
      secret = await renewer.fresh({ profile: 'hooks-fail' });
      events = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [secret.arn] });
      answer = await renewer.renew({ secretId: secret.arn });
      failures = await waitFor('three failures', async () => {
        const found = (await events.events()).filter((event) => event['detail-type'] === 'Certificate Hook Failed');
        return found.length >= 3 && found;
      });
    });

    const about = (name: string) => failures.filter(({ detail }) => String(detail['message']).includes(name));

    it.each([
      ['in the user’s own function', 'lambda', hookTargets.failingFunction, 'Internal', /failed: see its log/],
      ['with a missing function', 'lambda', hookTargets.missingFunction, 'InvalidRequest', /no such function/],
      ['with a missing topic', 'sns', hookTargets.missingTopic, 'Internal', /NO_RESOURCE/],
    ])('%s is reported once', (_, hook, target, code, message) => {
      expect(about(target).map(({ detail }) => detail)).toEqual([
        {
          version: '1',
          profile: 'hooks-fail',
          hook,
          secretArn: secret.arn,
          versionId: answer.versionId,
          code,
          message: expect.stringMatching(message),
        },
      ]);
      expect(about(target)[0]?.resources).toEqual([secret.arn]);
    });

    it('is tried three times if the error may pass', () => {
      expect(callsOf(hookTargets.failingFunction, secret)).toHaveLength(3);
    });

    it('has a metric for each', async () => {
      await waitFor('the metrics', async () => {
        const values = metricValues(await logEntries(emulator), 'HookFailed', 'hooks-fail');
        return values.length >= 3 && values.every((value) => value === 1);
      });
    });

    it('reveals nothing that the function printed', async () => {
      expect(JSON.stringify(await events.events())).not.toContain(word);
      expect(JSON.stringify(await logOf(emulator, secret.arn))).not.toContain(word);
    });

    it('undoes and repeats nothing', async () => {
      const { versionId } = await renewer.reader(secret.arn);
      expect(versionId).toBe(answer.versionId);
      expect(await renewer.versions(secret.arn)).toHaveLength(2);
      const renewed = (await events.events()).filter((event) => event['detail-type'] === 'Certificate Renewed');
      expect(renewed).toHaveLength(1);
    });

    it('on an instance is reported from SSM’s status event', async () => {
      const hooked = await renewer.fresh({ profile: 'hooked' });
      const collected = await collectEvents(emulator, outputs['EventBusName'] ?? '', { resources: [hooked.arn] });
      await renewer.renew({ secretId: hooked.arn });
      const command = await waitFor('the command', async () => {
        const { Commands = [] } = await client(SSMClient, emulator).send(new ListCommandsCommand({}));
        return Commands.find(({ Parameters }) => Parameters?.['secretArn']?.[0] === hooked.arn);
      });
      const { Functions = [] } = await client(LambdaClient, emulator).send(new ListFunctionsCommand({}));
      const reporter = Functions.find(({ Description }) => Description === 'Reports hooks that failed');
      // As the stack's rule passes it on. Only AWS may put events of aws.ssm on a bus.
      const detail = {
        'command-id': command.CommandId,
        'document-name': command.DocumentName,
        'instance-id': 'i-0123456789abcdef0',
        status: 'Failed',
      };
      const { error } = await invoke(emulator, reporter?.FunctionName ?? '', { source: 'aws.ssm', detail });
      expect(error).toBeUndefined();
      const told = await collected.next('the event', (event) => event['detail-type'] === 'Certificate Hook Failed');
      expect(told.detail).toMatchObject({
        profile: 'hooked',
        hook: command.DocumentName?.split('.').at(-1),
        secretArn: hooked.arn,
        versionId: command.Parameters?.['versionId']?.[0],
        instanceId: 'i-0123456789abcdef0',
        commandId: command.CommandId,
      });
    });
  });
});
