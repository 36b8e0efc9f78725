/** CloudWatch: alarms and dashboards. */
import { type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import type { Behaviour } from './behaviour.ts';
import { stackOf } from './functions.ts';
import { refusal } from './stacks.ts';

/**
 * Calls CloudWatch as root with an unchecked request, because the SDK's client would not send an invalid one. @throws Error
 * whose message is the name of CloudWatch's error.
 */
async function call<T = unknown>(
  { endpoint }: Endpoint,
  operation: string,
  request: unknown,
  region = 'us-east-1',
): Promise<T> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    body: JSON.stringify(request),
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `GraniteServiceVersion20100801.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/monitoring/aws4_request, SignedHeaders=host, Signature=0`,
    },
  });
  const body = (await answer.json()) as T & { __type: string };
  if (!answer.ok) throw new Error(body.__type);
  return body;
}

const nameOf = (outcome: Promise<unknown>): Promise<string> =>
  outcome.then(
    () => 'ok',
    (error: Error) => error.message,
  );

interface Alarm {
  readonly MetricName?: string;
  readonly Metrics?: unknown;
  readonly StateValue: string;
}

async function alarm(aws: Endpoint, name: string): Promise<Alarm | undefined> {
  const request = { AlarmNames: [name] };
  return (await call<{ MetricAlarms: Alarm[] }>(aws, 'DescribeAlarms', request)).MetricAlarms[0];
}

/** Metrics of an alarm: `expression` on a and b. Both are sums of a metric of this namespace, with a dimension. */
function metrics(Namespace: string, Expression: string, numbers: (value: number) => unknown = (value) => value) {
  const Dimensions = [{ Name: 'Of', Value: 'it' }];
  const stat = (MetricName: string, more = {}) => ({
    Metric: { Namespace, MetricName, ...more },
    Period: numbers(300),
    Stat: 'Sum',
  });
  return [
    { Id: 'math', Expression, ReturnData: true },
    { Id: 'a', MetricStat: stat('A', { Dimensions }), ReturnData: false },
    { Id: 'b', MetricStat: stat('B'), ReturnData: false },
  ];
}

const watching = {
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
};

/**
 * Returns the state of an alarm on this expression, made by a template or by a call. Before, the metrics get a = 5, the given
 * b, and a = 100 of another dimension.
 */
async function stateOf(aws: Endpoint, Expression: string, byTemplate: boolean, b?: number): Promise<unknown> {
  const Namespace = uniqueName('Space');
  const AlarmName = uniqueName('alarm');
  const put = byTemplate
    ? refusal(aws, {
        // Numbers in a template may be texts.
        Alarm: {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: { ...watching, AlarmName, Metrics: metrics(Namespace, Expression, String) },
        },
      })
    : nameOf(call(aws, 'PutMetricAlarm', { ...watching, AlarmName, Metrics: metrics(Namespace, Expression) }));
  if ((await put) !== 'ok') return 'refused';
  const Dimensions = (Value: string) => [{ Name: 'Of', Value }];
  const MetricData = [
    { MetricName: 'A', Value: 5, Dimensions: Dimensions('it') },
    { MetricName: 'A', Value: 100, Dimensions: Dimensions('other') },
    ...(b === undefined ? [] : [{ MetricName: 'B', Value: b }]),
  ];
  await call(aws, 'PutMetricData', { Namespace, MetricData });
  const { Metrics, MetricName, StateValue } = (await alarm(aws, AlarmName)) ?? {};
  expectSame(Metrics, metrics(Namespace, Expression));
  return MetricName ?? StateValue;
}

/** Checks that DescribeAlarms returns what the call set. ministack without patches forgets it, and the state shows that. */
function expectSame(found: unknown, given: unknown): void {
  if (found !== undefined && JSON.stringify(found) !== JSON.stringify(given)) {
    throw new Error(`DescribeAlarms gives ${JSON.stringify(found)}`);
  }
}

async function invalidMetrics(aws: Endpoint): Promise<unknown> {
  const [math, a] = metrics('N', 'a');
  const put = (more: object) =>
    nameOf(call(aws, 'PutMetricAlarm', { ...watching, AlarmName: uniqueName('alarm'), ...more }));
  return [
    await put({ Metrics: [math, a] }),
    await put({ Metrics: [math, a], MetricName: 'A' }),
    await put({ Metrics: [math, math, a] }),
    await put({ Metrics: [math, { ...a, ReturnData: true }] }),
    await put({ Metrics: [{ ...math, Id: 'Upper' }, a] }),
  ];
}

const dashboard = (...widgets: unknown[]) => JSON.stringify({ widgets });
const text = { type: 'text', properties: { markdown: 'x' } };
const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const arns = (count: number) => numbered(count, (index) => `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${index}`);
const graph = (count: number) => ({
  type: 'metric',
  properties: { metrics: [[{ expression: 'm0' }], ...numbered(count, (index) => ['N', `M${index}`])] },
});

const dashboardOf = (DashboardName: string | undefined, DashboardBody: string) => ({
  Dashboard: { Type: 'AWS::CloudWatch::Dashboard', Properties: { DashboardName, DashboardBody } },
});

const put = (aws: Endpoint, DashboardBody: string): Promise<string> =>
  nameOf(call(aws, 'PutDashboard', { DashboardName: uniqueName('board'), DashboardBody }));

const short = (outcome: string): string => (/already exists/.test(outcome) ? 'already exists' : outcome);

const TOO_MANY = 'InvalidParameterInput';

export const MONITORING: readonly Behaviour[] = [
  {
    patch: 'alarm-metric-math',
    observe: async (aws) => [
      await stateOf(aws, 'FILL(a, 0) - b', true, 4),
      await stateOf(aws, 'FILL(a, 0) - b', false, 5),
      await stateOf(aws, 'a + FILL(b, 0)', false), // b has no data at all
      await stateOf(aws, '(a + b) / 10 * -1', true, 5),
      await stateOf(aws, 'ANOMALY_DETECTION_BAND(a)', false, 4), // it exists
    ],
    withPatch: ['ALARM', 'OK', 'INSUFFICIENT_DATA', 'OK', 'INSUFFICIENT_DATA'],
    without: ['refused', 'INSUFFICIENT_DATA', 'INSUFFICIENT_DATA', 'refused', 'INSUFFICIENT_DATA'],
  },
  {
    patch: 'alarm-metric-math',
    observe: invalidMetrics,
    withPatch: ['ok', ...Array<string>(4).fill('ValidationError')],
    without: Array<string>(5).fill('ok'),
  },
  {
    patch: 'dashboards-global',
    observe: async (aws) => {
      const [byCall, byStack] = [uniqueName('board'), uniqueName('board')];
      await call(aws, 'PutDashboard', { DashboardName: byCall, DashboardBody: dashboard(text) }, 'eu-west-1');
      await stackOf(aws, dashboardOf(byStack, dashboard(text)));
      return [
        await nameOf(call(aws, 'GetDashboard', { DashboardName: byCall })),
        await nameOf(call(aws, 'GetDashboard', { DashboardName: byStack }, 'eu-west-1')),
        short(await refusal(aws, dashboardOf(byCall, dashboard(text)))),
        short(await refusal(aws, dashboardOf(undefined, dashboard(text)))),
      ];
    },
    withPatch: ['ok', 'ok', 'already exists', 'ok'],
    without: ['ResourceNotFound', 'ResourceNotFound', 'ok', 'ok'],
  },
  {
    patch: 'dashboard-limits',
    observe: async (aws) => [
      await put(aws, dashboard({ type: 'alarm', properties: { alarms: arns(100) } })),
      await put(aws, dashboard({ type: 'alarm', properties: { alarms: arns(101) } })),
      await put(aws, dashboard(graph(500), ...numbered(499, () => text))),
      await put(aws, dashboard(graph(501))),
      await put(aws, dashboard(...numbered(501, () => text))),
      await put(aws, dashboard(...numbered(5, () => graph(500)))),
      await put(aws, dashboard(...numbered(5, () => graph(500)), graph(1))),
      /invalid.*500 metrics/.test(await refusal(aws, dashboardOf(undefined, dashboard(graph(501))))),
    ],
    withPatch: ['ok', TOO_MANY, 'ok', TOO_MANY, TOO_MANY, 'ok', TOO_MANY, true],
    without: [...Array<string>(7).fill('ok'), false],
  },
];
