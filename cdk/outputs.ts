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

/** The resources of a CertRenewer, under the names of its properties. */
export interface OutputsProps {
  readonly scanFunction: IFunction;
  readonly renewFunction: IFunction;
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly eventBus: IEventBus;
  readonly caApiUrl: string | undefined;
  readonly trustBundle: ISecret | undefined;
  readonly authorities: ReadonlyMap<string, ICertificateAuthority>;
}

export class Outputs extends Construct {
  constructor(scope: Construct, id: string, props: OutputsProps) {
    super(scope, id);
    const { scanFunction, renewFunction, queue, deadLetterQueue, eventBus, caApiUrl, trustBundle, authorities } = props;
    this.add('ScanFunctionName', scanFunction.functionName);
    this.add('RenewFunctionName', renewFunction.functionName);
    this.add('RenewalQueueUrl', queue.queueUrl);
    this.add('DeadLetterQueueUrl', deadLetterQueue.queueUrl);
    this.add('EventBusName', eventBus.eventBusName);
    if (caApiUrl !== undefined) this.add('CaApiUrl', caApiUrl);
    if (trustBundle) this.add('TrustBundleSecretArn', trustBundle.secretArn);
    // A later stack needs these to import an authority: `issuing` has IssuingSecretArn and IssuingKeyArn.
    for (const [name, { secretId, keyArn }] of authorities) {
      const prefix = outputPrefix(name);
      this.add(`${prefix}SecretArn`, wholeArn(Stack.of(this), secretId));
      if (keyArn !== undefined) this.add(`${prefix}KeyArn`, keyArn);
    }
  }

  /** Creates an output with its documented name. By default the CDK puts the construct's path before it. */
  private add(name: string, value: string): void {
    new CfnOutput(this, name, { value }).overrideLogicalId(name);
  }
}

/** Returns a secret's ARN. If only the name is known, the ARN lacks the six random characters; Secrets Manager accepts it so. */
function wholeArn(stack: Stack, secretId: string): string {
  if (isToken(secretId) || secretId.startsWith('arn:')) return secretId;
  return arnOf(stack, 'secretsmanager', 'secret', secretId);
}
