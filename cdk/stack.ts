import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CertRenewer, type CertRenewerProps } from './cert-renewer.ts';

export interface CertRenewerStackProps extends StackProps {
  readonly config: CertRenewerProps;
}

/** A stack with a CertRenewer and the outputs of contract section 4. */
export class CertRenewerStack extends Stack {
  readonly renewer: CertRenewer;

  constructor(scope: Construct, id: string, { config, ...props }: CertRenewerStackProps) {
    super(scope, id, { description: 'cert-renewer: renews the certificates in tagged secrets', ...props });
    this.renewer = new CertRenewer(this, 'CertRenewer', config);
    const { scanFunction, renewFunction, queue, deadLetterQueue, eventBus } = this.renewer;
    // Directly under the stack: these names are the contract's, and no prefix may come before them.
    new CfnOutput(this, 'ScanFunctionName', { value: scanFunction.functionName });
    new CfnOutput(this, 'RenewFunctionName', { value: renewFunction.functionName });
    new CfnOutput(this, 'RenewalQueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: deadLetterQueue.queueUrl });
    new CfnOutput(this, 'EventBusName', { value: eventBus.eventBusName });
  }
}
