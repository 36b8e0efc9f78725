/** Who hears by e-mail of what went wrong: a topic, fed by the stack's alarms and by a function that writes of the events. */
import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../lambdas/domain/result.ts';
import { NodeFunction } from './node-function.ts';
import { allow } from './permissions.ts';
import { letRulesSend, withDeadLetters } from './rule-target.ts';

export interface NoticesProps {
  readonly emails: readonly string[];
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** Whether any profile has hooks. */
  readonly hooks: boolean;
}

/** How long EventBridge and Lambda try; an e-mail of yesterday's failure is of no use. */
const delivery = { retryAttempts: 20, maxEventAge: Duration.hours(6) };

const told: readonly { readonly id: string; readonly detailType: RenewalEvent['type'] }[] = [
  { id: 'Failures', detailType: 'Certificate Renewal Failed' },
  { id: 'Overdue', detailType: 'Certificate Renewal Overdue' },
  { id: 'HookFailures', detailType: 'Certificate Hook Failed' },
];

/**
 * EventBridge could publish to the topic itself, but what it writes is JSON: an e-mail in quotation marks, and a broken one
 * where a message has quotes in it. So a function writes it (lambdas/notices).
 */
export class Notices extends Construct {
  /** TLS only. */
  readonly topic: Topic;
  /** Notices that could not be delivered. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { emails, eventBus, logRetention, hooks }: NoticesProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, displayName: 'cert-renewer' });
    for (const address of emails) this.topic.addSubscription(new EmailSubscription(address));
    this.letAlarmsPublish();
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: "It is a dead-letter queue: the rules' and the function's, which cdk-nag does not look at.",
    });
    letRulesSend(this.deadLetterQueue, eventBus);
    const sender = this.newSender(logRetention);
    for (const { id: ruleId, detailType } of told) {
      if (detailType === 'Certificate Hook Failed' && !hooks) continue;
      new Rule(this, ruleId, {
        description: `cert-renewer: e-mail on ${detailType}`,
        eventBus,
        eventPattern: { source: ['cert-renewer'], detailType: [detailType] },
        targets: [withDeadLetters(new LambdaFunction(sender.function, delivery), this.deadLetterQueue)],
      });
    }
  }

  /** Outside of any VPC: it talks to SNS alone. */
  private newSender(logRetention: RetentionDays): NodeFunction {
    const sender = new NodeFunction(this, 'Sender', {
      entry: 'send-notice.ts',
      description: 'Tells by e-mail of what went wrong',
      timeout: Duration.seconds(30),
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: { TOPIC_ARN: this.topic.topicArn },
    });
    sender.role.addToPolicy(allow('Publish', ['sns:Publish'], [this.topic.topicArn]));
    sender.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: delivery.maxEventAge,
      onFailure: new SqsDestination(this.deadLetterQueue),
    });
    return sender;
  }

  /** Those of this account and Region: to list them by ARN would be more than a topic's policy takes (30 KB). */
  private letAlarmsPublish(): void {
    const stack = Stack.of(this);
    const alarms = `arn:${stack.partition}:cloudwatch:${stack.region}:${stack.account}:alarm:*`;
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          ArnLike: { 'aws:SourceArn': alarms },
          StringEquals: { 'aws:SourceAccount': stack.account },
        },
      }),
    );
  }
}
