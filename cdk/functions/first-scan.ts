/** The first scan of a stack, at the end of its deployment. The first scan of the schedule may be a day later. */
import { CustomResource, Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allowInvoke } from '../hooks/hook-permissions.ts';
import { NodeFunction } from './node-function.ts';

export interface FirstScanProps {
  readonly scanFunction: IFunction;
  readonly logRetention: RetentionDays;
}

/** A custom resource that starts a scan once. */
export class FirstScan extends Construct {
  constructor(scope: Construct, id: string, { scanFunction, logRetention }: FirstScanProps) {
    super(scope, id);
    // Outside of any VPC: it must reach CloudFormation's address in S3.
    const starter = new NodeFunction(this, 'Starter', {
      entry: 'start-first-scan.ts',
      description: 'Starts the first scan of the stack',
      timeout: Duration.minutes(2),
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: { SCAN_FUNCTION_ARN: scanFunction.functionArn },
    });
    allowInvoke(starter.role, scanFunction.functionArn);
    const started = new CustomResource(this, 'Started', {
      resourceType: 'Custom::CertRenewerFirstScan',
      serviceToken: starter.function.functionArn,
      serviceTimeout: Duration.minutes(3),
    });
    started.node.addDependency(starter);
  }
}
