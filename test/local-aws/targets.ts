/** What a rule's target receives, Run Command, and ECS. */
import { CreateServiceCommand, ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { LambdaClient, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { type Credentials, client, type Endpoint, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';
import { deployed, stackOf } from './functions.ts';
import { userWith } from './iam.ts';

const arn = (service: string, resource: string): string => `arn:aws:${service}:us-east-1:000000000000:${resource}`;

/** Makes a queue. Returns the first message that arrives, if one does. */
async function letterBox(aws: Endpoint, within: number) {
  const QueueName = uniqueName('letters');
  const sqs = client(SQSClient, aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const first = () =>
    waitFor(
      'a letter',
      async () => {
        const request = new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] });
        return (await sqs.send(request)).Messages?.[0];
      },
      { within },
    ).catch(() => undefined);
  return { arn: arn('sqs', QueueName), first };
}

/** Sends one event to a target. */
async function sendTo(aws: Endpoint, target: { Arn: string; DeadLetterConfig?: { Arn: string } }): Promise<void> {
  const bus = client(EventBridgeClient, aws);
  const Name = uniqueName('rule');
  await bus.send(new PutRuleCommand({ Name, EventPattern: JSON.stringify({ source: [Name] }) }));
  await bus.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: 'it', ...target }] }));
  await bus.send(new PutEventsCommand({ Entries: [{ Source: Name, DetailType: 'test', Detail: '{"a":1}' }] }));
}

async function failedFunction(aws: Endpoint, patience: number): Promise<unknown> {
  const { arn: Destination, first } = await letterBox(aws, patience);
  const name = await deployed(aws, "export const handler = async () => { throw new Error('why'); };");
  const DestinationConfig = { OnFailure: { Destination } };
  await client(LambdaClient, aws).send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: name, DestinationConfig }),
  );
  await sendTo(aws, { Arn: arn('lambda', `function:${name}`) });
  const letter = await first();
  return letter && JSON.parse(letter.Body ?? '').requestPayload.detail;
}

async function missingTopic(aws: Endpoint, patience: number): Promise<unknown> {
  const { arn: Arn, first } = await letterBox(aws, patience);
  await sendTo(aws, { Arn: arn('sns', uniqueName('no-topic')), DeadLetterConfig: { Arn } });
  const letter = await first();
  return letter && [JSON.parse(letter.Body ?? '').detail, letter.MessageAttributes?.['ERROR_CODE']?.StringValue];
}

/** Returns the name of a document that a stack has made. */
function documentOf(aws: Endpoint): Promise<string> {
  const Properties = { Content: { schemaVersion: '2.2' }, DocumentType: 'Command' };
  return stackOf(
    aws,
    { Document: { Type: 'AWS::SSM::Document', Properties } },
    { Ref: { Value: { Ref: 'Document' } } },
    3_000,
  ).catch(() => '');
}

function command(aws: Endpoint, DocumentName: string, who?: Credentials): Promise<string> {
  const Targets = [{ Key: 'tag:Role', Values: ['web'] }];
  return outcome(client(SSMClient, aws, who).send(new SendCommandCommand({ DocumentName, Targets })));
}

/** Deploys a new service again, by a user who may do that with this service only. */
async function deployments(aws: Endpoint): Promise<readonly string[]> {
  const cluster = uniqueName('cluster');
  const who = await userWith(aws, {
    Effect: 'Allow',
    Action: 'ecs:UpdateService',
    Resource: arn('ecs', `service/${cluster}/web`),
  });
  const deploy = (service: string) =>
    outcome(client(ECSClient, aws, who).send(new UpdateServiceCommand({ cluster, service, forceNewDeployment: true })));
  for (const serviceName of ['web', 'api']) {
    const make = new CreateServiceCommand({ cluster, serviceName, taskDefinition: 'web', desiredCount: 0 });
    await client(ECSClient, aws).send(make);
  }
  return [await deploy('web'), await deploy('api')];
}

export const TARGETS: readonly Behaviour[] = [
  { patch: 'rule-function', observe: failedFunction, withPatch: { a: 1 }, without: undefined },
  { patch: 'rule-dead-letter', observe: missingTopic, withPatch: [{ a: 1 }, 'NO_RESOURCE'], without: undefined },
  {
    patch: 'stack-ssm-document',
    observe: async (aws) => (await documentOf(aws)) !== '',
    withPatch: true,
    without: false,
  },
  {
    patch: 'command-by-tag',
    observe: async (aws) => [
      await command(aws, (await documentOf(aws)) || 'AWS-RunShellScript'),
      await command(aws, 'no-such-document'),
    ],
    withPatch: ['ok', 'InvalidDocument'],
    without: ['ValidationException', 'ValidationException'],
  },
  {
    patch: 'command-document',
    observe: async (aws) => {
      const name = (await documentOf(aws)) || 'mine';
      const Resource = arn('ssm', `document/${name}`);
      const who = await userWith(aws, { Effect: 'Allow', Action: 'ssm:SendCommand', Resource });
      return [await command(aws, name, who), await command(aws, 'AWS-RunShellScript', who)];
    },
    withPatch: ['ok', 'AccessDeniedException'],
    without: ['AccessDeniedException', 'AccessDeniedException'],
  },
  {
    patch: 'ecs-service-arn',
    observe: deployments,
    withPatch: ['ok', 'AccessDeniedException'],
    without: ['AccessDeniedException', 'AccessDeniedException'],
  },
];
