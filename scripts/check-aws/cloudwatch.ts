/** Group 8: an alarm on a metric without data, and dashboards in two Regions. */
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DeleteDashboardsCommand,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch';
import { group } from './group.ts';
import { asDocumented, errorText, notTried, otherwise } from './outcome.ts';
import type { Room } from './room.ts';
import { isMissing } from './trail.ts';

const body = JSON.stringify({
  widgets: [{ type: 'text', width: 6, height: 2, properties: { markdown: 'check-aws' } }],
});

/** Returns the body of a dashboard with `count` alarms. The alarms need not exist. */
function alarmWidget(room: Room, count: number): string {
  const alarms = Array.from({ length: count }, (_, index) => room.arn('cloudwatch', `alarm:${room.name(`${index}`)}`));
  return JSON.stringify({ widgets: [{ type: 'alarm', width: 24, height: 6, properties: { title: 'many', alarms } }] });
}

/** Errors for an invalid dashboard body: the SDK's name and the names in the protocol. */
const isInvalid = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  /^(DashboardInvalidInputError|InvalidParameter(Input|Value)|ValidationError)/.test(thrown.name);

export const cloudWatch = group({
  makes: [
    { kind: 'alarm', part: 'alarm' },
    { kind: 'dashboard', part: 'dashboard' },
    { kind: 'dashboard', part: 'many-alarms' },
  ],
  setUp: async () => {},
  behaviours: [
    {
      line: '8.1',
      says: 'an alarm on FILL(m, 0) < 1 where m has no data at all is judged within five minutes (to what, is left open)',
      observe: async (room) => {
        const cloudWatch = room.client(CloudWatchClient);
        const Metric = { Namespace: room.name('namespace'), MetricName: 'None' };
        await room.make(
          'alarm',
          'alarm',
          (AlarmName) =>
            cloudWatch.send(
              new PutMetricAlarmCommand({
                AlarmName,
                Metrics: [
                  { Id: 'm', MetricStat: { Metric, Period: 60, Stat: 'Sum' }, ReturnData: false },
                  { Id: 'filled', Expression: 'FILL(m, 0)', ReturnData: true },
                ],
                ...{ EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'LessThanThreshold' },
                TreatMissingData: 'missing',
              }),
            ),
          (AlarmName) => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] })),
        );
        const started = Date.now();
        const look = new DescribeAlarmsCommand({ AlarmNames: [room.name('alarm')] });
        // A new alarm is INSUFFICIENT_DATA with the reason that it was not evaluated yet.
        const judgedAlarm = await room.until(300, async () => {
          const { MetricAlarms: [alarm] = [] } = await cloudWatch.send(look);
          return alarm?.StateReason?.startsWith('Unchecked') ? undefined : alarm;
        });
        const took = Math.round((Date.now() - started) / 1000);
        return judgedAlarm
          ? asDocumented(`${judgedAlarm.StateValue} after ${took} s: ${judgedAlarm.StateReason}`)
          : otherwise(`it was not looked at within ${took} s`);
      },
    },
    {
      line: '8.2',
      says: 'a dashboard is the same one from every Region of the account',
      observe: async (room) => {
        const { secondRegion, partition } = room.account;
        if (secondRegion === undefined) return notTried(`no other Region of the partition ${partition} is known`);
        const first = room.client(CloudWatchClient);
        const second = room.client(CloudWatchClient, { region: secondRegion });
        await room.make(
          'dashboard',
          'dashboard',
          (DashboardName) => first.send(new PutDashboardCommand({ DashboardName, DashboardBody: body })),
          (DashboardName) => first.send(new DeleteDashboardsCommand({ DashboardNames: [DashboardName] })),
        );
        const get = new GetDashboardCommand({ DashboardName: room.name('dashboard') });
        const found = await room.until(30, () =>
          second.send(get).catch((error: unknown) => {
            if (isMissing(error)) return undefined;
            throw error;
          }),
        );
        if (found === undefined) return otherwise(`there is no such dashboard in ${secondRegion}`);
        return found.DashboardBody?.includes('check-aws') ? asDocumented() : otherwise('it is another one');
      },
    },
    {
      line: '8.3',
      says: 'an alarm widget takes 100 alarms, and not 101',
      observe: async (room) => {
        const cloudWatch = room.client(CloudWatchClient);
        const put = (DashboardName: string, alarms: number) => {
          const DashboardBody = alarmWidget(room, alarms);
          return cloudWatch.send(new PutDashboardCommand({ DashboardName, DashboardBody }));
        };
        const { DashboardValidationMessages: warnings = [] } = await room.make(
          'dashboard',
          'many-alarms',
          (name) => put(name, 100),
          (name) => cloudWatch.send(new DeleteDashboardsCommand({ DashboardNames: [name] })),
        );
        if (warnings.length > 0) return otherwise(`with 100: ${warnings[0]?.Message}`);
        try {
          const { DashboardValidationMessages: [complaint] = [] } = await put(room.name('many-alarms'), 101);
          return complaint ? asDocumented(complaint.Message) : otherwise('101 were taken');
        } catch (error) {
          return isInvalid(error) ? asDocumented(errorText(error)) : notTried(`with 101: ${errorText(error)}`);
        }
      },
    },
  ],
});
