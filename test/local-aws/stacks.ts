/** How a stack of a template ends, be it well or not. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { client, type Endpoint, ROOT, uniqueName, waitFor } from '../support/aws.ts';
import { type Behaviour, outcome } from './behaviour.ts';

/** 'ok', or why its first resource was refused. */
export async function refusal(aws: Endpoint, Resources: Readonly<Record<string, unknown>>): Promise<string> {
  const StackName = uniqueName('stack');
  const cloudFormation = client(CloudFormationClient, aws);
  const TemplateBody = JSON.stringify({ Resources });
  const Capabilities: ['CAPABILITY_NAMED_IAM'] = ['CAPABILITY_NAMED_IAM'];
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities }));
  return waitFor(
    'the stack',
    async () => {
      const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName }));
      const refused = StackEvents.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
      if (refused) return refused.ResourceStatusReason ?? 'no reason';
      const made = ({ ResourceStatus, LogicalResourceId }: (typeof StackEvents)[number]) =>
        ResourceStatus === 'CREATE_COMPLETE' && LogicalResourceId === StackName;
      return StackEvents.some(made) && 'ok';
    },
    { within: 20_000 },
  );
}

/** A nested stack of this template. */
async function nested(aws: Endpoint, Resources: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { endpoint } = aws;
  const s3 = new S3Client({ endpoint, region: 'us-east-1', credentials: ROOT, forcePathStyle: true });
  const Bucket = uniqueName('templates');
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'it.json', Body: JSON.stringify({ Resources }) }));
  const TemplateURL = `https://s3.us-east-1.amazonaws.com/${Bucket}/it.json`;
  return { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL } };
}

/** How the update of a stack ends whose nested stack gets a resource more, made of what is there. */
async function nestedUpdate(aws: Endpoint, patience: number): Promise<unknown> {
  const Group = { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 1 } };
  const Value = { 'Fn::GetAtt': ['Group', 'Arn'] };
  const Parameter = { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value } };
  const StackName = uniqueName('stack');
  const cloudFormation = client(CloudFormationClient, aws);
  const body = async (Resources: Readonly<Record<string, unknown>>) =>
    JSON.stringify({ Resources: { Child: await nested(aws, Resources) } });
  const ended = (wanted: RegExp) =>
    waitFor(
      'the stack',
      async () => {
        const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
        return Stacks.map(({ StackStatus = '' }) => StackStatus).find((status) => wanted.test(status));
      },
      { within: Math.max(patience, 10_000) },
    );
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: await body({ Group }) }));
  await ended(/^CREATE_COMPLETE$/);
  await cloudFormation.send(new UpdateStackCommand({ StackName, TemplateBody: await body({ Group, Parameter }) }));
  return ended(/^UPDATE_COMPLETE$|ROLLBACK_(?:COMPLETE|FAILED)$/);
}

export const STACKS: readonly Behaviour[] = [
  {
    patch: 'nested-stack-update',
    observe: nestedUpdate,
    withPatch: 'UPDATE_COMPLETE',
    without: 'UPDATE_ROLLBACK_COMPLETE',
  },
  {
    patch: 'nested-stack-rollback',
    observe: async (aws) => {
      const QueueName = uniqueName('queue');
      const Child = await nested(aws, {
        Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName } },
        Refused: { Type: 'AWS::CloudWatch::Dashboard', DependsOn: 'Queue', Properties: {} },
      });
      const refused = await refusal(aws, { Child });
      const left = await outcome(client(SQSClient, aws).send(new GetQueueUrlCommand({ QueueName })));
      return [/DashboardBody/.test(refused), left];
    },
    withPatch: [true, 'QueueDoesNotExist'],
    without: [true, 'ok'],
  },
];
