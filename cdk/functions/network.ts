/** Where the functions run when a CA is in a private network. */
import { Annotations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { Config } from '../config/config.ts';

export interface Placement {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

/** The VPC of an app's own, in place of the ids that a file can name. */
export interface VpcPlacement {
  readonly vpc: IVpc | Vpc; // to a compiler with exactOptionalPropertyTypes the library's classes are not its interfaces
  /** @default the private subnets */
  readonly vpcSubnets?: SubnetSelection;
  /** @default one of its own, which lets everything out and nothing in */
  readonly securityGroups?: readonly ISecurityGroup[];
}

/**
 * Undefined: outside of any VPC. Inside one the functions reach AWS through NAT, or through interface endpoints for
 * secretsmanager, kms, ssm, events and sqs; these are not made here, as a VPC can have each of them once only.
 */
export function placementOf(scope: Construct, given: Config['vpc'] | VpcPlacement): Placement | undefined {
  if (given === undefined) return undefined;
  if (!('vpcId' in given)) {
    const { vpc, vpcSubnets, securityGroups } = given;
    return {
      vpc: vpc as IVpc,
      ...(vpcSubnets && { vpcSubnets }),
      securityGroups: securityGroups ? [...securityGroups] : [ownSecurityGroup(scope, vpc as IVpc)],
    };
  }
  const vpc = Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId: given.vpcId,
    // Only the number counts: a Lambda takes subnets, and their zones are not asked for.
    availabilityZones: given.subnetIds.map((_, index) => `zone-${index}`),
    privateSubnetIds: given.subnetIds,
  });
  // A Lambda does not ask for a subnet's routes.
  Annotations.of(vpc).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
  return {
    vpc,
    vpcSubnets: { subnets: vpc.privateSubnets },
    securityGroups: given.securityGroupIds?.map((id, index) =>
      SecurityGroup.fromSecurityGroupId(scope, `SecurityGroup${index}`, id),
    ) ?? [ownSecurityGroup(scope, vpc)],
  };
}

function ownSecurityGroup(scope: Construct, vpc: IVpc): SecurityGroup {
  return new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'cert-renewer: out to AWS and the CA, nothing in',
  });
}
