/** The network of the functions, for a CA in a private network. */
import { Annotations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { VpcOptions } from '../config/options.ts';

/** The VPC options of a Lambda function. */
export interface Placement {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

/** A VPC of the app, for the functions that call a CA. */
export interface VpcPlacement {
  /** The VPC. */
  readonly vpc: IVpc | Vpc; // With exactOptionalPropertyTypes, the CDK's classes do not satisfy its interfaces.
  /**
   * The subnets.
   * @default the private subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * The security groups.
   * @default a new group, which allows all outbound and no inbound traffic
   */
  readonly securityGroups?: readonly ISecurityGroup[];
}

/**
 * Returns the VPC options of the functions; undefined outside of any VPC. The interface endpoints are not created here, because a VPC can
 * have each of them only once.
 */
export function placementOf(scope: Construct, given: VpcOptions | VpcPlacement | undefined): Placement | undefined {
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
    // Only the number of zones counts: a Lambda function names subnets, not zones.
    availabilityZones: given.subnetIds.map((_, index) => `zone-${index}`),
    privateSubnetIds: [...given.subnetIds],
  });
  // A Lambda function does not use the route table ids.
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
    description: 'cert-renewer: out to AWS and the CA, nothing in', // Another text would replace the group.
  });
}
