/** All authorities of the stack: parents before children, and the roots in one secret for whoever trusts them. */
import { createHash } from 'node:crypto';
import { CustomResource, Duration, SecretValue, Stack, Validations } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { ancestors } from '../config/authority-config.ts';
import type { AuthorityConfig } from '../config/config-schema.ts';
import { NodeFunction } from '../functions/node-function.ts';
import { allowDecryption, allowEncryptionKey, allowParameters, allowReading } from '../functions/permissions.ts';
import {
  allowAuthorities,
  allowDescribing,
  allowPasswords,
  allowPublicKeys,
  allowSigning,
  allowWriting,
  arnsOf,
  type KnownAuthority,
} from './authority-permissions.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { signerRoleName } from './signer-role.ts';

export interface AuthoritiesProps {
  /** Valid, and not empty. */
  readonly authorities: Readonly<Record<string, AuthorityConfig>>;
  readonly logRetention: RetentionDays;
  /** ARNs of the customer keys that imported authorities and their passwords may be encrypted with. */
  readonly encryptionKeys: readonly string[];
}

export class Authorities extends Construct {
  readonly all: ReadonlyMap<string, CertificateAuthority>;
  readonly parameters: readonly CfnParameter[];
  /** PEM: today's roots, and those that were renewed, until they end. */
  readonly trustBundle: Secret;
  /** For the functions: which authorities there are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Changes with any authority, as that of profiles. */
  readonly hash: string;
  private readonly configs: Readonly<Record<string, AuthorityConfig>>;
  private readonly encryptionKeys: readonly string[];
  private readonly prefix: string;

  constructor(scope: Construct, id: string, { authorities, logRetention, encryptionKeys }: AuthoritiesProps) {
    super(scope, id);
    this.encryptionKeys = encryptionKeys;
    const stack = Stack.of(this);
    this.configs = authorities;
    this.prefix = `/cert-renewer/${stack.stackName}/authorities/`;
    this.all = new Map(
      Object.entries(authorities).map(([name, config]) => [
        name,
        new CertificateAuthority(this, name, { name, config, parameterPrefix: this.prefix }),
      ]),
    );
    const found = [...this.all.values()];
    this.parameters = found.map(({ parameter }) => parameter);
    this.hash = createHash('sha256')
      .update(JSON.stringify(stack.resolve(found.map(({ name, document }) => [name, document]))))
      .digest('hex')
      .slice(0, 16);
    this.trustBundle = this.newTrustBundle();
    this.environment = { AUTHORITY_PREFIX: this.prefix, AUTHORITIES: JSON.stringify([...this.all.keys()]) };
    this.makeFirstCertificates(logRetention);
  }

  /** The scan looks at them as it does at enrolled secrets: names and tags, and no value. */
  allowScan({ role }: NodeFunction): void {
    allowParameters(role, 'Authorities', this.prefix);
    allowDescribing(role, 'AuthorityDescribe', this.known());
  }

  /** The workers, which may describe any secret, and the API renew their certificates and sign with their keys. */
  allowRenewal({ role }: NodeFunction): void {
    allowParameters(role, 'Authorities', this.prefix);
    allowAuthorities(role, this.known());
    allowWriting(role, 'TrustBundle', arnsOf(role, [this.bundle]));
  }

  /** What the API needs besides, and the workers have for other secrets as well: to describe, and the customer keys. */
  allowApi({ role }: NodeFunction): void {
    allowDescribing(role, 'AuthorityDescribe', this.known());
    allowDescribing(role, 'TrustBundleDescribe', [this.bundle]);
    for (const key of this.encryptionKeys) allowEncryptionKey(role, key);
  }

  private get bundle(): KnownAuthority {
    return { secretId: this.trustBundle.secretArn, keyArn: undefined };
  }

  private known(names: readonly string[] = [...this.all.keys()]): readonly KnownAuthority[] {
    return names.flatMap((name) => {
      const authority = this.all.get(name);
      return authority ? [{ ...this.configs[name], secretId: authority.secretId, keyArn: authority.keyArn }] : [];
    });
  }

  private newTrustBundle(): Secret {
    const bundle = new Secret(this, 'TrustBundle', {
      description: 'cert-renewer: the roots of its authorities, in PEM',
      secretStringValue: SecretValue.unsafePlainText('{}'), // filled with the first root
    });
    Validations.of(bundle).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'It holds certificates that everybody may know; cert-renewer writes them when a root is renewed.',
    });
    return bundle;
  }

  /** One after the other where one issues the other. */
  private makeFirstCertificates(logRetention: RetentionDays): void {
    const made = new Map<string, CustomResource>();
    for (const [name, { create }] of Object.entries(this.configs)) {
      if (create) made.set(name, this.makeFirstCertificate(name, logRetention));
    }
    for (const [name, resource] of made) {
      for (const parent of ancestors(name, this.configs)) {
        const before = made.get(parent) ?? this.all.get(parent)?.parameter;
        if (before) resource.node.addDependency(before);
      }
    }
  }

  private makeFirstCertificate(name: string, logRetention: RetentionDays): CustomResource {
    const creator = this.creator(name, logRetention);
    const resource = new CustomResource(this, `${name}-Certificate`, {
      resourceType: 'Custom::CertRenewerAuthority',
      serviceToken: creator.function.functionArn,
      serviceTimeout: Duration.minutes(5),
      // The key's ARN for CloudFormation alone: with another key it asks again, and what does not fit is told then.
      properties: { Authority: name, KeyArn: this.all.get(name)?.keyArn },
    });
    resource.node.addDependency(creator, ...this.parameters);
    return resource;
  }

  /**
   * One a certificate, so that its role has one key and one secret, and what signs it: its parent's, or for a root its
   * own key. Outside of any VPC: it talks to AWS alone, and has to reach CloudFormation's address in S3.
   */
  private creator(name: string, logRetention: RetentionDays): NodeFunction {
    const isRoot = this.configs[name]?.parent === undefined;
    const creator = new NodeFunction(this, `${name}-Creator`, {
      entry: 'create-authority.ts',
      description: `Makes the first certificate of the authority ${name}`,
      timeout: Duration.minutes(2),
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: {
        ...this.environment,
        CONFIG_HASH: this.hash,
        ...(isRoot && { TRUST_BUNDLE_SECRET: this.trustBundle.secretArn }),
      },
      roleName: signerRoleName(this, name),
    });
    const { role } = creator;
    const own = this.known([name]);
    const above = ancestors(name, this.configs);
    const parents = this.known(above);
    allowParameters(role, 'Authorities', this.prefix);
    allowDescribing(role, 'AuthorityDescribe', own);
    allowWriting(role, 'Authority', arnsOf(role, own));
    if (isRoot) {
      // The root is there when the deployment ends: everything that it has issued is verified by it.
      allowDescribing(role, 'TrustBundleDescribe', [this.bundle]);
      allowWriting(role, 'TrustBundle', arnsOf(role, [this.bundle]));
    }
    allowPublicKeys(role, [...own, ...parents]);
    allowReading(
      role,
      'ParentSecrets',
      parents.map(({ secretId }) => secretId),
    );
    allowPasswords(role, parents.slice(0, 1));
    // What the stack makes has no customer key; what is imported may have one, and is only read.
    const readsImported = above.some((parent) => this.configs[parent]?.secretId !== undefined);
    if (readsImported) for (const key of this.encryptionKeys) allowDecryption(role, key);
    allowSigning(role, parents.length > 0 ? parents.slice(0, 1) : own);
    return creator;
  }
}
