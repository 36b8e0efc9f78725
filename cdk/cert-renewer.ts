/** The construct: everything that keeps the certificates of one account and Region from expiring. */
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, Policy, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct, IDependable } from 'constructs';
import type { CertificateEntry } from '../lambdas/policy/certificate-entry.ts';
import manifest from '../package.json' with { type: 'json' };
import { Authorities } from './authorities/authorities.ts';
import { CaApi } from './authorities/ca-api.ts';
import type { CertificateAuthority } from './authorities/certificate-authority.ts';
import { signerRoleName } from './authorities/signer-role.ts';
import type { CertificateBinding, ICertRenewer } from './certificates/binding.ts';
import { Declarations, declarationPrefix, issuingProfiles } from './certificates/declarations.ts';
import { type EnrollableSecret, type EnrolOptions, enrolmentTags } from './certificates/enrolment.ts';
import { type Config, configSchedule, validateCertificate, validateConfig } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import { Profiles } from './config/profiles.ts';
import { FirstScan } from './functions/first-scan.ts';
import { placementOf, type VpcPlacement } from './functions/network.ts';
import { NodeFunction, type NodeFunctionProps } from './functions/node-function.ts';
import { allow, allowEncryptionKey, allowParameters, allowRenewal, allowScan } from './functions/permissions.ts';
import { RenewalQueues } from './functions/queues.ts';
import { eventAge, ScanSchedule } from './functions/scan-schedule.ts';
import { Hooks } from './hooks/hooks.ts';
import { Dashboard } from './observe/dashboard.ts';
import { deadLettersOf } from './observe/dead-letters.ts';
import { Inventory } from './observe/inventory.ts';
import { Monitoring, monitoredProfiles } from './observe/monitoring.ts';
import { Observable } from './observe/observable.ts';
import { Parts } from './parts.ts';

/** The options of cert-renewer.json; in place of ids and ARNs, constructs and tokens may stand. */
export interface CertRenewerProps extends Omit<Config, 'vpc' | 'encryptionKeys'> {
  /** @default none: the functions run outside of any VPC */
  readonly vpc?: Config['vpc'] | VpcPlacement | undefined;
  /** Customer keys that secrets are encrypted with. @default none */
  readonly encryptionKeys?: readonly (string | IKey | Key)[] | undefined;
  /** Where events go. @default a bus of its own */
  readonly eventBus?: IEventBus | EventBus | undefined;
}

/** Within the queue's visibility timeout (queues.ts). */
const workerTimeout = Duration.seconds(90);

/**
 * Renews and rekeys the certificates in every secret that carries the tag `cert-renewer:profile` with the name of one
 * of its profiles. One in a stack. Throws ConfigError for options that are wrong.
 */
export class CertRenewer extends Observable implements ICertRenewer {
  readonly scanFunction: IFunction;
  readonly renewFunction: IFunction;
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly eventBus: IEventBus;
  /** What alarms and failures are published to; `notify.email` subscribes to it. */
  readonly topic: ITopic;
  /** The stack's own certificate authorities, by name. */
  readonly authorities: ReadonlyMap<string, CertificateAuthority>;
  /** The secret with their roots in PEM; undefined without authorities, as what follows. */
  readonly trustBundle: ISecret | undefined;
  /** Of CloudWatch; undefined where the configuration has `dashboard: false`. */
  readonly dashboardName: string | undefined;
  /** Of the API that renews them, without a slash at its end. */
  readonly caApiUrl: string | undefined;
  private readonly config: Config;
  private readonly worker: NodeFunction;
  private readonly caApi: CaApi | undefined;
  private readonly hooks: Hooks | undefined;
  private readonly declarations: Declarations | undefined;
  private readonly firstScan: FirstScan | undefined;

  constructor(scope: Construct, id: string, props: CertRenewerProps) {
    super(scope, id);
    this.refuseSecond();
    this.config = validateProps(this, props);
    const { config } = this;
    const schedule = configSchedule(config);
    const paused = config.paused ?? false;
    const profiles = new Profiles(this, 'Profiles', config.profiles);
    const queues = new RenewalQueues(this, 'Queues');
    const bus = props.eventBus ?? new EventBus(this, 'Bus', { description: 'What cert-renewer did' });
    this.eventBus = bus as IEventBus; // class and interface differ only in an optional property that may be undefined
    const own = this.newAuthorities();
    const shared = this.sharedProps(props, profiles, own, queues.queue.queueUrl);
    const api = own && this.newCaApi(shared, own);
    this.worker = this.renewer(shared, queues.queue, own);
    const scan = this.scanner(shared, queues, eventAge(schedule));
    own?.allowScan(scan);
    for (const { role } of [scan, this.worker]) allowParameters(role, 'Profiles', profiles.prefix);
    for (const { role, function: fn } of [scan, this.worker, ...(api ? [api.handler] : [])]) {
      this.eventBus.grantPutEventsTo(role);
      // A new environment must find the new profiles and authorities.
      fn.node.addDependency(...profiles.parameters, ...(own?.parameters ?? []));
    }
    const scanSchedule = new ScanSchedule(this, 'Schedule', {
      schedule,
      timezone: config.scheduleTimezone,
      paused,
      target: scan.function,
      deadLetterQueue: queues.scanDeadLetterQueue,
    });
    this.scanFunction = scan.function;
    this.renewFunction = this.worker.function;
    this.queue = queues.queue;
    this.deadLetterQueue = queues.deadLetterQueue;
    this.authorities = own?.all ?? new Map();
    this.trustBundle = own?.trustBundle as ISecret | undefined; // as above
    this.caApi = api;
    this.caApiUrl = api?.url;
    const parts = new Parts(this, 'Parts', config);
    this.hooks = this.newHooks(parts);
    const watched = monitoredProfiles(config);
    const { eventBus, scanFunction, queue, logRetention } = this;
    const { topic, notices, alarms, noScan, deadLetterQueues } = new Monitoring(this, 'Monitoring', {
      profiles: watched,
      parts,
      emails: config.notify?.email ?? [],
      eventBus,
      logRetention,
      scanFunction,
      deadLetterQueues: deadLettersOf(queues, this.hooks),
      schedule,
      paused,
    });
    this.topic = topic;
    const before = [this.worker, queues, ...profiles.parameters, ...(own ? [own] : [])];
    const told = [notices, ...(this.hooks ? [this.hooks, parts] : [])];
    this.declarations = this.newDeclarations(profiles, before);
    this.declarations?.declareAll(told);
    if (!paused) {
      this.firstScan = new FirstScan(this, 'FirstScan', { scanFunction, logRetention });
      // It is to find all that it leads to: the workers, the authorities' certificates, who is told. And it comes after the
      // declared certificates, which it would have issued a second time while the deployment is at it.
      const all = [scan, scanSchedule, ...before, ...told, ...(this.declarations ? [this.declarations] : [])];
      this.firstScan.node.addDependency(...all);
      noScan?.node.addDependency(this.firstScan);
    }
    if (config.dashboard === false) return;
    const renewFunctionArn = this.renewFunction.functionArn;
    const inventory = new Inventory(this, 'Inventory', { ...shared, renewFunctionArn, profiles, authorities: own });
    const names = watched.map(({ name }) => name);
    const shown = { profiles: names, alarms, queue, deadLetterQueues, inventory: inventory.function };
    this.dashboardName = new Dashboard(this, 'Dashboard', shown).name;
  }

  private newDeclarations(profiles: Profiles, before: readonly IDependable[]): Declarations | undefined {
    const { config, worker, hooks, logRetention } = this;
    if (issuingProfiles(config).length === 0) return undefined;
    return new Declarations(this, 'Declarations', { config, profiles, worker, hooks, before, logRetention });
  }

  private newHooks(parts: Parts): Hooks | undefined {
    const { profiles, encryptionKeys = [] } = this.config;
    if (!Object.values(profiles).some(({ hooks }) => hooks?.length)) return undefined;
    const { eventBus, logRetention } = this;
    return new Hooks(this, 'Hooks', { profiles, parts, eventBus, logRetention, encryptionKeys });
  }

  /**
   * Lets a role invoke the renew function on demand. Whoever may do that acts as every certificate of the profiles: a
   * profile is one trust boundary.
   */
  grantInvoke(grantee: IGrantable): Grant {
    return this.renewFunction.grantInvoke(grantee);
  }

  /**
   * Lets a role renew the stack's own authorities by HTTP, where `caApi.auth` is `iam`. Throws ConfigError without
   * authorities.
   */
  grantRenewAuthorities(grantee: IGrantable): Grant {
    if (this.caApi) return this.caApi.grantInvoke(grantee);
    throw new ConfigError(this.node.path, [{ path: '$.authorities', message: 'there is none, and no API either' }]);
  }

  /**
   * Enrols a secret of this app by its tags, and lets the workers use its key if it has a customer's. Throws ConfigError
   * for an unknown profile, a bad setting or an imported secret, which CloudFormation can't tag.
   */
  enrol(secret: EnrollableSecret, options: EnrolOptions): void {
    const tagged = enrolmentTags(secret, options, Object.keys(this.config.profiles));
    for (const [key, value] of Object.entries(tagged)) {
      Tags.of(secret).add(key, value, { includeResourceTypes: ['AWS::SecretsManager::Secret'] });
    }
    if (!secret.encryptionKey) return;
    allowEncryptionKey(this.worker.role, secret.encryptionKey.keyArn);
    this.hooks?.allowEncryptionKey(options.profile, secret.encryptionKey.keyArn);
  }

  /**
   * Lets a role declare certificates by hand (`cert-renewer declare`), and take that back, in the profiles that have `issue`, with the
   * rights that a deployment has: make and tag their secrets, write and remove the declarations, and have them issued; and
   * with those by which the command finds the stack. No name outside of `issue.allow` comes of it, but by the renew function
   * the role acts as every certificate of the profiles. Throws ConfigError where no profile has `issue`.
   */
  grantDeclare(grantee: IGrantable): Grant {
    if (this.declarations) return this.declarations.grant(grantee).combine(this.grantFinding(grantee));
    throw new ConfigError(this.node.path, [
      { path: '$.profiles', message: 'none of them has "issue", so that nothing can be declared' },
    ]);
  }

  /** The stack's outputs, what its functions are told, and its authorities, whose secrets nobody declares. */
  private grantFinding(grantee: IGrantable): Grant {
    const own = Stack.of(this);
    const stack = own.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${own.stackName}/*` });
    const functions = [this.scanFunction.functionArn, this.renewFunction.functionArn];
    const allowed = (action: string, resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions: [action], resourceArns });
    const finding = allowed('cloudformation:DescribeStacks', [stack]).combine(
      allowed('lambda:GetFunctionConfiguration', functions),
    );
    if (this.authorities.size === 0) return finding;
    const resourceName = `cert-renewer/${own.stackName}/authorities/*`;
    const authorities = own.formatArn({ service: 'ssm', resource: 'parameter', resourceName });
    return finding.combine(allowed('ssm:GetParameter', [authorities]));
  }

  /** For `Certificate`, which calls it. */
  bindCertificate(scope: IConstruct, secretName: string, entry: CertificateEntry): CertificateBinding {
    validateCertificate(`The props of ${scope.node.path}`, this.config, secretName, entry);
    if (!this.declarations) throw new Error('a certificate that may be issued, where no profile has "issue"');
    if (Stack.of(scope) === Stack.of(this)) this.firstScan?.node.addDependency(scope); // as of those of the configuration
    return this.declarations.bind(scope, secretName, entry);
  }

  /** Their profiles would share one path of parameters, and each scan would take the other's secrets for its own. */
  private refuseSecond(): void {
    const others = Stack.of(this)
      .node.findAll()
      .filter((found) => found instanceof CertRenewer && found !== this);
    if (others.length === 0) return;
    throw new ConfigError(this.node.path, [
      { path: '$', message: 'a stack can have one CertRenewer; give it all profiles, or use another stack' },
    ]);
  }

  private newAuthorities(): Authorities | undefined {
    const { authorities = {}, encryptionKeys = [] } = this.config;
    if (Object.keys(authorities).length === 0) return undefined;
    return new Authorities(this, 'Authorities', { authorities, encryptionKeys, logRetention: this.logRetention });
  }

  private get logRetention(): number {
    return this.config.logRetentionDays ?? 90;
  }

  private sharedProps(props: CertRenewerProps, profiles: Profiles, own: Authorities | undefined, queueUrl: string) {
    const { config } = this;
    return {
      logRetention: this.logRetention,
      placement: placementOf(this, props.vpc),
      environment: {
        PROFILE_PREFIX: profiles.prefix,
        CERT_RENEWER_VERSION: manifest.version, // cert-renewer doctor compares it with its own
        EVENT_BUS_NAME: this.eventBus.eventBusName,
        QUEUE_URL: queueUrl,
        SCHEDULE: configSchedule(config).expression,
        ...(config.scheduleTimezone !== undefined && { SCHEDULE_TIMEZONE: config.scheduleTimezone }),
        ...own?.environment,
        CONFIG_HASH: `${profiles.hash}${own?.hash ?? ''}`,
      },
    } satisfies Partial<NodeFunctionProps>;
  }

  private scanner(shared: ReturnType<CertRenewer['sharedProps']>, queues: RenewalQueues, age: number): NodeFunction {
    const scan = new NodeFunction(this, 'Scan', {
      ...shared,
      entry: 'scan.ts',
      // A secret whose own rotation function this is, is none that somebody else rotates.
      environment: { ...shared.environment, RENEW_FUNCTION_ARN: this.worker.function.functionArn },
      description: 'Lists enrolled secrets and queues what is due',
      timeout: Duration.minutes(15),
      memorySize: 512,
    });
    allowScan(scan.role);
    // A policy of its own: the function waits for the role's other ones, and this one for the function.
    new Policy(scan, 'GoesOn', {
      statements: [allow('Continue', ['lambda:InvokeFunction'], [scan.function.functionArn])],
      roles: [scan.role],
    });
    queues.queue.grant(scan.role, 'sqs:SendMessage');
    queues.onlyFrom(scan.role);
    scan.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(age),
      onFailure: new SqsDestination(queues.scanDeadLetterQueue),
    });
    return scan;
  }

  private newCaApi(shared: ReturnType<CertRenewer['sharedProps']>, own: Authorities): CaApi {
    const { auth = 'iam', tokenSecretId } = this.config.caApi ?? {};
    const environment = { ...shared.environment, TRUST_BUNDLE_SECRET: own.trustBundle.secretArn };
    const api = new CaApi(this, 'CaApi', { ...shared, environment, auth, tokenSecretId });
    own.allowRenewal(api.handler);
    own.allowApi(api.handler);
    return api;
  }

  private renewer(
    shared: ReturnType<CertRenewer['sharedProps']>,
    queue: IQueue,
    own: Authorities | undefined,
  ): NodeFunction {
    const renew = new NodeFunction(this, 'Renew', {
      ...shared,
      environment: {
        ...shared.environment,
        ...(own && { TRUST_BUNDLE_SECRET: own.trustBundle.secretArn }),
        ...(issuingProfiles(this.config).length > 0 && { DECLARATION_PREFIX: declarationPrefix(this) }),
      },
      // With or without authorities: the first one would change the name, and a role of another name is another role.
      roleName: signerRoleName(this, 'Renew'),
      entry: 'renew.ts',
      description: 'Renews or rekeys the certificate of one secret',
      timeout: workerTimeout,
      // Half the time of 512 MB at the same price, as the CPU grows with it (docs/performance.md, for the others too).
      memorySize: 1024,
    });
    allowRenewal(renew.role, this.config);
    own?.allowRenewal(renew);
    // As the rotation function of secrets with native rotation.
    renew.function.addPermission('Rotation', {
      principal: new ServicePrincipal('secretsmanager.amazonaws.com'),
      sourceAccount: Stack.of(this).account,
    });
    renew.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: this.config.maxConcurrency ?? 10,
      }),
    );
    return renew;
  }
}

/** Props as a configuration: constructs become what a file would say. Files of `root` are looked for in the working directory. */
function validateProps(scope: Construct, { eventBus: _, vpc, encryptionKeys, ...props }: CertRenewerProps): Config {
  const plain = {
    ...props,
    ...(vpc && 'vpcId' in vpc && { vpc }),
    ...(encryptionKeys && {
      encryptionKeys: encryptionKeys.map((key) => (typeof key === 'string' ? key : key.keyArn)),
    }),
  };
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  return validateConfig(given, { source: `The props of ${scope.node.path}`, baseDirectory: process.cwd() });
}
