/** The topic for problems, and the alarms. */
import { Annotations, ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarm,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Schedule } from '../../lambdas/domain/schedule.ts';
import { authorityProfileName } from '../../lambdas/policy/authority-profile.ts';
import type { Config } from '../config/config.ts';
import type { Parts } from '../parts.ts';
import { type AlarmKind, type AlarmSubject, alarmDescription, alarmName } from './alarm-text.ts';
import { type DeadLetters, noticeLetters } from './dead-letters.ts';
import { Notices } from './notices.ts';
import { type ProfileMetric, profileMetric } from './profile-metric.ts';

export interface MonitoringProps {
  readonly profiles: readonly MonitoredProfile[];
  /** The place of each profile's alarms. */
  readonly parts: Parts;
  readonly emails: readonly string[];
  readonly eventBus: IEventBus;
  readonly logRetention: RetentionDays;
  readonly scanFunction: IFunction;
  /** Undefined without `probe`. */
  readonly probeFunction: IFunction | undefined;
  /** Without that of the notices. */
  readonly deadLetterQueues: readonly DeadLetters[];
  readonly schedule: Schedule;
  readonly paused: boolean;
}

/** A profile, or an authority, with alarms. */
export interface MonitoredProfile {
  readonly name: string;
  readonly hasHooks: boolean;
  /** Whether its endpoints are probed. */
  readonly isProbed: boolean;
}

/** Returns the profiles of a configuration, and one for each authority. */
export function monitoredProfiles({
  profiles,
  authorities = {},
  probe,
}: Pick<Config, 'profiles' | 'authorities' | 'probe'>) {
  return [
    ...Object.entries(profiles).map(([name, { hooks }]) => ({
      name,
      hasHooks: (hooks?.length ?? 0) > 0,
      isProbed: probe !== undefined,
    })),
    ...Object.keys(authorities).map((name) => ({ name: authorityProfileName(name), hasHooks: false, isProbed: false })),
  ] satisfies MonitoredProfile[];
}

/** The topic, the notices and the alarms. */
export class Monitoring extends Construct {
  /** Accepts TLS only. The alarms of this account and the function of the notices publish to it. */
  readonly topic: Topic;
  readonly notices: Notices;
  readonly deadLetterQueues: readonly DeadLetters[];
  readonly alarms: readonly IAlarm[];
  /** Undefined if the schedule is paused, or if two of its periods are longer than CloudWatch can look back. */
  readonly noScan: Alarm | undefined;
  private readonly props: MonitoringProps;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.props = props;
    const { emails, eventBus, logRetention, profiles } = props;
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, displayName: 'cert-renewer' });
    for (const address of emails) this.topic.addSubscription(new EmailSubscription(address));
    this.letAlarmsPublish();
    const hooks = profiles.some(({ hasHooks }) => hasHooks);
    const probe = profiles.some(({ isProbed }) => isProbed);
    this.notices = new Notices(this, 'Notices', { topic: this.topic, eventBus, logRetention, hooks, probe });
    this.deadLetterQueues = [...props.deadLetterQueues, noticeLetters(this.notices)];
    this.noScan = this.noScanAlarm();
    const noProbe = this.noProbeAlarm();
    this.alarms = [
      ...profiles.flatMap((profile) => this.profileAlarms(profile)),
      ...this.deadLetterQueues.map((letters) => this.deadLetterAlarm(letters)),
      ...(this.noScan ? [this.noScan] : []),
      ...(noProbe ? [noProbe] : []),
    ];
  }

  /** Allows all alarms of this account and Region: a list of ARNs would not fit into a topic's policy (30 KB). */
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

  private profileAlarms({ name, hasHooks, isProbed }: MonitoredProfile): IAlarm[] {
    const fiveMinutes = Duration.minutes(5);
    // Each scan counts the overdue certificates. Its count is valid until the next scan, but at most a day.
    const scanPeriod = Duration.seconds(alarmPeriod(Math.min(this.props.schedule.longestGap, 86_400_000)));
    return [
      this.profileAlarm(name, 'Failed', 'Sum', fiveMinutes),
      this.profileAlarm(name, 'Overdue', 'Maximum', scanPeriod),
      ...(hasHooks ? [this.profileAlarm(name, 'HookFailed', 'Sum', fiveMinutes)] : []),
      // Each run of the probe counts, once a minute. A run that is missing does not end an alarm.
      ...(isProbed ? [this.profileAlarm(name, 'NotServed', 'Maximum', fiveMinutes)] : []),
    ];
  }

  /**
   * Creates an alarm of a profile. The dashboard in the main stack refers to an alarm in a nested stack by its name: outputs are no
   * alternative, because a nested stack may have only two hundred.
   */
  private profileAlarm(
    profile: string,
    kind: Extract<ProfileMetric, AlarmKind>,
    statistic: string,
    period: Duration,
  ): IAlarm {
    const id = `${kind}-${profile}`;
    const part = this.props.parts.of(profile);
    const subject = { kind, profile, part: part?.number };
    const alarm = this.above(part?.scope ?? this, id, subject, profileMetric(kind, profile, statistic, period));
    if (part === undefined) return alarm;
    const stack = Stack.of(this);
    const arn = { service: 'cloudwatch', resource: 'alarm', resourceName: alarmName(stack, subject) };
    return Alarm.fromAlarmArn(this, id, stack.formatArn({ ...arn, arnFormat: ArnFormat.COLON_RESOURCE_NAME }));
  }

  private deadLetterAlarm({ kind, queue }: DeadLetters): Alarm {
    const period = Duration.minutes(5);
    const metric = queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period });
    return this.above(this, kind, { kind }, metric);
  }

  private above(scope: Construct, id: string, subject: AlarmSubject, metric: IMetric): Alarm {
    const alarm = new Alarm(scope, id, {
      ...this.named(subject),
      metric,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }

  /** Returns the name and the description of an alarm. They name the stack of the CertRenewer, also in a nested stack. */
  private named(subject: AlarmSubject): { readonly alarmName: string; readonly alarmDescription: string } {
    const stack = Stack.of(this);
    return { alarmName: alarmName(stack, subject), alarmDescription: alarmDescription(stack, subject) };
  }

  /**
   * Creates the alarm for two periods of the schedule without a successful scan. A period without any invocation has no data, and
   * CloudWatch would evaluate older data instead: FILL makes it 0. A new stack has no data at all, and the alarm keeps its state
   * (INSUFFICIENT_DATA) until the deployment starts the first scan (first-scan.ts).
   */
  private noScanAlarm(): Alarm | undefined {
    const { schedule, paused, scanFunction } = this.props;
    if (paused) return undefined;
    const window = noScanWindow(schedule);
    if (window === undefined) {
      Annotations.of(this).addWarningV2(
        'cert-renewer:noScanAlarm',
        'There is no alarm for missing scans, because two periods of this schedule are longer than seven days, the most that an alarm can look back. To have the alarm, scan at least every three days.',
      );
      return undefined;
    }
    return this.silentAlarm('NoScan', scanFunction, 'scans that succeeded', window);
  }

  /** Creates the alarm for a quarter of an hour without a successful run of the probe, which is started every minute. */
  private noProbeAlarm(): Alarm | undefined {
    const { probeFunction } = this.props;
    return (
      probeFunction && this.silentAlarm('NoProbe', probeFunction, 'probes that succeeded', { period: 300, periods: 3 })
    );
  }

  private silentAlarm(
    kind: AlarmKind,
    watched: IFunction,
    label: string,
    window: { readonly period: number; readonly periods: number },
  ): Alarm {
    const period = Duration.seconds(window.period);
    const alarm = new Alarm(this, kind, {
      ...this.named({ kind }),
      metric: new MathExpression({
        expression: 'FILL(invocations, 0) - FILL(errors, 0)',
        label,
        period,
        usingMetrics: {
          invocations: watched.metricInvocations({ statistic: 'Sum', period }),
          errors: watched.metricErrors({ statistic: 'Sum', period }),
        },
      }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: window.periods,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }
}

/** Converts milliseconds to an alarm's period in seconds: whole minutes, at least one. */
function alarmPeriod(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 60_000)) * 60;
}

/**
 * Returns the period of the alarm in seconds, and the number of periods in two gaps of the schedule. An alarm can look back a day with
 * periods under an hour, and seven days with longer ones (PutMetricAlarm). Undefined if that is too short.
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
