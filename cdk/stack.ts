import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CertRenewer, type CertRenewerProps } from './cert-renewer.ts';
import { outputPrefix } from './config/authority-config.ts';
import { isToken } from './config/token.ts';
import { arnOf } from './functions/permissions.ts';

export interface CertRenewerStackProps extends StackProps {
  readonly config: CertRenewerProps;
}

/** A stack with a CertRenewer and its outputs. */
export class CertRenewerStack extends Stack {
  readonly renewer: CertRenewer;

  constructor(scope: Construct, id: string, { config, ...props }: CertRenewerStackProps) {
    super(scope, id, { description: 'cert-renewer: renews the certificates in tagged secrets', ...props });
    this.renewer = new CertRenewer(this, 'CertRenewer', config);
    const { scanFunction, renewFunction, queue, deadLetterQueue, eventBus } = this.renewer;
    // Directly under the stack: README.md gives these names, and no prefix may come before them.
    new CfnOutput(this, 'ScanFunctionName', { value: scanFunction.functionName });
    new CfnOutput(this, 'RenewFunctionName', { value: renewFunction.functionName });
    new CfnOutput(this, 'RenewalQueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: deadLetterQueue.queueUrl });
    new CfnOutput(this, 'EventBusName', { value: eventBus.eventBusName });
    this.authorityOutputs();
  }

  /** What a later stack imports an authority by: `issuing` has IssuingSecretArn and IssuingKeyArn. */
  private authorityOutputs(): void {
    const { authorities, caApiUrl, trustBundle } = this.renewer;
    if (caApiUrl !== undefined) new CfnOutput(this, 'CaApiUrl', { value: caApiUrl });
    if (trustBundle) new CfnOutput(this, 'TrustBundleSecretArn', { value: trustBundle.secretArn });
    for (const [name, { secretId, keyArn }] of authorities) {
      const prefix = outputPrefix(name);
      new CfnOutput(this, `${prefix}SecretArn`, { value: wholeArn(this, secretId) });
      if (keyArn !== undefined) new CfnOutput(this, `${prefix}KeyArn`, { value: keyArn });
    }
  }
}

/** Of an imported secret that is known by name the ARN lacks the six random characters; Secrets Manager finds it all the same. */
function wholeArn(stack: Stack, secretId: string): string {
  if (isToken(secretId) || secretId.startsWith('arn:')) return secretId;
  return arnOf(stack, 'secretsmanager', 'secret', secretId);
}
