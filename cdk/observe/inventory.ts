/** The function that shows the certificates on the dashboard. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Authorities } from '../authorities/authorities.ts';
import type { Profiles } from '../config/profiles.ts';
import { NodeFunction, type NodeFunctionProps } from '../functions/node-function.ts';
import { allowParameters, allowScan } from '../functions/permissions.ts';

export interface InventoryProps extends Pick<NodeFunctionProps, 'environment' | 'logRetention' | 'placement'> {
  readonly renewFunctionArn: string;
  readonly profiles: Profiles;
  /** Undefined in a stack without authorities. */
  readonly authorities: Authorities | undefined;
}

/** A function with the scan's permissions to list names and tags. It writes nothing. */
export class Inventory extends NodeFunction {
  constructor(
    scope: Construct,
    id: string,
    { renewFunctionArn, profiles, authorities, environment, ...shared }: InventoryProps,
  ) {
    super(scope, id, {
      ...shared,
      entry: 'show-inventory.ts',
      // The name of the stack is for the commands in the widget.
      environment: { ...environment, RENEW_FUNCTION_ARN: renewFunctionArn, STACK_NAME: Stack.of(scope).stackName },
      description: 'Shows the certificates on the dashboard, from tags only',
      timeout: Duration.minutes(1),
      memorySize: 512,
    });
    allowScan(this.role);
    allowParameters(this.role, 'Profiles', profiles.prefix);
    authorities?.allowScan(this);
    this.function.node.addDependency(...profiles.parameters, ...(authorities?.parameters ?? []));
  }
}
