/** A declared certificate of a CDK app. */
import { type CustomResource, Names, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { CertificateOptions } from '../config/options.ts';
import type { ICertRenewer } from './binding.ts';
import { declare } from './declarations.ts';
import { throughSecrets } from './permissions.ts';

/** The declaration of a certificate: the fields of an entry of `certificates`, and the renewer. At least one name is needed. */
export interface CertificateProps extends Omit<CertificateOptions, 'encryptionKey'> {
  /** The CertRenewer that issues and renews the certificate. It may be in another stack of the same account and Region. */
  readonly renewer: ICertRenewer;
  /**
   * The customer key, or its ARN, that the secret is encrypted with. Its policy must delegate to IAM. If you change or remove it later,
   * name the old key in the renewer's encryptionKeys for that deployment.
   * @default the key aws/secretsmanager
   */
  readonly encryptionKey?: IKey | Key | string | undefined;
  /**
   * The secret's name. It must not be a token. Another name later means another secret.
   * @default a name made from the construct's path
   */
  readonly secretName?: string | undefined;
}

/**
 * A declared certificate. The deployment creates its secret and has it issued; the schedule renews it. When the declaration changes, the
 * certificate is issued again. The secret is retained when this construct or the stack is deleted.
 */
export class Certificate extends Construct {
  /** The secret with the certificate. Resources that refer to it are deployed after the certificate is issued. */
  readonly secret: ISecret;
  /** The secret's name, a token. Resources that refer to it are deployed after the certificate is issued. */
  readonly secretName: string;

  /** Throws ConfigError for a bad value, and if the profile or its CA does not allow the certificate. */
  constructor(scope: Construct, id: string, props: CertificateProps) {
    super(scope, id);
    const { renewer, secretName, encryptionKey, ...fields } = props;
    const name = secretName ?? Names.uniqueResourceName(this, { maxLength: 512, separator: '-' });
    const keyArn = typeof encryptionKey === 'object' ? encryptionKey.keyArn : encryptionKey;
    const given = Object.entries({ ...fields, encryptionKey: keyArn }).filter(([, value]) => value !== undefined);
    // The same fields without those that are undefined; Object.fromEntries loses their types.
    const entry = Object.fromEntries(given) as unknown as CertificateOptions;
    const { serviceToken, configHash, dependencies } = renewer.bindCertificate(this, name, entry);
    const certificates = Stack.of(this).toJsonString({ [name]: entry });
    const resource = declare(this, 'Declared', { serviceToken, configHash, certificates });
    resource.node.addDependency(...dependencies);
    this.secret = this.secretOf(resource, encryptionKey);
    this.secretName = resource.getAttString('SecretName');
  }

  /** Lets a role read the secret's value, and use the secret's customer key, if it has one. The policy of that key must delegate to IAM. */
  grantRead(grantee: IGrantable): Grant {
    const reading = this.secret.grantRead(grantee);
    const { encryptionKey } = this.secret;
    if (!encryptionKey) return reading;
    // The CDK adds the right to the key's policy, which is not possible for an imported key.
    const { actions, resources, conditions } = throughSecrets(this, [encryptionKey.keyArn], ['kms:Decrypt']);
    return reading.combine(Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions }));
  }

  private secretOf(resource: CustomResource, encryptionKey: CertificateProps['encryptionKey']): ISecret {
    const key =
      typeof encryptionKey === 'string' ? Key.fromKeyArn(this, 'EncryptionKey', encryptionKey) : encryptionKey;
    return Secret.fromSecretAttributes(this, 'Secret', {
      secretCompleteArn: resource.getAttString('SecretArn'),
      ...(key && { encryptionKey: key as IKey }), // class and interface differ only in optional properties
    });
  }
}
