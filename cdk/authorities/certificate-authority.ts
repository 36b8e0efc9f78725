/** A certificate authority of the stack: its key, its secret, and the parameter that the functions read. */
import { RemovalPolicy, SecretValue, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeyUsage, type KeySpec as KmsKeySpec } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { authorityDescription } from '../../lambdas/domain/authority.ts';
import { parseDuration } from '../../lambdas/domain/duration.ts';
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { AuthorityDocument } from '../../lambdas/policy/authority.ts';
import { algorithmOf, kmsKeySpec } from '../../lambdas/x509/algorithms.ts';
import { acknowledge } from '../acknowledge.ts';
import { readCaConfig } from '../config/authority-config.ts';
import type { AuthorityConfig } from '../config/config-schema.ts';
import { configPath } from '../config/explain.ts';
import { checkParameterSize } from '../config/parameter-size.ts';
import type { ICertificateAuthority } from './authority-interface.ts';
import { signerRolePattern } from './signer-role.ts';

/** The options of a CertificateAuthority. */
export interface CertificateAuthorityProps {
  /** Name of the authority in the configuration. */
  readonly name: string;
  /** Checked by authority-config.ts. */
  readonly config: AuthorityConfig;
  /** Prefix of the parameter's name, with a slash at its end. */
  readonly parameterPrefix: string;
}

/**
 * A certificate authority of the stack. With `create`, the stack creates its KMS key, its secret and its first certificate; key and secret
 * are retained when the stack is deleted. Without `create`, key and secret exist already.
 */
export class CertificateAuthority extends Construct implements ICertificateAuthority {
  readonly name: string;
  readonly secretId: string;
  readonly keyArn: string | undefined;
  /** The SSM parameter from which the functions read the authority. */
  readonly parameter: CfnParameter;
  /** The value of `parameter`, which may contain tokens. */
  readonly document: AuthorityDocument;

  /** Throws ConfigError if the parameter would be larger than 8 KB. */
  constructor(scope: Construct, id: string, { name, config, parameterPrefix }: CertificateAuthorityProps) {
    super(scope, id);
    this.name = name;
    const made = config.create && { key: this.newKey(config.create.key), secret: this.newSecret() };
    // authority-config.ts has checked that one of the two is set.
    this.secretId = made?.secret.secretArn ?? config.secretId ?? '';
    this.keyArn = made?.key.keyArn ?? config.kmsKeyArn;
    this.document = documentOf(config, this.secretId, this.keyArn);
    const value = Stack.of(this).toJsonString(this.document);
    checkParameterSize(this, value, {
      path: configPath('authorities', name),
      what: 'an authority',
      with: 'with its name constraints and the claims of its caConfig',
      todo: 'permit or exclude fewer names, or keep only the provisioners whose certificates are to be renewed',
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
   * Creates a signing key. IAM decides who may administer it. Only roles of cert-renewer may call kms:Sign, and only if IAM allows it too.
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

  /**
   * Creates the secret, without a certificate at first. Its properties must not change in a later version: CloudFormation would write
   * the first value again.
   */
  private newSecret(): Secret {
    const secret = new Secret(this, 'Secret', {
      description: `${authorityDescription}${this.name}`,
      secretStringValue: SecretValue.unsafePlainText('{}'),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(secret, 'AwsSolutions-SMG4', 'cert-renewer renews the certificate in it; the key is in KMS.');
    return secret;
  }
}

/** Actions for the account's administrators. None of them signs or creates a grant; kms:PutKeyPolicy can change that. */
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

/** Reads `EC P-384` or `RSA 3072`, as the schema allows them. */
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
