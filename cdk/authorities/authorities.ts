/** The authorities of the stack, their first certificates, and the secret with their roots. */
import { createHash } from 'node:crypto';
import { CustomResource, Duration, SecretValue, Stack } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
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
  /** The authorities of a valid configuration, at least one. */
  readonly authorities: Readonly<Record<string, AuthorityConfig>>;
  readonly logRetention: RetentionDays;
  /** ARNs of the customer keys for the secrets of imported authorities and of their passwords. */
  readonly encryptionKeys: readonly string[];
}

/** All authorities of a stack. */
export class Authorities extends Construct {
  readonly all: ReadonlyMap<string, CertificateAuthority>;
  readonly parameters: readonly CfnParameter[];
  /** PEM text of the current roots and, until they expire, of the previous ones. */
  readonly trustBundle: Secret;
  /** Environment of the functions: the names of the authorities and their parameters. */
  readonly environment: Readonly<Record<string, string>>;
  /** A hash of all authorities (see Profiles). */
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

  /** Lets the scan read names and tags of the authorities' secrets, but no values. */
  allowScan({ role }: NodeFunction): void {
    allowParameters(role, 'Authorities', this.prefix);
    allowDescribing(role, 'AuthorityDescribe', this.known());
  }

  /** Lets the probe read where the chains of the authorities end. */
  allowProbe({ role }: NodeFunction): void {
    allowParameters(role, 'Authorities', this.prefix);
  }

  /** Lets the worker and the API renew the authorities' certificates and sign with their keys. */
  allowRenewal({ role }: NodeFunction): void {
    allowParameters(role, 'Authorities', this.prefix);
    allowAuthorities(role, this.known());
    allowWriting(role, 'TrustBundle', arnsOf(role, [this.bundle]));
  }

  /** Lets the API describe secrets and use the customer keys. The worker has these permissions from elsewhere. */
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
    acknowledge(
      bundle,
      'AwsSolutions-SMG4',
      'It holds public certificates; cert-renewer writes them when a root is renewed.',
    );
    return bundle;
  }

  /** Creates the first certificates, parents before children. */
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
      // The function does not read KeyArn. With another key CloudFormation calls it again, and it reports a mismatch.
      properties: { Authority: name, KeyArn: this.all.get(name)?.keyArn },
    });
    resource.node.addDependency(creator, ...this.parameters);
    return resource;
  }

  /**
   * Creates a function for one certificate, so that its role can write one secret and sign with one key: the parent's or, for a root,
   * its own. Outside of any VPC: it calls only AWS, and must reach CloudFormation's address in S3.
   */
  private creator(name: string, logRetention: RetentionDays): NodeFunction {
    const isRoot = this.configs[name]?.parent === undefined;
    const creator = new NodeFunction(this, `${name}-Creator`, {
      entry: 'create-authority.ts',
      description: `Creates the first certificate of the authority ${name}`,
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
      // The bundle has the root when the deployment ends, so certificates below it can be verified.
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
    // A secret of the stack has no customer key. An imported one may have one, and is only read.
    const readsImported = above.some((parent) => this.configs[parent]?.secretId !== undefined);
    if (readsImported) for (const key of this.encryptionKeys) allowDecryption(role, key);
    allowSigning(role, parents.length > 0 ? parents.slice(0, 1) : own);
    return creator;
  }
}
