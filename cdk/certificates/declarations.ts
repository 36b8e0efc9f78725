/** Declared certificates: the function that creates their secrets and has them issued, and the custom resources. */
import { createHash } from 'node:crypto';
import { Annotations, CustomResource, Duration, Stack } from 'aws-cdk-lib';
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
  readonly config: Pick<Config, 'profiles' | 'encryptionKeys' | 'certificates' | 'probe'>;
  readonly profiles: Profiles;
  readonly worker: NodeFunction;
  /** Undefined in a stack without hooks. */
  readonly hooks: Hooks | undefined;
  /** Constructs that must be deployed before a certificate is issued. */
  readonly before: readonly IDependable[];
  readonly logRetention: RetentionDays;
}

/** Time limits of the handler and of its answer. The handler ends by itself before (lambdas/functions/declare-certificates.ts). */
const limits = { handler: Duration.minutes(15), answer: Duration.minutes(14) };

/** Characters of a resource's properties. CloudFormation sends the old and the new ones in one Lambda event, which may have 256 KB. */
const mostInBucket = 100_000;

/** The function of declared certificates and its permissions. */
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
    // Outside of any VPC: it calls only AWS, and must reach CloudFormation's address in S3.
    this.handler = new NodeFunction(this, 'Handler', {
      entry: 'declare-certificates.ts',
      description: 'Creates the secrets of declared certificates and has them issued',
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
    acknowledgeWildcards(role, [secrets], "The statement's condition selects secrets by their tag.");
    acknowledgeWildcards(
      role,
      [profileParameters, declarations],
      'Only the parameters of this stack have this prefix.',
    );
    checkPolicySizes(role, this.rights.profiles, "the declaring function's");
    this.handler.function.node.addDependency(...profiles.parameters);
  }

  /**
   * Adds the certificates of the configuration, several in each resource, because a template may have 500 resources. A hash of the
   * secret's name selects the resource, so a new certificate changes only one.
   */
  declareAll(told: readonly IDependable[]): void {
    const { config, before } = this.props;
    for (const [name, entry] of Object.entries(config.certificates ?? {})) this.warnOfEndpoints(this, name, entry);
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

  /** Registers a valid entry that a construct declares. Throws ConfigError if this stack can't have it. */
  bind(scope: IConstruct, secretName: string, entry: CertificateEntry): CertificateBinding {
    const { before, hooks, profiles } = this.props;
    this.checkBinding(scope, secretName);
    this.declared.add(secretName);
    this.warnOfEndpoints(scope, secretName, entry);
    const { encryptionKey, profile } = entry;
    const keys = encryptionKey === undefined ? [] : this.allowKey(scope, profile, encryptionKey);
    return {
      serviceToken: this.handler.function.functionArn,
      configHash: profiles.hash,
      // A hook's function in the app may depend on the certificate, so the certificate must not depend on such a hook.
      dependencies: [this.handler, ...before, ...(hooks?.ofKnownTargets(profile) ?? []), ...keys],
    };
  }

  /** Grants the rights of the handler. */
  grant(grantee: IGrantable): Grant {
    return declaringStatements(this, this.rights)
      .map(({ actions, resources, conditions }) =>
        Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions }),
      )
      .reduce((all, each) => all.combine(each));
  }

  private warnOfEndpoints(scope: IConstruct, secretName: string, { endpoints = [] }: CertificateEntry): void {
    if (this.props.config.probe || endpoints.length === 0) return;
    Annotations.of(scope).addWarningV2(
      'cert-renewer:endpoints',
      `The endpoints of ${secretName} are not probed, because the configuration has no "probe": add it, with the names and addresses that may be probed under probe.allow.`,
    );
  }

  private checkSize(entries: Entries): void {
    const { length } = JSON.stringify(entries);
    if (length <= mostInBucket) return;
    const names = Object.keys(entries);
    const message = `found ${length} characters in the declarations of ${names.length} certificates (${names.slice(0, 3).join(', ')} …), which share a resource of CloudFormation; expected at most ${mostInBucket}: declare fewer names, or put some certificates into a second stack`;
    throw new ConfigError(this.node.path, [{ path: configPath('certificates'), message }]);
  }

  private checkBinding(scope: IConstruct, secretName: string): void {
    const fail = (path: string, message: string): never => {
      throw new ConfigError(`The props of ${scope.node.path}`, [{ path: configPath(path), message }]);
    };
    if (this.declared.has(secretName)) {
      fail('secretName', `the secret ${secretName} already has a declared certificate; expected another name`);
    }
    const [own, other] = [Stack.of(this), Stack.of(scope)];
    for (const field of ['account', 'region'] as const) {
      if (isToken(own[field]) || isToken(other[field]) || own[field] === other[field]) continue;
      fail(
        'renewer',
        `the renewer is in the ${field} ${own[field]}, the certificate in ${other[field]}; expected the same ${field}`,
      );
    }
  }

  /**
   * Allows the customer key of a certificate. If the certificate is in another stack, the permission goes there: that stack depends on this
   * one, so this one can't refer to its key.
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

  /** Adds the permission once for each key and profile. */
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

/** Returns the prefix of the declarations' parameters, with a slash at its end. A name from parameterNameOf follows. */
export function declarationPrefix(scope: Construct): string {
  return `/cert-renewer/${Stack.of(scope).stackName}/certificates/`;
}

/** Returns the names of the profiles that have `issue`. */
export function issuingProfiles({ profiles }: Pick<Config, 'profiles'>): readonly string[] {
  return Object.entries(profiles).flatMap(([name, { issue }]) => (issue ? [name] : []));
}

/** The properties that lambdas/functions/declare-certificates.ts receives. */
export interface CertificatesResource extends Pick<CertificateBinding, 'serviceToken' | 'configHash'> {
  /** Entries by the names of their secrets, as JSON. */
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

/** Groups entries by the first hexadecimal digit of the name's SHA-256. Sorted, so the order in the configuration has no effect. */
function bucketsOf(certificates: Readonly<Entries>): readonly (readonly [string, Entries])[] {
  const buckets = new Map<string, Entries>();
  for (const [name, entry] of Object.entries(certificates).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const bucket = createHash('sha256').update(name).digest('hex').slice(0, 1);
    buckets.set(bucket, { ...buckets.get(bucket), [name]: entry });
  }
  return [...buckets].sort(([one], [other]) => (one < other ? -1 : 1));
}
