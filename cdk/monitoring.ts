/** Who hears of what went wrong: alarms, and a topic that is fed by them and by the events. */
import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, type IEventBus, type IRuleTarget, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RenewalEvent } from '../lambdas/domain/result.ts';
import type { Schedule } from '../lambdas/policy/schedule.ts';

export interface MonitoringProps {
  readonly profiles: readonly string[];
  readonly emails: readonly string[];
  readonly eventBus: IEventBus;
  readonly scanFunction: IFunction;
  readonly deadLetterQueue: IQueue;
  readonly scanDeadLetterQueue: IQueue;
  readonly schedule: Schedule;
  readonly paused: boolean;
  /** Undefined where no profile has any. */
  readonly hooks: HookMonitoring | undefined;
}

export interface HookMonitoring {
  /** Those that have hooks. */
  readonly profiles: readonly string[];
  readonly deadLetterQueue: IQueue;
}

export type ProfileMetric =
  | 'Renewed'
  | 'Failed'
  | 'Overdue'
  | 'Managed'
  | 'HookFailed'
  | 'SecondsToExpiry'
  | 'RenewalDuration';

/** A metric that the functions count for each profile. */
export function profileMetric(name: ProfileMetric, profile: string, statistic: string, period: Duration): Metric {
  return new Metric({
    namespace: 'CertRenewer',
    metricName: name,
    dimensionsMap: { Profile: profile },
    statistic,
    period,
  });
}

const detail = (field: string) => EventField.fromPath(`$.detail.${field}`);

/** The e-mails. What a renewal has to say is in its message, and nothing of a secret's value is. */
const mails: readonly {
  readonly id: string;
  readonly detailType: RenewalEvent['type'];
  readonly text: () => string;
}[] = [
  {
    id: 'Failures',
    detailType: 'Certificate Renewal Failed',
    text: () =>
      `cert-renewer could not renew ${detail('secretArn')} (profile ${detail('profile')}): ${detail('code')}: ${detail('message')} Failures in a row: ${detail('failures')}. It expires at ${detail('notAfter')}.`,
  },
  {
    id: 'Overdue',
    detailType: 'Certificate Renewal Overdue',
    text: () =>
      `cert-renewer: the certificate in ${detail('secretArn')} (profile ${detail('profile')}) should have been renewed at ${detail('renewAt')} and was not. It expires at ${detail('notAfter')}.`,
  },
  {
    id: 'HookFailures',
    detailType: 'Certificate Hook Failed',
    text: () =>
      `cert-renewer renewed ${detail('secretArn')} (profile ${detail('profile')}), but its hook (${detail('hook')}) failed: ${detail('code')}: ${detail('message')}`,
  },
];

export class Monitoring extends Construct {
  /** TLS only; this stack's rules and alarms publish to it. */
  readonly topic: Topic;
  readonly alarms: readonly Alarm[];
  readonly profiles: readonly string[];
  readonly hooksDeadLetterQueue: IQueue | undefined;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, displayName: 'cert-renewer' });
    this.profiles = props.profiles;
    this.hooksDeadLetterQueue = props.hooks?.deadLetterQueue;
    for (const address of props.emails) this.topic.addSubscription(new EmailSubscription(address));
    const told = mails.filter(({ detailType }) => props.hooks || detailType !== 'Certificate Hook Failed');
    const rules = told.map(({ id: ruleId, detailType, text }) =>
      this.mailRule(ruleId, detailType, text(), props.eventBus),
    );
    this.alarms = [
      ...props.profiles.flatMap((profile) => this.profileAlarms(profile, props.schedule)),
      this.deadLetterAlarm(
        'DeadLetters',
        'Renewals that failed three times wait in the dead-letter queue',
        props.deadLetterQueue,
      ),
      this.deadLetterAlarm('ScanDeadLetters', 'Scans could not be started, or failed', props.scanDeadLetterQueue),
      ...this.noScanAlarm(props),
      ...this.hookAlarms(props.hooks),
    ];
    for (const alarm of this.alarms) alarm.addAlarmAction(new SnsAction(this.topic));
    this.letPublish(
      'events.amazonaws.com',
      rules.map((rule) => rule.ruleArn),
    );
    this.letPublish(
      'cloudwatch.amazonaws.com',
      this.alarms.map((alarm) => alarm.alarmArn),
    );
  }

  private mailRule(id: string, detailType: string, text: string, eventBus: IEventBus): Rule {
    // SnsTopic of the library would let every rule of the account publish: letPublish below names ours.
    const target: IRuleTarget = { bind: () => ({ arn: this.topic.topicArn, input: RuleTargetInput.fromText(text) }) };
    return new Rule(this, id, {
      description: `cert-renewer: e-mail on ${detailType}`,
      eventBus,
      eventPattern: { source: ['cert-renewer'], detailType: [detailType] },
      targets: [target],
    });
  }

  private letPublish(principal: string, arns: readonly string[]): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(principal)],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          ArnEquals: { 'aws:SourceArn': [...arns] },
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
        },
      }),
    );
  }

  private profileAlarms(profile: string, schedule: Schedule): Alarm[] {
    // The scan counts what is overdue each time: its last word holds until the next scan, within a day.
    const scanPeriod = Duration.seconds(alarmPeriod(Math.min(schedule.longestGap, 86_400_000)));
    return [
      this.above(`Failed-${profile}`, `Certificates of the profile ${profile} could not be renewed`, {
        metric: profileMetric('Failed', profile, 'Sum', Duration.minutes(5)),
      }),
      this.above(`Overdue-${profile}`, `Certificates of the profile ${profile} are past their time to be renewed`, {
        metric: profileMetric('Overdue', profile, 'Maximum', scanPeriod),
      }),
    ];
  }

  private hookAlarms(hooks: HookMonitoring | undefined): Alarm[] {
    if (hooks === undefined) return [];
    const period = Duration.minutes(5);
    return [
      ...hooks.profiles.map((profile) =>
        this.above(`HookFailed-${profile}`, `A hook of the profile ${profile} failed after a renewal`, {
          metric: profileMetric('HookFailed', profile, 'Sum', period),
        }),
      ),
      this.deadLetterAlarm(
        'HookDeadLetters',
        'Hooks that failed wait in their dead-letter queue',
        hooks.deadLetterQueue,
      ),
    ];
  }

  private deadLetterAlarm(id: string, description: string, queue: IQueue): Alarm {
    const metric = queue.metricApproximateNumberOfMessagesVisible({
      statistic: 'Maximum',
      period: Duration.minutes(5),
    });
    return this.above(id, description, { metric });
  }

  private above(id: string, description: string, { metric }: { metric: IMetric }): Alarm {
    return new Alarm(this, id, {
      alarmDescription: `cert-renewer: ${description}.`,
      metric,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** No scan that succeeded for two periods of the schedule: neither one that was not started nor one that failed tells anything. */
  private noScanAlarm({ schedule, paused, scanFunction }: MonitoringProps): Alarm[] {
    if (paused) return [];
    const window = noScanWindow(schedule);
    if (window === undefined) {
      Annotations.of(this).addWarningV2(
        'cert-renewer:noScanAlarm',
        'Two periods of this schedule are more than the seven days that an alarm can look back: there is no alarm on missing scans. Scan every three days, or more often, to have one.',
      );
      return [];
    }
    return [
      new Alarm(this, 'NoScan', {
        alarmDescription: 'cert-renewer: no scan has succeeded for two periods of the schedule.',
        // Each invocation counts 0 or 1 error, running out of time among them: the least is 0 as soon as one succeeded.
        metric: scanFunction.metricErrors({ statistic: 'Minimum', period: Duration.seconds(window.period) }),
        threshold: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: window.periods,
        treatMissingData: TreatMissingData.BREACHING,
      }),
    ];
  }
}

/** CloudWatch's period for a time in milliseconds: whole minutes, at least one. Seconds. */
function alarmPeriod(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 60_000)) * 60;
}

/**
 * The alarm's period (seconds) and how many of them make two gaps of the schedule. An alarm looks back a day with
 * periods under an hour, and seven days with longer ones (PutMetricAlarm); undefined where that is too short.
 */
export function noScanWindow({
  longestGap,
}: Pick<Schedule, 'longestGap'>): { period: number; periods: number } | undefined {
  const dayLong = 86_400;
  const gap = alarmPeriod(longestGap);
  if (gap <= dayLong) return { period: gap, periods: 2 };
  const periods = Math.ceil((2 * gap) / dayLong);
  return periods <= 7 ? { period: dayLong, periods } : undefined;
}
