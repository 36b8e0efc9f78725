/** How a stack of a template ends, be it well or not. */
import { CloudFormationClient, CreateStackCommand, DescribeStackEventsCommand } from '@aws-sdk/client-cloudformation';
import { client, type Endpoint, uniqueName, waitFor } from '../support/aws.ts';

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
