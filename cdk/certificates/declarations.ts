/** Declared certificates: the function that makes their secrets and has them issued, and those of the configuration. */
import { createHash } from 'node:crypto';
import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, type IRole, Policy } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct, type IDependable } from 'constructs';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { configPath } from '../config/explain.ts';
import type { Profiles } from '../config/profiles.ts';
import { isToken } from '../config/token.ts';
import { acknowledgeWildcards, NodeFunction } from '../functions/node-function.ts';
import { allowEncryptionKey, allowParameters } from '../functions/permissions.ts';
import { checkPolicySizes } from '../functions/policy-size.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { CertificateBinding } from './binding.ts';
import {
  type DeclaringRights,
  declaringKeyActions,
  declaringStatements,
  encryptingStatements,
  resourcesOf,
  throughSecrets,
} from './permissions.ts';

export interface DeclarationsProps {
  readonly config: Pick<Config, 'profiles' | 'encryptionKeys' | 'certificates'>;
  readonly profiles: Profiles;
  readonly worker: NodeFunction;
  /** Undefined in a stack without any. */
  readonly hooks: Hooks | undefined;
  /** What has to be there before a certificate is issued. */
  readonly before: readonly IDependable[];
  readonly logRetention: RetentionDays;
}

/** Of the handler and of its answer; it gives up before, by itself (lambdas/functions/declare-certificates.ts). */
const limits = { handler: Duration.minutes(15), answer: Duration.minutes(14) };

/** Characters of one resource's properties: CloudFormation hands the old ones and the new ones to Lambda in one event, which takes 256 KB. */
const mostInBucket = 100_000;

export class Declarations extends Construct {
  private readonly props: DeclarationsProps;
  private readonly handler: NodeFunction;
  private readonly rights: DeclaringRights;
  /** Names of the secrets in which a certificate is declared. */
  private readonly declared: Set<string>;
  private changesKeys: boolean;

  constructor(scope: Construct, id: string, props: DeclarationsProps) {
    super(scope, id);
    this.props = props;
    const { config, profiles, worker, logRetention } = props;
    const prefix = declarationPrefix(this);
    this.declared = new Set(Object.keys(config.certificates ?? {}));
    this.rights = {
      profiles: issuingProfiles(config),
      profilePrefix: profiles.prefix,
      declarationPrefix: prefix,
      renewFunctionArn: worker.function.functionArn,
      encryptionKeys: config.encryptionKeys ?? [],
    };
    this.changesKeys = this.rights.encryptionKeys.length > 0;
    allowParameters(worker.role, 'Declarations', prefix);
    // Outside of any VPC: it talks to AWS alone, and has to reach CloudFormation's address in S3.
    this.handler = new NodeFunction(this, 'Handler', {
      entry: 'declare-certificates.ts',
      description: 'Makes the secrets of declared certificates and has them issued',
      timeout: limits.handler,
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: {
        PROFILE_PREFIX: profiles.prefix,
        DECLARATION_PREFIX: prefix,
        RENEW_FUNCTION_ARN: worker.function.functionArn,
        CONFIG_HASH: profiles.hash,
      },
    });
    const { role } = this.handler;
    for (const statement of declaringStatements(this, this.rights)) role.addToPolicy(statement);
    const { secrets, profileParameters, declarations } = resourcesOf(this, this.rights);
    acknowledgeWildcards(role, [secrets], "Secrets are chosen by their tag, in the statement's condition.");
    acknowledgeWildcards(role, [profileParameters, declarations], 'Only the parameters of this stack begin so.');
    checkPolicySizes(role, this.rights.profiles, "the declaring function's");
    this.handler.function.node.addDependency(...profiles.parameters);
  }

  /**
   * The certificates of the configuration, some in each resource: CloudFormation takes 500 resources. Which one it is follows
   * from the secret's name, so that another certificate changes no resource but its own.
   */
  declareAll(told: readonly IDependable[]): void {
    const { config, before } = this.props;
    for (const [bucket, entries] of bucketsOf(config.certificates ?? {})) {
      this.checkSize(entries);
      const resource = declare(this, `Bucket-${bucket}`, {
        serviceToken: this.handler.function.functionArn,
        configHash: this.props.profiles.hash,
        certificates: Stack.of(this).toJsonString(entries),
      });
      resource.node.addDependency(this.handler, ...before, ...told);
    }
  }

  /** For a certificate that a construct declares, valid in itself. Throws ConfigError for what does not go with this stack. */
  bind(scope: IConstruct, secretName: string, entry: CertificateEntry): CertificateBinding {
    const { before, hooks, profiles } = this.props;
    this.checkBinding(scope, secretName);
    this.declared.add(secretName);
    const { encryptionKey, profile } = entry;
    const keys = encryptionKey === undefined ? [] : this.allowKey(scope, profile, encryptionKey);
    return {
      serviceToken: this.handler.function.functionArn,
      configHash: profiles.hash,
      // A function of the app that a hook calls may itself wait for the certificate, to read it.
      dependencies: [this.handler, ...before, ...(hooks?.ofKnownTargets(profile) ?? []), ...keys],
    };
  }

  /** The rights of the handler. */
  grant(grantee: IGrantable): Grant {
    return declaringStatements(this, this.rights)
      .map(({ actions, resources, conditions }) =>
        Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions }),
      )
      .reduce((all, each) => all.combine(each));
  }

  private checkSize(entries: Entries): void {
    const { length } = JSON.stringify(entries);
    if (length <= mostInBucket) return;
    const names = Object.keys(entries);
    const message = `the declarations of ${names.length} certificates have ${length} characters together (${names.slice(0, 3).join(', ')} …), and CloudFormation hands over ${mostInBucket} at most: declare fewer names, or put some of the certificates into a second stack`;
    throw new ConfigError(this.node.path, [{ path: configPath('certificates'), message }]);
  }

  private checkBinding(scope: IConstruct, secretName: string): void {
    const fail = (path: string, message: string): never => {
      throw new ConfigError(`The props of ${scope.node.path}`, [{ path: configPath(path), message }]);
    };
    if (this.declared.has(secretName)) {
      fail('secretName', `another certificate is declared in the secret ${secretName}`);
    }
    const [own, other] = [Stack.of(this), Stack.of(scope)];
    for (const field of ['account', 'region'] as const) {
      if (isToken(own[field]) || isToken(other[field]) || own[field] === other[field]) continue;
      fail('renewer', `it is in the ${field} ${own[field]}, and the certificate in ${other[field]}; expected the same`);
    }
  }

  /**
   * The customer key of a certificate. A key of another stack is allowed there: that stack depends on this one, and this one can't
   * name what is in it.
   */
  private allowKey(scope: IConstruct, profile: string, keyArn: string): readonly IDependable[] {
    const { worker, hooks } = this.props;
    if (!this.changesKeys) {
      for (const statement of encryptingStatements(this, this.rights)) this.handler.role.addToPolicy(statement);
      this.changesKeys = true;
    }
    if (Stack.of(scope) !== Stack.of(this)) return [this.allowKeyIn(Stack.of(scope), profile, keyArn)];
    allowEncryptionKey(worker.role, keyArn);
    this.handler.role.addToPolicy(throughSecrets(this, [keyArn], declaringKeyActions));
    hooks?.allowEncryptionKey(profile, keyArn);
    return [];
  }

  /** Once a key and profile. */
  private allowKeyIn(stack: Stack, profile: string, keyArn: string): IDependable {
    const what = [this.node.path, profile, stack.resolve(keyArn)];
    const id = `CertRenewerKey${createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 8)}`;
    const known = stack.node.tryFindChild(id);
    if (known) return known;
    const policies = new Construct(stack, id);
    const allowed = (policy: string, roles: readonly IRole[], actions: string[]) =>
      new Policy(policies, policy, { roles: [...roles], statements: [throughSecrets(stack, [keyArn], actions)] });
    allowed('Use', [this.props.worker.role, this.handler.role], declaringKeyActions);
    const readers = this.props.hooks?.readersOf(profile) ?? [];
    if (readers.length > 0) allowed('Read', readers, ['kms:Decrypt']);
    return policies;
  }
}

/** Ends in a slash; a name that parameterNameOf gives follows. */
export function declarationPrefix(scope: Construct): string {
  return `/cert-renewer/${Stack.of(scope).stackName}/certificates/`;
}

/** Names of the profiles in which certificates may be declared. */
export function issuingProfiles({ profiles }: Pick<Config, 'profiles'>): readonly string[] {
  return Object.entries(profiles).flatMap(([name, { issue }]) => (issue ? [name] : []));
}

/** What lambdas/functions/declare-certificates.ts is handed. */
export interface CertificatesResource extends Pick<CertificateBinding, 'serviceToken' | 'configHash'> {
  /** JSON of entries by the names of their secrets. */
  readonly certificates: string;
}

export function declare(
  scope: Construct,
  id: string,
  { serviceToken, configHash, certificates }: CertificatesResource,
): CustomResource {
  return new CustomResource(scope, id, {
    resourceType: 'Custom::CertRenewerCertificates',
    serviceToken,
    serviceTimeout: limits.answer,
    properties: { Certificates: certificates, ConfigHash: configHash },
  });
}

type Entries = Record<string, CertificateEntry>;

/** By the first hexadecimal digit of the SHA-256 of the name; in order, so that the order of the configuration means nothing. */
function bucketsOf(certificates: Readonly<Entries>): readonly (readonly [string, Entries])[] {
  const buckets = new Map<string, Entries>();
  for (const [name, entry] of Object.entries(certificates).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const bucket = createHash('sha256').update(name).digest('hex').slice(0, 1);
    buckets.set(bucket, { ...buckets.get(bucket), [name]: entry });
  }
  return [...buckets].sort(([one], [other]) => (one < other ? -1 : 1));
}
