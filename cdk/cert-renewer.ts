/** The construct: everything that keeps the certificates of one account and Region from expiring. */
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../lambdas/domain/result.ts';
import { type Config, configSchedule, validateConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import { type EnrollableSecret, type EnrolOptions, enrolmentTags } from './enrolment.ts';
import { Monitoring, type ProfileMetric, profileMetric } from './monitoring.ts';
import { placementOf, type VpcPlacement } from './network.ts';
import { NodeFunction, type NodeFunctionProps } from './node-function.ts';
import { allowEncryptionKey, allowProfiles, allowRenewal, allowScan } from './permissions.ts';
import { Profiles } from './profiles.ts';
import { RenewalQueues } from './queues.ts';
import { eventAge, ScanSchedule } from './scan-schedule.ts';

/** The options of cert-renewer.json; in place of ids and ARNs, constructs and tokens may stand. */
export interface CertRenewerProps extends Omit<Config, 'vpc' | 'encryptionKeys'> {
  /** @default none: the functions run outside of any VPC */
  readonly vpc?: Config['vpc'] | VpcPlacement | undefined;
  /** Customer keys that secrets are encrypted with. @default none */
  readonly encryptionKeys?: readonly (string | IKey | Key)[] | undefined;
  /** Where events go. @default a bus of its own */
  readonly eventBus?: IEventBus | EventBus | undefined;
}

const workerTimeout = Duration.minutes(2);

/**
 * Renews and rekeys the certificates in every secret that carries the tag `cert-renewer:profile` with the name of one
 * of its profiles. One in a stack. Throws ConfigError for options that are wrong.
 */
export class CertRenewer extends Construct {
  readonly scanFunction: IFunction;
  readonly renewFunction: IFunction;
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly eventBus: IEventBus;
  /** What alarms and failures are published to; `notify.email` subscribes to it. */
  readonly topic: ITopic;
  private readonly config: Config;
  private readonly worker: NodeFunction;

  constructor(scope: Construct, id: string, props: CertRenewerProps) {
    super(scope, id);
    this.refuseSecond();
    this.config = validateProps(this, props);
    const { config } = this;
    const schedule = configSchedule(config);
    const paused = config.paused ?? false;
    const profiles = new Profiles(this, 'Profiles', config.profiles);
    const queues = new RenewalQueues(this, 'Queues', workerTimeout);
    const bus = props.eventBus ?? new EventBus(this, 'Bus', { description: 'What cert-renewer did' });
    this.eventBus = bus as IEventBus; // class and interface differ only in an optional property that may be undefined
    const shared = this.sharedProps(props, profiles, queues.queue.queueUrl);
    const scan = this.scanner(shared, queues, eventAge(schedule));
    this.worker = this.renewer(shared, queues.queue);
    for (const { role, function: fn } of [scan, this.worker]) {
      allowProfiles(role, profiles.prefix);
      this.eventBus.grantPutEventsTo(role);
      fn.node.addDependency(...profiles.parameters); // a new environment must find the new profiles
    }
    new ScanSchedule(this, 'Schedule', {
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
    this.topic = new Monitoring(this, 'Monitoring', {
      profiles: Object.keys(config.profiles),
      emails: config.notify?.email ?? [],
      eventBus: this.eventBus,
      scanFunction: scan.function,
      deadLetterQueue: queues.deadLetterQueue,
      scanDeadLetterQueue: queues.scanDeadLetterQueue,
      schedule,
      paused,
    }).topic;
  }

  /**
   * Lets a role invoke the renew function on demand. Whoever may do that acts as every certificate of the profiles: a
   * profile is one trust boundary.
   */
  grantInvoke(grantee: IGrantable): Grant {
    return this.renewFunction.grantInvoke(grantee);
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
    if (secret.encryptionKey) allowEncryptionKey(this.worker.role, secret.encryptionKey.keyArn);
  }

  /** After each renewal; the event's detail is the answer of the renew function. */
  onRenewed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewed', options);
  }

  onFailed(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Failed', options);
  }

  onOverdue(id: string, options: OnEventOptions = {}): Rule {
    return this.onEvent(id, 'Certificate Renewal Overdue', options);
  }

  /** A metric of namespace CertRenewer. @default the sum over five minutes */
  metric(name: ProfileMetric, profile: string, options: MetricOptions = {}): Metric {
    return profileMetric(name, profile, 'Sum', Duration.minutes(5)).with(options);
  }

  metricRenewed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Renewed', profile, options);
  }

  metricFailed(profile: string, options?: MetricOptions): Metric {
    return this.metric('Failed', profile, options);
  }

  metricOverdue(profile: string, options?: MetricOptions): Metric {
    return this.metric('Overdue', profile, { statistic: 'Maximum', ...options });
  }

  metricManaged(profile: string, options?: MetricOptions): Metric {
    return this.metric('Managed', profile, { statistic: 'Maximum', ...options });
  }

  /** The least time that is left to any certificate of the profile. */
  metricSecondsToExpiry(profile: string, options?: MetricOptions): Metric {
    return this.metric('SecondsToExpiry', profile, { statistic: 'Minimum', ...options });
  }

  /** Milliseconds. */
  metricRenewalDuration(profile: string, options?: MetricOptions): Metric {
    return this.metric('RenewalDuration', profile, { statistic: 'Average', ...options });
  }

  private onEvent(id: string, type: RenewalEvent['type'], { target, eventPattern, ...options }: OnEventOptions): Rule {
    const rule = new Rule(this, id, {
      ...options,
      eventBus: this.eventBus,
      eventPattern: { ...eventPattern, source: ['cert-renewer'], detailType: [type] },
    });
    if (target) rule.addTarget(target);
    return rule;
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

  private sharedProps(props: CertRenewerProps, profiles: Profiles, queueUrl: string) {
    const { config } = this;
    return {
      logRetention: config.logRetentionDays ?? 90,
      placement: placementOf(this, props.vpc),
      environment: {
        PROFILE_PREFIX: profiles.prefix,
        EVENT_BUS_NAME: this.eventBus.eventBusName,
        QUEUE_URL: queueUrl,
        SCHEDULE: configSchedule(config).expression,
        ...(config.scheduleTimezone !== undefined && { SCHEDULE_TIMEZONE: config.scheduleTimezone }),
        CONFIG_HASH: profiles.hash,
      },
    } satisfies Partial<NodeFunctionProps>;
  }

  private scanner(shared: ReturnType<CertRenewer['sharedProps']>, queues: RenewalQueues, age: number): NodeFunction {
    const scan = new NodeFunction(this, 'Scan', {
      ...shared,
      entry: 'scan.ts',
      description: 'Lists enrolled secrets and queues what is due',
      timeout: Duration.minutes(15),
      memorySize: 256,
    });
    allowScan(scan.role);
    queues.queue.grant(scan.role, 'sqs:SendMessage');
    queues.onlyFrom(scan.role);
    scan.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(age),
      onFailure: new SqsDestination(queues.scanDeadLetterQueue),
    });
    return scan;
  }

  private renewer(shared: ReturnType<CertRenewer['sharedProps']>, queue: IQueue): NodeFunction {
    const renew = new NodeFunction(this, 'Renew', {
      ...shared,
      entry: 'renew.ts',
      description: 'Renews or rekeys the certificate of one secret',
      timeout: workerTimeout,
      memorySize: 512,
    });
    allowRenewal(renew.role, this.config);
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
