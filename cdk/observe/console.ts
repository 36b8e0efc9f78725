/** Addresses of the AWS console. */
import { Aws, CfnCondition, Fn, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** The console of each partition that has a public one. */
const consoles = {
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
  'aws-eusc': 'console.amazonaws-eusc.eu',
  aws: 'console.aws.amazon.com',
} as const;

type Partition = keyof typeof consoles;
const isPartition = (name: string): name is Partition => Object.hasOwn(consoles, name);

/**
 * Returns the address of a dashboard. Without a Region of the stack the deployment decides on the partition, by conditions that this
 * creates in `scope`. So the address may be used in the same stack only.
 */
export function dashboardUrl(scope: Construct, dashboardName: string): string {
  const { region } = Stack.of(scope);
  return `https://${region}.${consoleOf(scope)}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}

function consoleOf(scope: Construct): string {
  const { partition } = Stack.of(scope);
  if (!Token.isUnresolved(partition)) return isPartition(partition) ? consoles[partition] : consoles.aws;
  const { aws, ...others } = consoles;
  return Object.entries(others).reduce((otherwise, [name, host]) => {
    const expression = Fn.conditionEquals(Aws.PARTITION, name);
    const { logicalId } = new CfnCondition(scope, `In-${name}`, { expression });
    return Fn.conditionIf(logicalId, host, otherwise).toString();
  }, aws as string);
}
