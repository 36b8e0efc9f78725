/** What there is to see at a glance: how renewals go, how near the next expiry is, and the inventory itself. */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  CustomWidget,
  GraphWidget,
  type IAlarm,
  type IMetric,
  type IWidget,
  MathExpression,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type ProfileMetric, profileMetric } from './monitoring.ts';

export interface DashboardProps {
  readonly profiles: readonly string[];
  readonly alarms: readonly IAlarm[];
  readonly queue: IQueue;
  readonly deadLetterQueues: readonly { readonly label: string; readonly queue: IQueue }[];
  /** Answers with the inventory as HTML. */
  readonly inventory: IFunction;
}

const fullWidth = 24;
const hour = Duration.hours(1);
const fiveMinutes = Duration.minutes(5);

export class Dashboard extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { profiles } = props;
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      // Of the stack, as a person looks for it; one stack has one.
      dashboardName: `${Stack.of(this).stackName}-certificates`,
      defaultInterval: Duration.days(7),
    });
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: fullWidth, height: 3 }),
    );
    dashboard.addWidgets(
      graph('Renewed', metrics('Renewed', profiles, 'Sum', hour)),
      graph('Failed', metrics('Failed', profiles, 'Sum', hour)),
      graph('Overdue', metrics('Overdue', profiles, 'Maximum', hour)),
    );
    dashboard.addWidgets(
      graph('Days to the next expiry', profiles.map(daysToExpiry)),
      graph('Time of a renewal (ms), nine in ten', metrics('RenewalDuration', profiles, 'p90', hour)),
      graph('Queue', queueMetrics(props)),
    );
    dashboard.addWidgets(
      new CustomWidget({
        title: 'Certificates',
        functionArn: props.inventory.functionArn,
        width: fullWidth,
        height: 14,
        updateOnRefresh: true,
        updateOnResize: false,
        updateOnTimeRangeChange: false,
      }),
    );
    this.name = dashboard.dashboardName;
  }
}

function graph(title: string, left: readonly IMetric[]): IWidget {
  return new GraphWidget({
    title,
    left: [...left],
    leftYAxis: { min: 0, showUnits: false },
    width: fullWidth / 3,
    height: 6,
  });
}

function metrics(name: ProfileMetric, profiles: readonly string[], statistic: string, period: Duration): IMetric[] {
  return profiles.map((profile) => profileMetric(name, profile, statistic, period).with({ label: profile }));
}

/** The scan tells seconds, the least of a profile. */
function daysToExpiry(profile: string, index: number): IMetric {
  const seconds = profileMetric('SecondsToExpiry', profile, 'Minimum', hour);
  const id = `seconds${index}`;
  return new MathExpression({
    expression: `${id} / 86400`,
    usingMetrics: { [id]: seconds },
    label: profile,
    period: hour,
  });
}

function queueMetrics({ queue, deadLetterQueues }: DashboardProps): IMetric[] {
  const waiting = queue.metricApproximateNumberOfMessagesVisible({
    statistic: 'Maximum',
    period: fiveMinutes,
    label: 'waiting',
  });
  const oldest = queue.metricApproximateAgeOfOldestMessage({
    statistic: 'Maximum',
    period: fiveMinutes,
    label: 'oldest (s)',
  });
  const dead = deadLetterQueues.map(({ label, queue: letters }) =>
    letters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: fiveMinutes, label }),
  );
  return [waiting, oldest, ...dead];
}
