/** A second stack, of another team. It declares a certificate, reads it, and lets a role declare more by hand. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { CertRenewer } from '../../cdk/cert-renewer.ts';
import { Certificate } from '../../cdk/certificates/certificate.ts';

export interface ReaderStackProps extends StackProps {
  readonly renewer: CertRenewer;
  /** A profile that allows reader.svc.example. */
  readonly profile: string;
}

export class ReaderStack extends Stack {
  constructor(scope: Construct, id: string, { renewer, profile, ...props }: ReaderStackProps) {
    super(scope, id, props);
    const certificate = new Certificate(this, 'Web', { renewer, profile, dnsNames: ['reader.svc.example'] });
    const role = (name: string) => new Role(this, name, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const [reader, stranger, declarer] = [role('Reader'), role('Stranger'), role('Declarer')];
    certificate.grantRead(reader);
    renewer.grantDeclare(declarer);
    new CfnOutput(this, 'SecretArn', { value: certificate.secret.secretArn });
    new CfnOutput(this, 'SecretName', { value: certificate.secretName });
    new CfnOutput(this, 'ReaderRoleArn', { value: reader.roleArn });
    new CfnOutput(this, 'StrangerRoleArn', { value: stranger.roleArn });
    new CfnOutput(this, 'DeclarerRoleArn', { value: declarer.roleArn });
  }
}
