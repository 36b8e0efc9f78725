/** The stack's alarm `NoScan`, with different counts of scans in CloudWatch. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { expect, it } from 'vitest';
import { client, uniqueName } from '../../testkit/local-aws/client.ts';
import { synthesize } from '../cdk/fixtures.ts';
import { describeWith } from '../support/local.ts';

/** An invocation of the scan: how many seconds ago, and whether it failed. */
type Scan = readonly [ago: number, failed?: 'failed'];

describeWith(['emulator'], 'the alarm on missing scans, once a minute', ({ emulator }) => {
  const cloudWatch = client(CloudWatchClient, emulator);
  const { template } = synthesize({ schedule: 'rate(1 minute)' });
  const [noScan] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).flatMap(([id, { Properties }]) =>
    id.includes('NoScan') ? [Properties as Omit<PutMetricAlarmCommandInput, 'AlarmName'>] : [],
  );

  /** The alarm, for another function. */
  async function newAlarm() {
    const names = { AlarmName: uniqueName('no-scan'), AlarmActions: [] };
    const Dimensions = [{ Name: 'FunctionName', Value: names.AlarmName }];
    const Metrics = noScan?.Metrics?.map((query) => ({
      ...query,
      ...(query.MetricStat && {
        MetricStat: { ...query.MetricStat, Metric: { ...query.MetricStat.Metric, Dimensions } },
      }),
    }));
    await cloudWatch.send(new PutMetricAlarmCommand({ ...noScan, ...names, Metrics }));
    const count = (MetricName: string, Value: number, ago: number) => ({
      ...{ MetricName, Value, Dimensions, Timestamp: new Date(Date.now() - ago * 1000) },
    });
    return {
      put: async (...scans: readonly Scan[]) => {
        const MetricData = scans.flatMap(([ago, failed]) => [
          count('Invocations', 1, ago),
          count('Errors', failed ? 1 : 0, ago),
        ]);
        await cloudWatch.send(new PutMetricDataCommand({ Namespace: 'AWS/Lambda', MetricData }));
      },
      state: async () => {
        const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [names.AlarmName] }));
        return MetricAlarms?.[0]?.StateValue;
      },
    };
  }

  it.each<[string, readonly Scan[], string]>([
    ['has no data for a new stack', [], 'INSUFFICIENT_DATA'],
    ['is OK after a scan', [[20]], 'OK'],
    ['is OK while one is missing', [[80]], 'OK'],
    ['is raised when two are missing', [[150]], 'ALARM'],
    [
      'is raised when two have failed',
      [
        [20, 'failed'],
        [80, 'failed'],
      ],
      'ALARM',
    ],
    ['is OK if one of two has failed', [[20, 'failed'], [80]], 'OK'],
  ])('%s', async (_, scans, expected) => {
    const alarm = await newAlarm();
    if (scans.length > 0) await alarm.put(...scans);
    expect(await alarm.state()).toBe(expected);
  });

  it('returns to OK when one succeeds', async () => {
    const alarm = await newAlarm();
    await alarm.put([150]);
    expect(await alarm.state()).toBe('ALARM');
    await alarm.put([10]);
    expect(await alarm.state()).toBe('OK');
  });
});
