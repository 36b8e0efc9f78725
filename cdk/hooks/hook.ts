/** One hook: its rule, and what the rule starts. */
import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import { type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { HookConfig } from '../config/config-schema.ts';
import { isToken } from '../config/token.ts';
import { NodeFunction, type NodeFunctionProps } from '../functions/node-function.ts';
import { allowDecryption } from '../functions/permissions.ts';
import { execDocument, signalDocument } from './command-document.ts';
import { allowCommand, allowImport, allowInvoke, allowTopicKeys } from './hook-permissions.ts';
import { delivery, withDeadLetters } from './rule-target.ts';

export interface HookProps {
  readonly profile: string;
  readonly config: HookConfig;
  /** Of the SSM document, where the hook has one. */
  readonly documentName: string;
  /** The profile's. */
  readonly passwordSecretId: string | undefined;
  /** For what could not be delivered, or failed to the last. */
  readonly failures: IQueue;
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** Customer keys that secrets, and topics of hooks, are encrypted with. */
  readonly encryptionKeys: readonly string[];
}

type FunctionProps = Pick<NodeFunctionProps, 'entry' | 'description' | 'environment'> &
  Partial<Pick<NodeFunctionProps, 'timeout'>>;
type ConfigOf<Type extends HookConfig['type']> = Extract<HookConfig, { type: Type }>;

export class Hook extends Construct {
  readonly profile: string;
  private readonly props: HookProps;
  private importer: NodeFunction | undefined;

  constructor(scope: Construct, id: string, props: HookProps) {
    super(scope, id);
    this.props = props;
    this.profile = props.profile;
    const { profile, config, eventBus, failures } = props;
    const rule = new Rule(this, 'Rule', {
      description: `cert-renewer: a hook (${config.type}) of the profile ${profile}`,
      eventBus,
      eventPattern: {
        source: ['cert-renewer'],
        detailType: ['Certificate Renewed'],
        detail: { profile: [profile] },
      },
      targets: [withDeadLetters(this.targetOf(config), failures)],
    });
    // CDK can't know that a topic's ARN is of this Region, as it has to be (checkTopicRegions).
    Annotations.of(rule).acknowledgeWarning('@aws-cdk/aws-events:ruleUnresolvedEnvironment');
  }

  /** Whether a construct of the app, or anything else that only the deployment knows, is named by it. */
  get namesTokens(): boolean {
    return isToken(JSON.stringify(this.props.config));
  }

  /** The role of what reads secrets, if anything does. */
  get reader(): Role | undefined {
    return this.importer?.role;
  }

  /** What reads secrets may read those that are encrypted with this key. */
  allowEncryptionKey(keyArn: string): void {
    if (this.importer) allowDecryption(this.importer.role, keyArn);
  }

  private targetOf(config: HookConfig): IRuleTarget {
    switch (config.type) {
      case 'lambda':
        return new LambdaFunction(this.caller(config).function, delivery);
      case 'sns':
        return this.topic(config);
      case 'acm':
        this.importer = this.newImporter(config);
        return new LambdaFunction(this.importer.function, delivery);
      default:
        return new LambdaFunction(this.commander(config).function, delivery);
    }
  }

  /**
   * By a role: the topic's own policy is not ours, to write it would replace what is there; and one with conditions would not
   * let EventBridge publish.
   */
  private topic({ topicArn }: ConfigOf<'sns'>): IRuleTarget {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      description: `Publishes renewals of the profile ${this.profile} (cert-renewer)`,
    });
    allowTopicKeys(role, topicArn, this.props.encryptionKeys); // the target adds sns:Publish
    return new SnsTopic(Topic.fromTopicArn(this, 'Topic', topicArn), { ...delivery, authorizeUsingRole: true, role });
  }

  /** A function for each hook: its role may run this document on these instances and nothing else. */
  private commander(config: ConfigOf<'exec' | 'signal'>): NodeFunction {
    const { profile, documentName } = this.props;
    const { targetTag } = config;
    const document = new CfnDocument(this, 'Document', {
      name: documentName,
      content:
        config.type === 'exec' ? execDocument(config.command) : signalDocument(config.pidFile, config.signal ?? 1),
      documentType: 'Command',
      targetType: '/', // EC2 instances and managed nodes of any kind
      updateMethod: 'NewVersion',
    });
    const commander = this.newFunction({
      entry: 'run-command.ts',
      description: `Starts a command after a renewal of the profile ${profile}`,
      environment: { DOCUMENT_NAME: document.ref, TARGET_KEY: targetTag.key, TARGET_VALUE: targetTag.value },
    });
    allowCommand(commander.role, document.ref, targetTag);
    return commander;
  }

  /** Waits for the function, which may take as long as Lambda lets it: only so is it seen to fail. */
  private caller({ functionArn }: ConfigOf<'lambda'>): NodeFunction {
    const caller = this.newFunction({
      entry: 'invoke-function.ts',
      description: `Calls a function after a renewal of the profile ${this.profile}`,
      environment: { FUNCTION_ARN: functionArn },
      timeout: Duration.minutes(15),
    });
    allowInvoke(caller.role, functionArn);
    return caller;
  }

  private newImporter({ certificates }: ConfigOf<'acm'>): NodeFunction {
    const { profile, passwordSecretId, encryptionKeys } = this.props;
    const importer = this.newFunction({
      entry: 'import-certificate.ts',
      description: `Imports renewed certificates of the profile ${profile} into ACM`,
      environment: {
        CERTIFICATES: Stack.of(this).toJsonString(certificates),
        ...(passwordSecretId !== undefined && { PASSWORD_SECRET_ID: passwordSecretId }),
      },
    });
    allowImport(importer.role, { profile, certificates, passwordSecretId, encryptionKeys });
    return importer;
  }

  /** Outside of any VPC: it talks to AWS alone. */
  private newFunction(props: FunctionProps): NodeFunction {
    const { profile, config, eventBus, logRetention, failures } = this.props;
    const made = new NodeFunction(this, 'Run', {
      timeout: Duration.seconds(30),
      ...props,
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: {
        ...props.environment,
        PROFILE: profile,
        HOOK: config.type,
        EVENT_BUS_NAME: eventBus.eventBusName,
      },
    });
    eventBus.grantPutEventsTo(made.role);
    made.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: delivery.maxEventAge,
      onFailure: new SqsDestination(failures),
    });
    return made;
  }
}
