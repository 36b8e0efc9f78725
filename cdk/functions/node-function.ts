/** A Lambda function of the product: bundle, log group, role, function. */
import { join } from 'node:path';
import { type Duration, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import { bundle } from './bundle.ts';
import type { Placement } from './network.ts';

export interface NodeFunctionProps {
  /** Name of the file in lambdas/functions/ that exports `handler`. */
  readonly entry: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MB. */
  readonly memorySize: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
  readonly placement: Placement | undefined;
  /** @default CloudFormation chooses the name */
  readonly roleName?: string | undefined;
}

/** A Lambda function with its own role and log group. */
export class NodeFunction extends Construct {
  readonly function: LambdaFunction;
  /** The function's role, without AWS managed policies. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    super(scope, id);
    const name = props.entry.replace(/^.*\/|\.ts$/g, '');
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `${props.description} (cert-renewer)`,
      ...(props.roleName !== undefined && { roleName: props.roleName }),
    });
    logGroup.grantWrite(this.role);
    if (props.placement) this.allowNetworkInterfaces();
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: `${name}.handler`,
      code: this.bundled(props.entry, name),
      role: this.role,
      timeout: props.timeout,
      memorySize: props.memorySize,
      environment: {
        ...props.environment,
        POWERTOOLS_SERVICE_NAME: 'cert-renewer',
        POWERTOOLS_METRICS_NAMESPACE: 'CertRenewer',
      },
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...props.placement,
    });
  }

  /** Bundles an entry into one folder for all its functions: the CDK hashes each folder once. Source maps stay in cdk.out. */
  private bundled(entry: string, name: string): Code {
    const outdir = join(Stage.of(this)?.outdir ?? 'cdk.out', 'bundles', name);
    bundle(entry, outdir);
    return Code.fromAsset(outdir, { exclude: ['*.map'] });
  }

  /** Gives the role what Lambda needs in a VPC. EC2 has no narrower resource for these actions. */
  private allowNetworkInterfaces(): void {
    this.role.addToPolicy(
      new PolicyStatement({
        sid: 'NetworkInterfaces',
        actions: [
          'ec2:CreateNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:DeleteNetworkInterface',
          'ec2:AssignPrivateIpAddresses',
          'ec2:UnassignPrivateIpAddresses',
        ],
        resources: ['*'],
      }),
    );
    acknowledgeWildcards(
      this,
      ['*'],
      'Lambda must create network interfaces in the VPC; EC2 has no narrower resource for that.',
    );
  }
}

/** Acknowledges wildcards in policies of this construct, for cdk-nag only. `resources` are those of the template, with tokens. */
export function acknowledgeWildcards(scope: Construct, resources: readonly string[], reason: string): void {
  for (const resource of resources) {
    acknowledge(scope, `AwsSolutions-IAM5[Resource::${nagText(scope, resource)}]`, reason);
  }
}

/** Writes tokens as cdk-nag does: `arn:<AWS::Partition>:…`, `<LogicalId.Arn>`. */
function nagText(scope: Construct, text: string): string {
  const resolved: unknown = Stack.of(scope).resolve(text);
  const part = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const { Ref: ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
    return `<${ref ?? attribute?.join('.') ?? ''}>`;
  };
  const join =
    typeof resolved === 'object' && resolved !== null && 'Fn::Join' in resolved ? resolved['Fn::Join'] : undefined;
  return Array.isArray(join) ? (join[1] as unknown[]).map(part).join('') : part(resolved);
}
