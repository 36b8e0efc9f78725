/** A certificate authority of the stack's own: its key, its secret and what the functions know of it. */
import { RemovalPolicy, SecretValue, Stack, Validations } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeyUsage, type KeySpec as KmsKeySpec } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { parseDuration } from '../../lambdas/domain/duration.ts';
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { AuthorityDocument } from '../../lambdas/policy/authority.ts';
import { algorithmOf, kmsKeySpec } from '../../lambdas/x509/algorithms.ts';
import { readCaConfig } from '../config/authority-config.ts';
import type { AuthorityConfig } from '../config/config-schema.ts';
import { configPath } from '../config/explain.ts';
import { checkParameterSize } from '../config/parameter-size.ts';
import { signerRolePattern } from './signer-role.ts';

export interface CertificateAuthorityProps {
  readonly name: string;
  /** Valid (authority-config.ts). */
  readonly config: AuthorityConfig;
  /** Where its parameter goes; ends in a slash. */
  readonly parameterPrefix: string;
}

/**
 * With `create` the KMS key and the secret are made here and outlive the stack, and the first certificate is signed by
 * lambdas/functions/create-authority.ts (authorities.ts). Without, both are somebody else's.
 */
export class CertificateAuthority extends Construct {
  readonly name: string;
  /** ARN or name of the secret with the CA certificate. */
  readonly secretId: string;
  /** Undefined where the key is in the secret. */
  readonly keyArn: string | undefined;
  /** The SSM parameter that the functions read. */
  readonly parameter: CfnParameter;
  /** The parameter's value, with tokens. */
  readonly document: AuthorityDocument;

  constructor(scope: Construct, id: string, { name, config, parameterPrefix }: CertificateAuthorityProps) {
    super(scope, id);
    this.name = name;
    const made = config.create && { key: this.newKey(config.create.key), secret: this.newSecret() };
    // One of both is there: validated.
    this.secretId = made?.secret.secretArn ?? config.secretId ?? '';
    this.keyArn = made?.key.keyArn ?? config.kmsKeyArn;
    this.document = documentOf(config, this.secretId, this.keyArn);
    const value = Stack.of(this).toJsonString(this.document);
    checkParameterSize(this, value, {
      path: configPath('authorities', name),
      what: 'an authority',
      with: 'with its name constraints and the claims of its caConfig',
      todo: 'permit or exclude fewer names, or keep only the provisioners that issue leaves to be renewed',
    });
    this.parameter = new CfnParameter(this, 'Parameter', {
      name: `${parameterPrefix}${name}`,
      type: 'String',
      tier: 'Intelligent-Tiering',
      value,
      description: `cert-renewer: the authority ${name}`,
    });
  }

  /**
   * A key that signs and does nothing else. The account may look after it by IAM, but its Sign is for roles of
   * cert-renewer alone, and for those of them that IAM lets use it.
   */
  private newKey(kind: string): Key {
    const spec = keySpecOf(kind);
    const { kmsSigningAlgorithm, kmsMessageType } = algorithmOf(spec);
    const account = new AccountRootPrincipal();
    const policy = new PolicyDocument({
      statements: [
        new PolicyStatement({
          sid: 'Administration',
          principals: [account],
          actions: administration,
          resources: ['*'],
        }),
        new PolicyStatement({
          sid: 'SignByCertRenewer',
          principals: [account],
          actions: ['kms:Sign'],
          resources: ['*'],
          conditions: {
            ArnLike: { 'aws:PrincipalArn': signerRolePattern(this) },
            StringEquals: { 'kms:SigningAlgorithm': kmsSigningAlgorithm, 'kms:MessageType': kmsMessageType },
          },
        }),
      ],
    });
    return new Key(this, 'Key', {
      description: `cert-renewer: the key of the authority ${this.name}`,
      keySpec: kmsKeySpec(spec) as KmsKeySpec, // its values are KMS's names
      keyUsage: KeyUsage.SIGN_VERIFY,
      policy,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /** Without a certificate at first. No property may change later: CloudFormation would write the value again. */
  private newSecret(): Secret {
    const secret = new Secret(this, 'Secret', {
      description: `cert-renewer: the certificate of the authority ${this.name}`,
      secretStringValue: SecretValue.unsafePlainText('{}'),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'cert-renewer renews the certificate in it; the key is in KMS.',
    });
    return secret;
  }
}

/** What the account's administrators may do by IAM: all that makes no signature, and gives nobody the right to one. */
const administration = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:Describe*',
  'kms:DisableKey',
  'kms:EnableKey',
  'kms:Get*',
  'kms:List*',
  'kms:PutKeyPolicy',
  'kms:RevokeGrant',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
];

/** `EC P-384`, `RSA 3072`: what the schema lets through. */
function keySpecOf(kind: string): KeySpec {
  const [kty, rest = ''] = kind.split(' ');
  return kty === 'RSA' ? { kty, size: Number(rest) } : { kty: 'EC', curve: rest as 'P-256' | 'P-384' | 'P-521' };
}

function documentOf(config: AuthorityConfig, secretId: string, kmsKeyArn: string | undefined): AuthorityDocument {
  const { passwordSecretId, parent, disabled, create, caConfig } = config;
  const claims = caConfig === undefined ? undefined : readCaConfig(caConfig, process.cwd());
  return {
    secretId,
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    ...(passwordSecretId !== undefined && { passwordSecretId }),
    ...(parent !== undefined && { parent }),
    ...(disabled !== undefined && { disabled }),
    ...(claims && {
      backdate: claims.backdate,
      claims: { ...claims.claims },
      provisionerClaims: Object.fromEntries(claims.provisionerClaims),
    }),
    ...(create && {
      create: {
        subject: create.subject,
        validity: parseDuration(create.validity, 'validity', 'InvalidRequest'),
        ...(create.pathLen !== undefined && { pathLength: create.pathLen }),
        ...(create.nameConstraints && { nameConstraints: create.nameConstraints }),
      },
    }),
  };
}
