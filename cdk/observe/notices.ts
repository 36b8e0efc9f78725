/** The e-mails on what went wrong: rules, and a function that writes them and publishes to the topic. */
import { Duration, Validations } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { NodeFunction } from '../functions/node-function.ts';
import { allow } from '../functions/permissions.ts';
import { sealed } from '../functions/queues.ts';
import { delivery, letRulesSend, withDeadLetters } from '../hooks/rule-target.ts';

export interface NoticesProps {
  readonly topic: ITopic;
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  /** Whether any profile has hooks. */
  readonly hooks: boolean;
}

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
  /** Notices that could not be delivered. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { topic, eventBus, logRetention, hooks }: NoticesProps) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...sealed,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: "It is a dead-letter queue: the rules' and the function's, which cdk-nag does not look at.",
    });
    letRulesSend(this.deadLetterQueue, eventBus);
    const sender = this.newSender(topic, logRetention);
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
  private newSender({ topicArn }: ITopic, logRetention: RetentionDays): NodeFunction {
    const sender = new NodeFunction(this, 'Sender', {
      entry: 'send-notice.ts',
      description: 'Tells by e-mail of what went wrong',
      timeout: Duration.seconds(30),
      memorySize: 512,
      logRetention,
      placement: undefined,
      environment: { TOPIC_ARN: topicArn },
    });
    sender.role.addToPolicy(allow('Publish', ['sns:Publish'], [topicArn]));
    sender.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: delivery.maxEventAge,
      onFailure: new SqsDestination(this.deadLetterQueue),
    });
    return sender;
  }
}
