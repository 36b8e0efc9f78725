/** Targets of rules with a dead-letter queue. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { IEventBus, IRule, IRuleTarget } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';

/** Retries of EventBridge and Lambda. After six hours the next renewal may be near. */
export const delivery = { retryAttempts: 20, maxEventAge: Duration.hours(6) };

/**
 * Adds a dead-letter queue to a target. The CDK's own option would add a statement to the queue's policy for each rule, but SQS allows
 * twenty statements: letRulesSend adds one for all rules.
 */
export function withDeadLetters(target: IRuleTarget, { queueArn }: Pick<Queue, 'queueArn'>): IRuleTarget {
  return { bind: (rule, id) => ({ ...target.bind(rule, id), deadLetterConfig: { arn: queueArn } }) };
}

/** Lets only the rules of a bus send undeliverable events to a queue. */
export function letRulesSend(queue: Queue, { eventBusName }: Pick<IEventBus, 'eventBusName'>): void {
  // The ARN of a rule of the default bus does not name the bus.
  const resourceName = eventBusName === 'default' ? '*' : `${eventBusName}/*`;
  const rules = Stack.of(queue).formatArn({ service: 'events', resource: 'rule', resourceName });
  letSend(queue, 'RulesOfTheBus', rules);
}

/** Does the same as letRulesSend, for one rule. */
export function letRuleSend(queue: Queue, { ruleArn }: Pick<IRule, 'ruleArn'>): void {
  letSend(queue, 'OneRule', ruleArn);
}

/** Does the same as letRuleSend, for the rules of the default bus whose names begin with `prefix`. */
export function letNamedRulesSend(queue: Queue, prefix: string): void {
  letSend(
    queue,
    'NamedRules',
    Stack.of(queue).formatArn({ service: 'events', resource: 'rule', resourceName: `${prefix}*` }),
  );
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
