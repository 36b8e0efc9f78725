/** The hooks of all profiles (hook.ts), and the function that reports failed hooks. */
import { createHash } from 'node:crypto';
import { Annotations, Duration, Stack, Token } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { HookType } from '../../lambdas/domain/hook.ts';
import { ConfigError } from '../config/config-error.ts';
import type { HookConfig, ProfileConfig } from '../config/config-schema.ts';
import { checkTopicRegions } from '../config/hook-config.ts';
import { NodeFunction } from '../functions/node-function.ts';
import { sealed } from '../functions/queues.ts';
import type { Parts } from '../parts.ts';
import { Hook } from './hook.ts';
import { allowLookup } from './hook-permissions.ts';
import { delivery, letNamedRulesSend, letRuleSend, letRulesSend, withDeadLetters } from './rule-target.ts';

export interface HooksProps {
  /** The profiles of a valid configuration. At least one has hooks. */
  readonly profiles: Readonly<Record<string, ProfileConfig>>;
  /** The place of each profile's hooks. */
  readonly parts: Parts;
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** Whether the stack probes endpoints. */
  readonly isProbed: boolean;
  /** ARNs of customer keys of secrets and of topics. */
  readonly encryptionKeys: readonly string[];
}

/** Rules of a bus, the default quota (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html). */
const mostRules = 300;
/** Rules for e-mails (notices.ts). */
const ownRules = { always: 3, withProbe: 4 };

/** States of a command or an invocation that are not failures. */
const harmless = ['Pending', 'InProgress', 'In Progress', 'Delayed', 'Cancelling', 'Success'];

/** All hooks of a stack. Throws ConfigError if a topic is in another Region. */
export class Hooks extends Construct {
  /** Failures that are reported already. */
  readonly deadLetterQueue: Queue;
  private readonly props: HooksProps;
  private readonly failures = new Map<HookType, Queue>();
  private readonly all: readonly Hook[];

  constructor(scope: Construct, id: string, props: HooksProps) {
    super(scope, id);
    this.props = props;
    const problems = checkTopicRegions(props, regionOf(this));
    if (problems.length > 0) throw new ConfigError(scope.node.path, problems);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', { ...sealed, retentionPeriod: Duration.days(14) });
    const configs = Object.entries(props.profiles).flatMap(([profile, { hooks = [] }]) =>
      hooks.map((config, index) => ({ profile, config, index })),
    );
    const rules = configs.length + (props.isProbed ? ownRules.withProbe : ownRules.always);
    if (rules > mostRules) this.warnOfRules(rules);
    for (const type of new Set(configs.map(({ config }) => config.type))) {
      this.failures.set(type, this.failureQueue(type));
    }
    const reporter = this.newReporter();
    if (configs.some(({ config }) => config.type === 'exec' || config.type === 'signal')) this.listen(reporter);
    if (configs.some(({ config }) => config.type === 'ecs')) letNamedRulesSend(this.deadLetterQueue, this.namePrefix);
    this.all = configs.map(({ profile, config, index }) => this.newHook(profile, config, index));
  }

  /** Lets the hooks of a profile that read secrets use this customer key. */
  allowEncryptionKey(profile: string, keyArn: string): void {
    for (const hook of this.all) if (hook.profile === profile) hook.allowEncryptionKey(keyArn);
  }

  /** Returns the roles of a profile's hooks that read secrets. */
  readersOf(profile: string): readonly Role[] {
    return this.all.filter((hook) => hook.profile === profile).flatMap(({ reader }) => reader ?? []);
  }

  /** Returns the hooks of a profile without tokens. A target with a token may depend on a certificate of the same app. */
  ofKnownTargets(profile: string): readonly Hook[] {
    return this.all.filter((hook) => hook.profile === profile && !hook.namesTokens);
  }

  private newHook(profile: string, config: HookConfig, index: number): Hook {
    const { parts, profiles, eventBus, logRetention, encryptionKeys } = this.props;
    const part = parts.of(profile);
    const id = `${profile}-${index}-${config.type}`;
    return new Hook(part?.scope ?? this, id, {
      profile,
      config,
      documentName: `${this.namePrefix}${part?.number ?? 0}.${profile}.${index}.${config.type}`,
      // The name of a rule has 64 characters at most.
      ruleName: `${this.namePrefix}${part?.number ?? 0}.${hashOf(profile)}.${index}`,
      passwordSecretId: profiles[profile]?.passwordSecretId,
      deadLetters: this.deadLetterQueue,
      failures: this.failuresOf(config.type),
      eventBus,
      logRetention,
      encryptionKeys,
    });
  }

  private warnOfRules(count: number): void {
    Annotations.of(this).addWarningV2(
      'cert-renewer:rules',
      `The bus will have ${count} rules, one for each hook. EventBridge allows ${mostRules} rules on a bus by default (in some Regions 100): ask AWS for a higher quota before you deploy, or put some of the profiles into a second stack.`,
    );
  }

  /**
   * Creates the queue for failures of a type of hook. The reporting function receives each message once and returns it as failed. SQS then
   * moves it to the dead-letter queue, which has an alarm.
   */
  private failureQueue(type: HookType): Queue {
    const queue = new Queue(this, `${type}Failures`, {
      ...sealed,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.minutes(1),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 1 },
    });
    letRulesSend(queue, this.props.eventBus);
    return queue;
  }

  private failuresOf(type: HookType): Queue {
    const queue = this.failures.get(type);
    if (queue) return queue;
    throw new Error(`no hook of the type ${type}`);
  }

  /** Creates the reporting function, outside of any VPC: it calls only AWS. */
  private newReporter(): NodeFunction {
    const { eventBus, logRetention } = this.props;
    const queues = Object.fromEntries([...this.failures].map(([type, { queueArn }]) => [queueArn, type]));
    const reporter = new NodeFunction(this, 'Reporter', {
      entry: 'report-hook-failure.ts',
      description: 'Reports hooks that failed',
      timeout: Duration.seconds(30),
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: {
        QUEUES: Stack.of(this).toJsonString(queues),
        DOCUMENT_PREFIX: this.namePrefix,
        EVENT_BUS_NAME: eventBus.eventBusName,
      },
    });
    eventBus.grantPutEventsTo(reporter.role);
    allowLookup(reporter.role);
    reporter.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: delivery.maxEventAge,
      onFailure: new SqsDestination(this.deadLetterQueue),
    });
    for (const queue of this.failures.values()) {
      reporter.function.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
    }
    return reporter;
  }

  /**
   * Listens for the states of commands, which SSM publishes on the account's default bus: a command may fail after Run Command accepted it.
   * There is one rule for all documents, because a function's policy (20 KB) has no room for one permission for each.
   */
  private listen(reporter: NodeFunction): void {
    const target = new LambdaFunction(reporter.function, delivery);
    const rule = new Rule(this, 'Status', {
      description: 'cert-renewer: a hook failed on an instance',
      eventPattern: {
        source: ['aws.ssm'],
        detailType: ['EC2 Command Status-change Notification', 'EC2 Command Invocation Status-change Notification'],
        detail: { 'document-name': [{ prefix: this.namePrefix }], status: [{ 'anything-but': harmless }] },
      },
      targets: [withDeadLetters(target, this.deadLetterQueue)],
    });
    letRuleSend(this.deadLetterQueue, rule);
  }

  /**
   * Prefix of the names of this stack's documents, and of its rules on the default bus. The rest of a document's name gives the profile
   * and the hook, for the report.
   */
  private get namePrefix(): string {
    return `cert-renewer-${hashOf(`${Stack.of(this).stackName}/${this.node.path}`)}-`;
  }
}

/** Returns 12 hexadecimal digits. */
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Returns the stack's Region. If the stack has none of its own, the Region of the CDK's command line, if it is known. */
function regionOf(scope: Construct): string | undefined {
  const { region } = Stack.of(scope);
  return Token.isUnresolved(region) ? process.env['CDK_DEFAULT_REGION'] || undefined : region;
}
