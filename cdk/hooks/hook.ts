/** One hook: its rule and the rule's target. */
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
import { deploymentEnds, serviceArns } from './deployment-events.ts';
import { allowCommand, allowDeployments, allowImport, allowInvoke, allowTopicKeys } from './hook-permissions.ts';
import { delivery, withDeadLetters } from './rule-target.ts';

export interface HookProps {
  readonly profile: string;
  readonly config: HookConfig;
  /** Name of the SSM document, for `exec` and `signal`. */
  readonly documentName: string;
  /** Name of the rule on the default bus, for `ecs`. */
  readonly ruleName: string;
  /** The passwordSecretId of the profile. */
  readonly passwordSecretId: string | undefined;
  /** The queue for events that could not be delivered, and for invocations whose last try failed. */
  readonly failures: IQueue;
  /** The queue for events of the default bus that could not be delivered. */
  readonly deadLetters: IQueue;
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** ARNs of customer keys of secrets and of topics. */
  readonly encryptionKeys: readonly string[];
}

type FunctionProps = Pick<NodeFunctionProps, 'entry' | 'description' | 'environment'> &
  Partial<Pick<NodeFunctionProps, 'timeout'>>;
type ConfigOf<Type extends HookConfig['type']> = Extract<HookConfig, { type: Type }>;

/** A rule of the bus that runs a hook after each renewal of its profile. */
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
    // The CDK can't know that the topic is in this Region; checkTopicRegions ensures it.
    Annotations.of(rule).acknowledgeWarning('@aws-cdk/aws-events:ruleUnresolvedEnvironment');
  }

  /** Whether the hook's configuration contains a token, such as a construct of the app. */
  get namesTokens(): boolean {
    return isToken(JSON.stringify(this.props.config));
  }

  /** The role of the function that reads secrets; undefined if the hook has none. */
  get reader(): Role | undefined {
    return this.importer?.role;
  }

  /** Lets the function that reads secrets use this customer key. */
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
      case 'ecs':
        return new LambdaFunction(this.deployer(config).function, delivery);
      default:
        return new LambdaFunction(this.commander(config).function, delivery);
    }
  }

  /**
   * Publishes by a role. A statement in the topic's policy is no alternative: it would replace the user's policy, and EventBridge does not
   * support conditions there.
   */
  private topic({ topicArn }: ConfigOf<'sns'>): IRuleTarget {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      description: `Publishes renewals of the profile ${this.profile} (cert-renewer)`,
    });
    allowTopicKeys(role, topicArn, this.props.encryptionKeys); // the target adds sns:Publish
    return new SnsTopic(Topic.fromTopicArn(this, 'Topic', topicArn), { ...delivery, authorizeUsingRole: true, role });
  }

  /** Creates a function for this hook alone. Its role may only run this document on these instances. */
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

  /** Creates a function that calls the user's function and waits for it, up to Lambda's 15 minutes, to see if it fails. */
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

  /**
   * Creates a function that deploys services, and a rule that tells it how their deployments end. It is this function, not the
   * reporter, because it knows the services: the environment of one function has no room for those of all hooks.
   */
  private deployer({ services }: ConfigOf<'ecs'>): NodeFunction {
    const { profile, ruleName, deadLetters } = this.props;
    const deployer = this.newFunction({
      entry: 'replace-tasks.ts',
      description: `Deploys ECS services after a renewal of the profile ${profile}`,
      environment: { SERVICES: Stack.of(this).toJsonString(services) },
    });
    const arns = serviceArns(this, Object.values(services));
    allowDeployments(deployer.role, arns);
    new Rule(this, 'Deployments', {
      ruleName, // known to the policy of the dead-letter queue
      description: `cert-renewer: a deployment for the profile ${profile} ended`,
      eventPattern: deploymentEnds(arns),
      targets: [withDeadLetters(new LambdaFunction(deployer.function, delivery), deadLetters)],
    });
    return deployer;
  }

  /** Creates a function outside of any VPC: it calls only AWS. */
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
