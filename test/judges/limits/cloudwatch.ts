/** Limits of CloudWatch's alarms and dashboards, and of the HTTP API. */
import type { Assembly, Resource } from '../assembly.ts';
import { textOf } from '../filled.ts';
import { each, type Limit, lengthOf, numberOf } from './limit.ts';

const quotas = 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html';
const alarmApi = 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html';
const dashboardApi =
  'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html';
const httpApi = 'https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html';

const day = 86_400;

interface MetricQuery {
  readonly Expression?: string;
  readonly Period?: number;
  readonly MetricStat?: { readonly Period: number };
}

interface Widget {
  readonly type: string;
  readonly properties: { readonly alarms?: readonly unknown[]; readonly metrics?: readonly unknown[] };
}

/** The period of the alarm in seconds, or the longest of its metrics. */
function periodOf({ properties }: Resource): number {
  const metrics = (properties['Metrics'] ?? []) as MetricQuery[];
  const periods = metrics.map(({ Period, MetricStat }) => Number(Period ?? MetricStat?.Period ?? 0));
  return Math.max(Number(properties['Period'] ?? 0), ...periods);
}

const range = (alarm: Resource): number => periodOf(alarm) * Number(alarm.properties['EvaluationPeriods']);

/** The body is JSON, with values that CloudFormation fills in. */
function widgetsOf({ template, properties }: Resource, assembly: Assembly): Widget[] {
  return JSON.parse(textOf(assembly, template, properties['DashboardBody'] ?? '{"widgets":[]}')).widgets;
}

const ofDashboard = (count: (widgets: readonly Widget[]) => number): Limit['measure'] =>
  each('AWS::CloudWatch::Dashboard', (dashboard, assembly) => count(widgetsOf(dashboard, assembly)));

const metricsOf = ({ type, properties }: Widget): number => (type === 'metric' ? (properties.metrics ?? []).length : 0);

export const cloudWatchLimits: readonly Limit[] = [
  {
    what: 'seconds that an alarm looks back',
    least: 10,
    most: 7 * day,
    source: alarmApi,
    measure: each('AWS::CloudWatch::Alarm', range),
  },
  {
    what: 'seconds that an alarm with periods of less than an hour looks back',
    most: day,
    source: alarmApi,
    measure: each('AWS::CloudWatch::Alarm', (alarm) => (periodOf(alarm) < 3_600 ? range(alarm) : undefined)),
  },
  {
    what: "seconds of an alarm's period beyond whole minutes (10, 20 and 30 are for metrics of high resolution)",
    most: 0,
    source: alarmApi,
    measure: each('AWS::CloudWatch::Alarm', (alarm) => periodOf(alarm) % 60),
  },
  {
    what: 'actions of an alarm, by state',
    most: 5,
    source: quotas,
    measure: each('AWS::CloudWatch::Alarm', ({ properties }) =>
      Math.max(
        ...['AlarmActions', 'OKActions', 'InsufficientDataActions'].map(
          (name) => [properties[name] ?? []].flat().length,
        ),
      ),
    ),
  },
  {
    what: 'metrics of an alarm by metric math',
    most: 10,
    source: quotas,
    measure: each(
      'AWS::CloudWatch::Alarm',
      ({ properties }) =>
        ((properties['Metrics'] ?? []) as MetricQuery[]).filter(({ MetricStat }) => MetricStat).length,
    ),
  },
  lengthOf('AWS::CloudWatch::Alarm', 'AlarmName', 255, alarmApi),
  lengthOf('AWS::CloudWatch::Alarm', 'AlarmDescription', 1_024, alarmApi),
  lengthOf('AWS::CloudWatch::Dashboard', 'DashboardName', 255, dashboardApi),
  { what: 'widgets of a dashboard', most: 500, source: quotas, measure: ofDashboard((widgets) => widgets.length) },
  {
    what: 'alarms of an alarm widget',
    most: 100,
    source: dashboardApi,
    measure: ofDashboard((widgets) =>
      Math.max(0, ...widgets.map(({ type, properties }) => (type === 'alarm' ? (properties.alarms ?? []).length : 0))),
    ),
  },
  {
    what: 'metrics of a widget',
    most: 500,
    source: quotas,
    measure: ofDashboard((widgets) => Math.max(0, ...widgets.map(metricsOf))),
  },
  {
    what: 'metrics of a dashboard',
    most: 2_500,
    source: quotas,
    measure: ofDashboard((widgets) => widgets.reduce((sum, widget) => sum + metricsOf(widget), 0)),
  },
  numberOf('AWS::ApiGatewayV2::Integration', 'TimeoutInMillis', [50, 30_000], httpApi),
];
