/** The CloudWatch dashboard: alarms, renewals, the time to the next expiry, the queue, and the list of certificates. */
import { Aws, Duration, Stack } from 'aws-cdk-lib';
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
import { ConfigError } from '../config/config-error.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type ProfileMetric, profileMetric } from './profile-metric.ts';

export interface DashboardProps {
  readonly profiles: readonly string[];
  /** The profiles whose endpoints are probed. Empty without `probe`. */
  readonly probed: readonly string[];
  readonly alarms: readonly IAlarm[];
  readonly queue: IQueue;
  readonly deadLetterQueues: readonly DeadLetters[];
  /** The function that returns the list of certificates as HTML. */
  readonly inventory: IFunction;
}

const fullWidth = 24;
/**
 * A graph may have 500 metrics, and each line of the days to expiry needs two:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
 */
const mostProfiles = 250;
/** Alarms in a widget (dashboard body structure, "alarms"). */
const mostAlarms = 100;
const hour = Duration.hours(1);
const fiveMinutes = Duration.minutes(5);

/** The dashboard. Throws ConfigError for more than 250 profiles and authorities. */
export class Dashboard extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { profiles, alarms, probed } = props;
    if (profiles.length > mostProfiles) throw tooManyProfiles(scope, profiles.length);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      // With the Region, because dashboards are global to an account.
      dashboardName: `${Stack.of(this).stackName}-certificates-${Aws.REGION}`,
      defaultInterval: Duration.days(7),
    });
    for (let from = 0; from < alarms.length; from += mostAlarms) {
      const title = from === 0 ? 'Alarms' : `Alarms from ${from + 1}`;
      const some = alarms.slice(from, from + mostAlarms);
      dashboard.addWidgets(new AlarmStatusWidget({ title, alarms: some, width: fullWidth, height: 3 }));
    }
    const counts = [
      { title: 'Renewed', left: metrics('Renewed', profiles, 'Sum', hour) },
      { title: 'Failed', left: metrics('Failed', profiles, 'Sum', hour) },
      { title: 'Overdue', left: metrics('Overdue', profiles, 'Maximum', hour) },
      ...(probed.length > 0 ? [{ title: 'Not served', left: metrics('NotServed', probed, 'Maximum', hour) }] : []),
    ];
    dashboard.addWidgets(...row(counts));
    dashboard.addWidgets(
      ...row([
        { title: 'Days to the next expiry', left: profiles.map(daysToExpiry) },
        { title: 'Duration of renewals (ms), p90', left: metrics('RenewalDuration', profiles, 'p90', hour) },
        { title: 'Queue', left: queueMetrics(props) },
      ]),
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

function tooManyProfiles(scope: Construct, found: number): ConfigError {
  const message = `found ${found} profiles and authorities; a graph of CloudWatch shows at most ${mostProfiles}: set "dashboard": false, or put some of them into a second stack`;
  return new ConfigError(scope.node.path, [{ path: '$.dashboard', message }]);
}

/** Returns graphs that fill a row of the dashboard. */
function row(graphs: readonly { readonly title: string; readonly left: readonly IMetric[] }[]): IWidget[] {
  return graphs.map(
    ({ title, left }) =>
      new GraphWidget({
        title,
        left: [...left],
        leftYAxis: { min: 0, showUnits: false },
        width: fullWidth / graphs.length,
        height: 6,
      }),
  );
}

function metrics(name: ProfileMetric, profiles: readonly string[], statistic: string, period: Duration): IMetric[] {
  return profiles.map((profile) => profileMetric(name, profile, statistic, period).with({ label: profile }));
}

/** Converts the metric SecondsToExpiry to days. */
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
