/** The outputs of the stack. The command line finds the stack's functions, queues and bus by their names. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ICertificateAuthority } from './authorities/authority-interface.ts';
import { outputPrefix } from './config/authority-config.ts';
import { isToken } from './config/token.ts';
import { arnOf } from './functions/permissions.ts';
import { dashboardUrl } from './observe/console.ts';

/** The resources of a CertRenewer, under the names of its properties. */
export interface OutputsProps {
  readonly scanFunction: IFunction;
  readonly renewFunction: IFunction;
  /** Undefined without `probe`. */
  readonly probeFunction: IFunction | undefined;
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly eventBus: IEventBus;
  /** Undefined without a dashboard. */
  readonly dashboardName: string | undefined;
  readonly caApiUrl: string | undefined;
  readonly trustBundle: ISecret | undefined;
  readonly authorities: ReadonlyMap<string, ICertificateAuthority>;
}

export class Outputs extends Construct {
  constructor(scope: Construct, id: string, props: OutputsProps) {
    super(scope, id);
    const { scanFunction, renewFunction, probeFunction, queue, deadLetterQueue, eventBus, dashboardName } = props;
    this.add('ScanFunctionName', scanFunction.functionName, 'The function that finds the certificates that are due');
    this.add('RenewFunctionName', renewFunction.functionName, 'The function that renews one certificate on demand');
    if (probeFunction) {
      this.add(
        'ProbeFunctionName',
        probeFunction.functionName,
        'The function that looks whether servers present the new certificates',
      );
    }
    this.add('RenewalQueueUrl', queue.queueUrl, 'The queue between the two: the certificates that are to be renewed');
    this.add('DeadLetterQueueUrl', deadLetterQueue.queueUrl, 'The messages of renewals that failed three times');
    this.add('EventBusName', eventBus.eventBusName, 'The bus with the events, such as Certificate Renewed');
    if (dashboardName !== undefined) {
      this.add(
        'DashboardUrl',
        dashboardUrl(this, dashboardName),
        'The dashboard in CloudWatch: alarms and certificates',
      );
    }
    this.addAuthorities(props);
  }

  private addAuthorities({ caApiUrl, trustBundle, authorities }: OutputsProps): void {
    if (caApiUrl !== undefined) this.add('CaApiUrl', caApiUrl, 'The HTTP API that renews the authorities');
    if (trustBundle) {
      this.add(
        'TrustBundleSecretArn',
        trustBundle.secretArn,
        'The secret with the roots of the authorities, for clients',
      );
    }
    // A later stack needs these to import an authority: `issuing` has IssuingSecretArn and IssuingKeyArn.
    for (const [name, { secretId, keyArn }] of authorities) {
      const prefix = outputPrefix(name);
      const arn = wholeArn(Stack.of(this), secretId);
      this.add(`${prefix}SecretArn`, arn, `The secret with the certificate of the authority ${name}`);
      if (keyArn !== undefined) this.add(`${prefix}KeyArn`, keyArn, `The key of the authority ${name}, in KMS`);
    }
  }

  /** Creates an output with its documented name. By default the CDK puts the construct's path before it. */
  private add(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description }).overrideLogicalId(name);
  }
}

/** Returns a secret's ARN. If only the name is known, the ARN lacks the six random characters; Secrets Manager accepts it so. */
function wholeArn(stack: Stack, secretId: string): string {
  if (isToken(secretId) || secretId.startsWith('arn:')) return secretId;
  return arnOf(stack, 'secretsmanager', 'secret', secretId);
}
