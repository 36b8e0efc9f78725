/** The e-mails about failures: rules of the bus, and a function that publishes to the topic. */
import { Duration, Stack } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { acknowledge } from '../acknowledge.ts';
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
  /** Whether endpoints are probed. */
  readonly probe: boolean;
}

const told: readonly { readonly id: string; readonly detailType: RenewalEvent['type'] }[] = [
  { id: 'Failures', detailType: 'Certificate Renewal Failed' },
  { id: 'Overdue', detailType: 'Certificate Renewal Overdue' },
  { id: 'HookFailures', detailType: 'Certificate Hook Failed' },
  { id: 'NotServed', detailType: 'Certificate Not Served' },
];

/**
 * The rules and the function of the e-mails. EventBridge can publish only JSON to the topic. The e-mail would be in quotation marks, and
 * a message that contains quotation marks would break it. So a function writes the e-mail (lambdas/notices).
 */
export class Notices extends Construct {
  /** Notices that could not be delivered. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { topic, eventBus, logRetention, hooks, probe }: NoticesProps) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...sealed,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      this.deadLetterQueue,
      'AwsSolutions-SQS3',
      'It is a dead-letter queue, of the rules and of the function, which cdk-nag does not check.',
    );
    letRulesSend(this.deadLetterQueue, eventBus);
    const sender = this.newSender(topic, logRetention);
    for (const { id: ruleId, detailType } of told) {
      if (detailType === 'Certificate Hook Failed' && !hooks) continue;
      if (detailType === 'Certificate Not Served' && !probe) continue;
      new Rule(this, ruleId, {
        description: `cert-renewer: e-mail about ${detailType}`,
        eventBus,
        eventPattern: { source: ['cert-renewer'], detailType: [detailType] },
        targets: [withDeadLetters(new LambdaFunction(sender.function, delivery), this.deadLetterQueue)],
      });
    }
  }

  /** Creates the function, outside of any VPC: it calls only SNS. */
  private newSender({ topicArn }: ITopic, logRetention: RetentionDays): NodeFunction {
    const sender = new NodeFunction(this, 'Sender', {
      entry: 'send-notice.ts',
      description: 'Sends e-mails about problems with certificates',
      timeout: Duration.seconds(30),
      memorySize: 512,
      logRetention,
      placement: undefined,
      // For the commands in the e-mails.
      environment: { TOPIC_ARN: topicArn, STACK_NAME: Stack.of(this).stackName },
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
