/** The rule for the ends of deployments of ECS services, on the account's default bus. */
import { Stack } from 'aws-cdk-lib';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';

/**
 * Returns ARNs in the long format. Services from before 2021 may have a short one, and can be migrated.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-arn-migration.html
 */
export function serviceArns(scope: Construct, services: readonly string[]): readonly string[] {
  const stack = Stack.of(scope);
  return [...new Set(services)].map((name) =>
    stack.formatArn({ service: 'ecs', resource: 'service', resourceName: name }),
  );
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html */
export function deploymentEnds(arns: readonly string[]): EventPattern {
  return {
    source: ['aws.ecs'],
    detailType: ['ECS Deployment State Change'],
    resources: [...arns],
    detail: { eventName: ['SERVICE_DEPLOYMENT_COMPLETED', 'SERVICE_DEPLOYMENT_FAILED'] },
  };
}

/** An ARN in the longest partition and Region, which are not known at synthesis. */
const longest = 'arn:aws-us-gov:ecs:us-isof-south-1:111122223333:service/';

/** Returns the length of the pattern for these services in JSON, at most. */
export function patternLength(services: readonly string[]): number {
  const pattern = deploymentEnds([...new Set(services)].map((name) => `${longest}${name}`));
  return JSON.stringify(pattern).length + '-'.length; // detail-type
}
