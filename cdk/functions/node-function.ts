/** One of the product's Lambda functions: bundle, log group, role, function. */
import { join } from 'node:path';
import { type Duration, RemovalPolicy, Stack, Stage, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundle } from './bundle.ts';
import type { Placement } from './network.ts';

export interface NodeFunctionProps {
  /** File of lambdas/functions/ that exports `handler`, by its name there. */
  readonly entry: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MB. */
  readonly memorySize: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
  readonly placement: Placement | undefined;
  /** @default CloudFormation's choice */
  readonly roleName?: string | undefined;
}

export class NodeFunction extends Construct {
  readonly function: LambdaFunction;
  /** Has what is granted to it and nothing from AWS's managed policies. */
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

  /** One place for all functions of an entry: the CDK hashes an asset once a place. Source maps stay in cdk.out. */
  private bundled(entry: string, name: string): Code {
    const outdir = join(Stage.of(this)?.outdir ?? 'cdk.out', 'bundles', name);
    bundle(entry, outdir);
    return Code.fromAsset(outdir, { exclude: ['*.map'] });
  }

  /** What Lambda needs to reach into a VPC; AWS knows no narrower resource for these. */
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
      'Lambda has to make network interfaces in the VPC, and EC2 names no resource for it.',
    );
  }
}

/**
 * Tells cdk-nag why a policy of this construct has wildcards: `resources` as the template has them, with tokens.
 * Nothing else depends on it.
 */
export function acknowledgeWildcards(scope: Construct, resources: readonly string[], reason: string): void {
  for (const resource of resources) {
    Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${nagText(scope, resource)}]`, reason });
  }
}

/** cdk-nag writes `arn:<AWS::Partition>:…` and `<LogicalId.Arn>` for what CloudFormation fills in. */
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
