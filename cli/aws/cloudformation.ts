/** The stack, from CloudFormation. */
import { CloudFormationClient, DescribeStacksCommand, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';

export interface Stack {
  readonly name: string;
  readonly arn: string;
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** CloudFormation's value: `UPDATE_COMPLETE`. */
  readonly status: string;
  readonly updatedAt: Instant | undefined;
  readonly outputs: ReadonlyMap<string, string>;
}

/** Returns undefined if there is no stack of that name, or if its first change set was never executed. Throws AccessDenied, Throttled. */
export async function describeStack(options: AwsOptions, name: string): Promise<Stack | undefined> {
  const client = new CloudFormationClient(clientConfig(options));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const [found] = Stacks;
    if (!found || found.StackStatus === 'REVIEW_IN_PROGRESS') return undefined;
    const arn = found.StackId ?? '';
    const [, partition = 'aws', , region = '', account = ''] = arn.split(':');
    return {
      ...{ name: found.StackName ?? name, arn, partition, region, account },
      status: found.StackStatus ?? '',
      updatedAt: (found.LastUpdatedTime ?? found.CreationTime)?.getTime(),
      outputs: new Map((found.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue])),
    };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ValidationError' && / does not exist/.test(thrown.message)) {
      return undefined;
    }
    throw awsError(thrown, { service: 'cloudformation', action: 'DescribeStacks', resource: name });
  }
}

export interface StackResource {
  /** `AWS::Scheduler::Schedule` */
  readonly type: string;
  /** The name in the template: the construct's path and a hash. */
  readonly logicalId: string;
  /** The physical id. */
  readonly id: string;
}

/** Returns all resources of the stack. Throws AccessDenied, Throttled. */
export async function listResources(options: AwsOptions, name: string): Promise<readonly StackResource[]> {
  const client = new CloudFormationClient(clientConfig(options));
  const found: StackResource[] = [];
  try {
    let token: string | undefined;
    do {
      const page = new ListStackResourcesCommand({ StackName: name, ...(token !== undefined && { NextToken: token }) });
      const { StackResourceSummaries = [], NextToken } = await client.send(page);
      found.push(
        ...StackResourceSummaries.map(
          ({ ResourceType: type = '', LogicalResourceId: logicalId = '', PhysicalResourceId: id = '' }) => ({
            type,
            logicalId,
            id,
          }),
        ),
      );
      token = NextToken;
    } while (token !== undefined);
    return found;
  } catch (thrown) {
    throw awsError(thrown, { service: 'cloudformation', action: 'ListStackResources', resource: name });
  }
}
