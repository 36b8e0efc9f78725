/** The construct: everything that renews the certificates of one account and Region. */
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, Policy, type Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct, IDependable } from 'constructs';
import type { CertificateEntry } from '../lambdas/policy/certificate-entry.ts';
import { capabilitiesOf } from '../lambdas/providers/index.ts';
import manifest from '../package.json' with { type: 'json' };
import { Authorities } from './authorities/authorities.ts';
import type { ICertificateAuthority } from './authorities/authority-interface.ts';
import { CaApi } from './authorities/ca-api.ts';
import { signerRoleName } from './authorities/signer-role.ts';
import type { CertificateBinding, ICertRenewer } from './certificates/binding.ts';
import { Declarations, declarationPrefix, issuingProfiles } from './certificates/declarations.ts';
import { type EnrollableSecret, type EnrolOptions, enrolmentTags } from './certificates/enrolment.ts';
import { type Config, configSchedule, validateCertificate, validateConfig } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import type { CertificateOptions, ConfigOptions, VpcOptions } from './config/options.ts';
import { Profiles } from './config/profiles.ts';
import { isToken } from './config/token.ts';
import { withAccountKeys } from './functions/account-keys.ts';
import { FirstScan } from './functions/first-scan.ts';
import { eventAge, FunctionSchedule } from './functions/function-schedule.ts';
import { placementOf, type VpcPlacement } from './functions/network.ts';
import { NodeFunction, type NodeFunctionProps } from './functions/node-function.ts';
import { allow, allowEncryptionKey, allowParameters, allowRenewal, allowScan } from './functions/permissions.ts';
import { RenewalQueues } from './functions/queues.ts';
import { Hooks } from './hooks/hooks.ts';
import { Dashboard } from './observe/dashboard.ts';
import { deadLettersOf } from './observe/dead-letters.ts';
import { Inventory } from './observe/inventory.ts';
import { Monitoring, monitoredProfiles } from './observe/monitoring.ts';
import { Observable } from './observe/observable.ts';
import { Probe } from './observe/probe.ts';
import { Outputs } from './outputs.ts';
import { Parts } from './parts.ts';

/**
 * The options of cert-renewer.json. `root` and `caConfig` may name files, relative to the working directory. A value may be a CDK
 * token, except one that synthesis needs (such as `schedule`).
 */
export interface CertRenewerProps extends Omit<ConfigOptions, 'vpc' | 'encryptionKeys'> {
  /**
   * The VPC of the functions, for a CA in a private network. The subnets need NAT, or interface endpoints for secretsmanager, kms, ssm,
   * events and sqs.
   * @default the functions run outside of any VPC
   */
  readonly vpc?: VpcOptions | VpcPlacement | undefined;
  /**
   * Customer KMS keys, or their ARNs, that secrets or the topics of `sns` hooks are encrypted with. The policy of each key must delegate
   * to IAM.
   * @default none
   */
  readonly encryptionKeys?: readonly (string | IKey | Key)[] | undefined;
  /**
   * The bus that receives the events.
   * @default a new bus
   */
  readonly eventBus?: IEventBus | EventBus | undefined;
}

/** Marks each CertRenewer. An app that loads the package as an ES module and as CommonJS has two classes of that name. */
const marker = Symbol.for('cert-renewer.CertRenewer');

/** Within the queue's visibility timeout (queues.ts). */
const workerTimeout = Duration.seconds(90);

/**
 * Renews and rekeys the certificate of every secret whose tag `cert-renewer:profile` names one of its profiles, and issues the declared
 * certificates. A stack can have one CertRenewer. `cert-renewer status --stack <name>` finds it by the outputs of the stack.
 */
export class CertRenewer extends Observable implements ICertRenewer {
  /** The scan function. It lists secrets and puts those that are due into the queue. */
  readonly scanFunction: IFunction;
  /** The renew function. It renews the secrets in the queue, and one secret on demand. */
  readonly renewFunction: IFunction;
  /** The probe function. It looks whether servers present the new certificates. Undefined without `probe`. */
  readonly probeFunction: IFunction | undefined;
  /** The renewal queue. Its policy denies messages from other roles than those of the scan and, with a CA that answers later, of the renewals (docs/operations.md, on dead letters). */
  readonly queue: IQueue;
  /** The queue for messages that failed three times. It keeps them for 14 days. */
  readonly deadLetterQueue: IQueue;
  /** The bus that receives the events. */
  readonly eventBus: IEventBus;
  /** The topic for alarms, failures, and certificates that are overdue or not served. The addresses of `notify.email` subscribe to it. */
  readonly topic: ITopic;
  /** The stack's own certificate authorities, by name. Empty if the configuration has none. */
  readonly authorities: ReadonlyMap<string, ICertificateAuthority>;
  /** The secret with the roots of the authorities, as PEM text. Undefined without authorities. */
  readonly trustBundle: ISecret | undefined;
  /** Name of the CloudWatch dashboard. Undefined with `dashboard: false`. */
  readonly dashboardName: string | undefined;
  /** URL of the HTTP API that renews the authorities, without a slash at its end. Undefined without authorities. */
  readonly caApiUrl: string | undefined;
  private readonly config: Config;
  private readonly worker: NodeFunction;
  private readonly caApi: CaApi | undefined;
  private readonly hooks: Hooks | undefined;
  private readonly declarations: Declarations | undefined;
  private readonly firstScan: FirstScan | undefined;

  /**
   * Throws ConfigError, which lists every mistake in `props`. Throws ConfigError if the stack already has a CertRenewer, or if an AWS
   * limit does not allow so many profiles, hooks or authorities. (The size of IAM policies is checked later, at synthesis.)
   */
  constructor(scope: Construct, id: string, props: CertRenewerProps) {
    super(scope, id);
    Object.defineProperty(this, marker, { value: true });
    this.refuseSecond();
    const given = validateProps(this, props);
    this.config = { ...given, profiles: withAccountKeys(this, 'AccountKeys', given.profiles) };
    const { config } = this;
    const schedule = configSchedule(config);
    const paused = config.paused ?? false;
    const profiles = new Profiles(this, 'Profiles', config);
    const queues = new RenewalQueues(this, 'Queues');
    const bus = props.eventBus ?? new EventBus(this, 'Bus', { description: 'Events of cert-renewer' });
    this.eventBus = bus as IEventBus; // class and interface differ only in an optional property that may be undefined
    const own = this.newAuthorities();
    const shared = this.sharedProps(props, profiles, own, queues.queue.queueUrl);
    const api = own && this.newCaApi(shared, own);
    this.worker = this.renewer(shared, queues.queue, own);
    const scan = this.scanner(shared, queues, eventAge(schedule));
    queues.onlyFrom([scan.role, ...this.waitingRoles(queues)]);
    own?.allowScan(scan);
    for (const { role } of [scan, this.worker]) allowParameters(role, 'Profiles', profiles.prefix);
    for (const { role, function: fn } of [scan, this.worker, ...(api ? [api.handler] : [])]) {
      this.eventBus.grantPutEventsTo(role);
      // A new environment must find the new profiles and authorities.
      fn.node.addDependency(...profiles.parameters, ...(own?.parameters ?? []));
    }
    const scanSchedule = new FunctionSchedule(this, 'Schedule', {
      what: 'the scan',
      expression: schedule.expression,
      timezone: config.scheduleTimezone,
      paused,
      target: scan.function,
      input: '{}',
      deadLetterQueue: queues.scanDeadLetterQueue,
      retries: 10,
      maxEventAge: eventAge(schedule), // after this time the next scan starts anyway
    });
    this.probeFunction = config.probe && this.newProbe(shared, profiles, own).function;
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
    const { eventBus, scanFunction, probeFunction, queue, logRetention } = this;
    const { topic, notices, alarms, noScan, deadLetterQueues } = new Monitoring(this, 'Monitoring', {
      profiles: watched,
      parts,
      emails: config.notify?.email ?? [],
      eventBus,
      logRetention,
      scanFunction,
      probeFunction,
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
      // The first scan needs the workers, the authorities' certificates and the notices. It must also wait for the declared
      // certificates: a scan during their deployment would have them issued a second time.
      const all = [scan, scanSchedule, ...before, ...told, ...(this.declarations ? [this.declarations] : [])];
      this.firstScan.node.addDependency(...all);
      noScan?.node.addDependency(this.firstScan);
    }
    if (config.dashboard !== false) {
      const renewFunctionArn = this.renewFunction.functionArn;
      const inventory = new Inventory(this, 'Inventory', { ...shared, renewFunctionArn, profiles, authorities: own });
      const names = watched.map(({ name }) => name);
      const probed = watched.flatMap(({ name, isProbed }) => (isProbed ? [name] : []));
      const shown = { profiles: names, probed, alarms, queue, deadLetterQueues, inventory: inventory.function };
      this.dashboardName = new Dashboard(this, 'Dashboard', shown).name;
    }
    new Outputs(this, 'Outputs', this);
  }

  private newDeclarations(profiles: Profiles, before: readonly IDependable[]): Declarations | undefined {
    const { config, worker, hooks, logRetention } = this;
    if (issuingProfiles(config).length === 0) return undefined;
    return new Declarations(this, 'Declarations', { config, profiles, worker, hooks, before, logRetention });
  }

  private newHooks(parts: Parts): Hooks | undefined {
    const { profiles, encryptionKeys = [], probe } = this.config;
    if (!Object.values(profiles).some(({ hooks }) => hooks?.length)) return undefined;
    const { eventBus, logRetention } = this;
    const isProbed = probe !== undefined;
    return new Hooks(this, 'Hooks', { profiles, parts, eventBus, logRetention, isProbed, encryptionKeys });
  }

  /**
   * Lets a role invoke the renew function on demand. This role can then use every certificate of all profiles: the renew function can copy
   * a certificate and its key to another secret of the profile (`out`).
   */
  grantInvoke(grantee: IGrantable): Grant {
    return this.renewFunction.grantInvoke(grantee);
  }

  /**
   * Lets a role renew the stack's own authorities by HTTP, if `caApi.auth` is `iam`. Throws ConfigError if the configuration has no
   * authorities.
   */
  grantRenewAuthorities(grantee: IGrantable): Grant {
    if (this.caApi) return this.caApi.grantInvoke(grantee);
    throw new ConfigError(this.node.path, [
      { path: '$.authorities', message: 'there are no authorities, so there is no API' },
    ]);
  }

  /**
   * Enrols a secret of this app: adds the tags, and lets the workers use the secret's customer key, if it has one. Throws ConfigError for
   * an unknown profile, a bad setting, or an imported secret (CloudFormation can't tag it).
   */
  enrol(secret: EnrollableSecret, options: EnrolOptions): void {
    const tagged = enrolmentTags(secret, options, Object.keys(this.config.profiles), this.config.probe);
    for (const [key, value] of Object.entries(tagged)) {
      Tags.of(secret).add(key, value, { includeResourceTypes: ['AWS::SecretsManager::Secret'] });
    }
    if (!secret.encryptionKey) return;
    allowEncryptionKey(this.worker.role, secret.encryptionKey.keyArn);
    this.hooks?.allowEncryptionKey(options.profile, secret.encryptionKey.keyArn);
  }

  /**
   * Lets a role use `cert-renewer declare` and `undeclare` in the profiles that have `issue`. The role may create and tag secrets, write
   * and delete declarations, invoke the renew function, and find the stack. `issue.allow` still limits the names. Because it may invoke the
   * renew function, the role can use every certificate of all profiles (see `grantInvoke`). Throws ConfigError if no profile has `issue`.
   */
  grantDeclare(grantee: IGrantable): Grant {
    if (this.declarations) return this.declarations.grant(grantee).combine(this.grantFinding(grantee));
    throw new ConfigError(this.node.path, [
      { path: '$.profiles', message: 'no profile has "issue"; expected one that has it, to declare certificates in' },
    ]);
  }

  /** Reads the stack's outputs, the configuration of its functions, and its authorities (their secrets can't be declared). */
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

  /** Called by `Certificate`. Throws ConfigError if this configuration does not allow the certificate. */
  bindCertificate(scope: IConstruct, secretName: string, options: CertificateOptions): CertificateBinding {
    const entry = options as CertificateEntry; // the same fields, with read-only arrays
    validateCertificate(`The props of ${scope.node.path}`, this.config, secretName, entry);
    if (!this.declarations) throw new Error('a valid declaration, but no profile has "issue"');
    if (Stack.of(scope) === Stack.of(this)) this.firstScan?.node.addDependency(scope); // as for declared certificates of the configuration
    return this.declarations.bind(scope, secretName, entry);
  }

  /** Two renewers of a stack would share the prefix of their parameters, and each would renew the other's secrets. */
  private refuseSecond(): void {
    const others = Stack.of(this)
      .node.findAll()
      .filter((found) => marker in found && found !== this);
    if (others.length === 0) return;
    throw new ConfigError(this.node.path, [
      {
        path: '$',
        message: 'this stack already has a CertRenewer; expected one: give it all profiles, or use another stack',
      },
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
        CERT_RENEWER_VERSION: manifest.version, // `cert-renewer doctor` compares it with the version of the command line
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
      // The scan skips secrets that another function rotates, but not those whose rotation function is this one.
      environment: { ...shared.environment, RENEW_FUNCTION_ARN: this.worker.function.functionArn },
      description: 'Lists enrolled secrets and queues those that are due',
      timeout: Duration.minutes(15),
      memorySize: 512,
    });
    allowScan(scan.role);
    // A separate policy: the function depends on the role's other policies, and this policy depends on the function.
    new Policy(scan, 'GoesOn', {
      statements: [allow('Continue', ['lambda:InvokeFunction'], [scan.function.functionArn])],
      roles: [scan.role],
    });
    queues.queue.grant(scan.role, 'sqs:SendMessage');
    scan.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(age),
      onFailure: new SqsDestination(queues.scanDeadLetterQueue),
    });
    return scan;
  }

  private newProbe(
    { logRetention, placement, environment }: ReturnType<CertRenewer['sharedProps']>,
    profiles: Profiles,
    authorities: Authorities | undefined,
  ): Probe {
    const { eventBus } = this;
    return new Probe(this, 'Probe', {
      ...{ logRetention, placement, environment, eventBus, profiles, authorities },
      renewFunctionArn: this.worker.function.functionArn,
      profileNames: Object.keys(this.config.profiles),
    });
  }

  /** The renew function's role, if a CA may answer later: then it sends a message for the next look at an order. */
  private waitingRoles({ queue }: RenewalQueues): readonly Role[] {
    const answersLater = Object.values(this.config.profiles).some(
      ({ ca }) => isToken(ca) || capabilitiesOf(ca).answers === 'later',
    );
    if (!answersLater) return [];
    queue.grant(this.worker.role, 'sqs:SendMessage');
    return [this.worker.role];
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
      // Also without authorities: otherwise the first authority would change the name and so replace the role.
      roleName: signerRoleName(this, 'Renew'),
      entry: 'renew.ts',
      description: 'Renews or rekeys the certificate of one secret',
      timeout: workerTimeout,
      // The CPU grows with the memory: half the time of 512 MB at the same price (docs/performance.md, also for the other functions).
      memorySize: 1024,
    });
    allowRenewal(renew.role, this.config);
    own?.allowRenewal(renew);
    // For secrets whose native rotation names the renew function.
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

/** Validates props as a configuration, with ARNs instead of constructs. Files are relative to the working directory. */
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
