/** Outcomes of stacks from templates. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { client, type Endpoint, ROOT, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';

type Resources = Readonly<Record<string, unknown>>;

const Capabilities: ['CAPABILITY_NAMED_IAM'] = ['CAPABILITY_NAMED_IAM'];

/** Returns 'ok' for a stack's creation or update, or why its first resource was refused. */
function ended(aws: Endpoint, StackName: string, what: 'CREATE' | 'UPDATE'): Promise<string> {
  const cloudFormation = client(CloudFormationClient, aws);
  return waitFor(
    'the stack',
    async () => {
      const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName }));
      const refused = StackEvents.find(({ ResourceStatus }) => ResourceStatus === `${what}_FAILED`);
      if (refused) return refused.ResourceStatusReason ?? 'no reason';
      const made = ({ ResourceStatus, LogicalResourceId }: (typeof StackEvents)[number]) =>
        ResourceStatus === `${what}_COMPLETE` && LogicalResourceId === StackName;
      return StackEvents.some(made) && 'ok';
    },
    { within: 20_000 },
  );
}

/** Returns 'ok', or why the first resource of a stack was refused. With `then`: of the stack's update to it. */
export async function refusal(aws: Endpoint, Resources: Resources, then?: Resources): Promise<string> {
  const StackName = uniqueName('stack');
  const cloudFormation = client(CloudFormationClient, aws);
  const first = JSON.stringify({ Resources });
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: first, Capabilities }));
  const created = await ended(aws, StackName, 'CREATE');
  if (!then || created !== 'ok') return created;
  const second = JSON.stringify({ Resources: then });
  await cloudFormation.send(new UpdateStackCommand({ StackName, TemplateBody: second, Capabilities }));
  return ended(aws, StackName, 'UPDATE');
}

/** A nested stack of this template. */
async function nested(aws: Endpoint, Resources: Resources): Promise<unknown> {
  const { endpoint } = aws;
  const s3 = new S3Client({ endpoint, region: 'us-east-1', credentials: ROOT, forcePathStyle: true });
  const Bucket = uniqueName('templates');
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'it.json', Body: JSON.stringify({ Resources }) }));
  const TemplateURL = `https://s3.us-east-1.amazonaws.com/${Bucket}/it.json`;
  return { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL } };
}

/** Updates a stack so that its nested stack gets another resource, which refers to an existing one. Returns the outcome. */
async function nestedUpdate(aws: Endpoint): Promise<string> {
  const Group = { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 1 } };
  const Value = { 'Fn::GetAtt': ['Group', 'Arn'] };
  const Parameter = { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value } };
  return refusal(aws, { Child: await nested(aws, { Group }) }, { Child: await nested(aws, { Group, Parameter }) });
}

export const STACKS: readonly Behaviour[] = [
  {
    patch: 'nested-stack-update',
    observe: nestedUpdate,
    withPatch: 'ok',
    without: 'Requested attribute Arn does not exist in schema for AWS::Logs::LogGroup',
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
