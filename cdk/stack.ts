import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CertRenewer, type CertRenewerProps } from './cert-renewer.ts';

/** The options of a stack with a CertRenewer. */
export interface CertRenewerStackProps extends StackProps {
  /** The options of the CertRenewer. */
  readonly config: CertRenewerProps;
}

/** A stack with one CertRenewer and nothing else: the stack of `cert-renewer deploy`. */
export class CertRenewerStack extends Stack {
  /** The stack's CertRenewer. */
  readonly renewer: CertRenewer;

  /** Throws ConfigError, as the constructor of CertRenewer does. */
  constructor(scope: Construct, id: string, { config, ...props }: CertRenewerStackProps) {
    super(scope, id, { description: 'cert-renewer: renews the certificates in tagged secrets', ...props });
    this.renewer = new CertRenewer(this, 'CertRenewer', config);
  }
}
