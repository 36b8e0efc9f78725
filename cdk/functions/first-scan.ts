/** The first scan of a stack, right after its deployment: the schedule's own may be a day away. */
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

export class FirstScan extends Construct {
  constructor(scope: Construct, id: string, { scanFunction, logRetention }: FirstScanProps) {
    super(scope, id);
    // Outside of any VPC: it has to reach CloudFormation's address in S3.
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
