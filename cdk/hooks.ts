/** What runs after a renewal: one rule of the bus for each hook, and who tells of those that fail. */
import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import { EventField, type IEventBus, type IRuleTarget, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { HookType } from '../lambdas/domain/hook.ts';
import { execDocument, signalDocument } from './command-document.ts';
import type { HookConfig, ProfileConfig } from './config-schema.ts';
import { allowCommand, allowImport, allowInvoke, allowLookup } from './hook-permissions.ts';
import { NodeFunction, type NodeFunctionProps } from './node-function.ts';

export interface HooksProps {
  /** Valid; some have hooks. */
  readonly profiles: Readonly<Record<string, ProfileConfig>>;
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** Customer keys that secrets are encrypted with. */
  readonly encryptionKeys: readonly string[];
}

type FunctionProps = Pick<NodeFunctionProps, 'entry' | 'description' | 'environment'> &
  Partial<Pick<NodeFunctionProps, 'timeout'>>;
type CommandConfig = Extract<HookConfig, { type: 'exec' | 'signal' }>;

/** How long EventBridge and Lambda go on trying; by then the next renewal may be near. */
const delivery = { retryAttempts: 20, maxEventAge: Duration.hours(6) };

/** Final states of a command or an invocation that mean nothing bad, and those on the way there. */
const harmless = ['Pending', 'InProgress', 'In Progress', 'Delayed', 'Cancelling', 'Success'];

export class Hooks extends Construct {
  /** Where failures end that were told already. */
  readonly deadLetterQueue: Queue;
  private readonly props: HooksProps;
  private readonly reporter: NodeFunction;
  private readonly failures = new Map<HookType, Queue>();

  constructor(scope: Construct, id: string, props: HooksProps) {
    super(scope, id);
    this.props = props;
    const all = Object.entries(props.profiles).flatMap(([profile, { hooks = [] }]) =>
      hooks.map((hook, index) => ({ profile, hook, id: `${profile}-${index}-${hook.type}` })),
    );
    this.deadLetterQueue = new Queue(this, 'DeadLetters', { ...sealed, retentionPeriod: Duration.days(14) });
    const types = new Set(all.map(({ hook }) => hook.type));
    for (const type of types) this.failures.set(type, this.failureQueue(type));
    this.reporter = this.newReporter();
    for (const { profile, hook, id: hookId } of all) this.addHook(hookId, profile, hook);
  }

  /**
   * A message is seen once: by the function that tells of it, which hands it back as failed, so that SQS moves it to the
   * dead letters. There the alarm finds it, and whoever looks into it.
   */
  private failureQueue(type: HookType): Queue {
    return new Queue(this, `${type}Failures`, {
      ...sealed,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.minutes(1),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 1 },
    });
  }

  private failuresOf(type: HookType): Queue {
    const queue = this.failures.get(type);
    if (queue) return queue;
    throw new Error(`no hook of the type ${type}`);
  }

  private newReporter(): NodeFunction {
    const queues = Object.fromEntries([...this.failures].map(([type, { queueArn }]) => [queueArn, type]));
    const reporter = this.newFunction('Reporter', {
      entry: 'report-hook-failure.ts',
      description: 'Tells of hooks that failed',
      environment: { QUEUES: Stack.of(this).toJsonString(queues) },
    });
    allowLookup(reporter.role);
    for (const queue of this.failures.values()) {
      reporter.function.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
    }
    return reporter;
  }

  private addHook(id: string, profile: string, hook: HookConfig): void {
    const rule = new Rule(this, id, {
      description: `cert-renewer: a hook (${hook.type}) of the profile ${profile}`,
      eventBus: this.props.eventBus,
      eventPattern: {
        source: ['cert-renewer'],
        detailType: ['Certificate Renewed'],
        detail: { profile: [profile] },
      },
      targets: [this.targetOf(id, profile, hook)],
    });
    // CDK can't know that what an ARN names is of this account and Region, as a hook's target has to be.
    Annotations.of(rule).acknowledgeWarning('@aws-cdk/aws-events:ruleUnresolvedEnvironment');
  }

  private targetOf(id: string, profile: string, hook: HookConfig): IRuleTarget {
    const options = { ...delivery, deadLetterQueue: this.failuresOf(hook.type) };
    switch (hook.type) {
      case 'lambda':
        return new LambdaFunction(this.caller(id, profile, hook.functionArn).function, options);
      case 'sns':
        // By a role, as the topic's own policy is not ours: to write it would replace what is there.
        return new SnsTopic(Topic.fromTopicArn(this, `${id}-Topic`, hook.topicArn), {
          ...options,
          authorizeUsingRole: true,
        });
      case 'acm':
        return new LambdaFunction(this.importer(id, profile, hook.certificates).function, options);
      default:
        return new LambdaFunction(this.commander(id, profile, hook).function, options);
    }
  }

  /** A function for each hook: its role may run this document on these instances and nothing else. */
  private commander(id: string, profile: string, hook: CommandConfig): NodeFunction {
    const content = hook.type === 'exec' ? execDocument(hook.command) : signalDocument(hook.pidFile, hook.signal ?? 1);
    const document = new CfnDocument(this, `${id}-Document`, {
      content,
      documentType: 'Command',
      targetType: '/', // EC2 instances and managed nodes of any kind
      updateMethod: 'NewVersion',
    });
    const { targetTag } = hook;
    const commander = this.hookFunction(id, profile, hook.type, {
      entry: 'run-command.ts',
      description: `Starts a command after a renewal of the profile ${profile}`,
      environment: { DOCUMENT_NAME: document.ref, TARGET_KEY: targetTag.key, TARGET_VALUE: targetTag.value },
    });
    allowCommand(commander.role, document.ref, targetTag);
    this.listen(id, profile, hook.type, document.ref);
    return commander;
  }

  /** That Run Command took a command is not that it worked: SSM tells on the account's own bus. */
  private listen(id: string, profile: string, hook: HookType, documentName: string): void {
    const detail = EventField.fromPath('$.detail');
    new Rule(this, `${id}-Status`, {
      description: `cert-renewer: a hook (${hook}) of the profile ${profile} failed on an instance`,
      eventPattern: {
        source: ['aws.ssm'],
        detailType: ['EC2 Command Status-change Notification', 'EC2 Command Invocation Status-change Notification'],
        detail: { 'document-name': [documentName], status: [{ 'anything-but': harmless }] },
      },
      targets: [
        new LambdaFunction(this.reporter.function, {
          ...delivery,
          event: RuleTargetInput.fromObject({ profile, hook, detail }),
          deadLetterQueue: this.deadLetterQueue,
        }),
      ],
    });
  }

  /** Waits for the function, which may take as long as Lambda lets it: only so is it seen to fail. */
  private caller(id: string, profile: string, functionArn: string): NodeFunction {
    const caller = this.hookFunction(id, profile, 'lambda', {
      entry: 'invoke-function.ts',
      description: `Calls a function after a renewal of the profile ${profile}`,
      environment: { FUNCTION_ARN: functionArn },
      timeout: Duration.minutes(15),
    });
    allowInvoke(caller.role, functionArn);
    return caller;
  }

  private importer(id: string, profile: string, certificates: Readonly<Record<string, string>>): NodeFunction {
    const passwordSecretId = this.props.profiles[profile]?.passwordSecretId;
    const importer = this.hookFunction(id, profile, 'acm', {
      entry: 'import-certificate.ts',
      description: `Imports renewed certificates of the profile ${profile} into ACM`,
      environment: {
        CERTIFICATES: Stack.of(this).toJsonString(certificates),
        ...(passwordSecretId !== undefined && { PASSWORD_SECRET_ID: passwordSecretId }),
      },
    });
    const { encryptionKeys } = this.props;
    allowImport(importer.role, { profile, certificates, passwordSecretId, encryptionKeys });
    return importer;
  }

  private hookFunction(id: string, profile: string, hook: HookType, props: FunctionProps): NodeFunction {
    const environment = { ...props.environment, PROFILE: profile, HOOK: hook };
    const made = this.newFunction(`${id}-Run`, { ...props, environment });
    made.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: delivery.maxEventAge,
      onFailure: new SqsDestination(this.failuresOf(hook)),
    });
    return made;
  }

  /** Outside of any VPC: it talks to AWS alone. */
  private newFunction(id: string, props: FunctionProps): NodeFunction {
    const { eventBus, logRetention } = this.props;
    const made = new NodeFunction(this, id, {
      timeout: Duration.seconds(30),
      ...props,
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: { ...props.environment, EVENT_BUS_NAME: eventBus.eventBusName },
    });
    eventBus.grantPutEventsTo(made.role);
    return made;
  }
}

const sealed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
