/** Targets of rules, each with a dead-letter queue: what can't be delivered is kept. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { IEventBus, IRule, IRuleTarget } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';

/** How long EventBridge and Lambda try: by then the next renewal may be near. */
export const delivery = { retryAttempts: 20, maxEventAge: Duration.hours(6) };

/**
 * The same target with a dead-letter queue. The option of CDK's targets would add a statement to the queue's policy for each
 * rule, and SQS takes twenty statements: letRulesSend adds one for all.
 */
export function withDeadLetters(target: IRuleTarget, { queueArn }: Pick<Queue, 'queueArn'>): IRuleTarget {
  return { bind: (rule, id) => ({ ...target.bind(rule, id), deadLetterConfig: { arn: queueArn } }) };
}

/** Lets the rules of a bus, and no others, put what they can't deliver into a queue. */
export function letRulesSend(queue: Queue, { eventBusName }: Pick<IEventBus, 'eventBusName'>): void {
  // The ARN of a rule of the default bus does not name the bus.
  const resourceName = eventBusName === 'default' ? '*' : `${eventBusName}/*`;
  const rules = Stack.of(queue).formatArn({ service: 'events', resource: 'rule', resourceName });
  letSend(queue, 'RulesOfTheBus', rules);
}

/** The same for one rule. */
export function letRuleSend(queue: Queue, { ruleArn }: Pick<IRule, 'ruleArn'>): void {
  letSend(queue, 'OneRule', ruleArn);
}

function letSend(queue: Queue, sid: string, sourceArn: string): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid,
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnLike: { 'aws:SourceArn': sourceArn } },
    }),
  );
}
