/** The alarms of the deployed stack: found by the stack's name, with a command for this Region. And the address of the dashboard. */
import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import { expect, it } from 'vitest';
import { client } from '../../testkit/local-aws/client.ts';
import { REGION } from '../../testkit/local-aws/ministack.ts';
import { describeWith } from '../support/local.ts';

describeWith(['stack'], 'the alarms', ({ emulator, outputs }) => {
  const cloudWatch = () => client(CloudWatchClient, emulator);

  it('are found by the name of the stack, and say what to run', async () => {
    const search = new DescribeAlarmsCommand({ AlarmNamePrefix: 'CertRenewer-', MaxRecords: 100 });
    const { MetricAlarms = [] } = await cloudWatch().send(search);
    const described = new Map(
      MetricAlarms.map(({ AlarmName = '', AlarmDescription = '' }) => [AlarmName, AlarmDescription]),
    );
    const overdue = described.get('CertRenewer-Overdue-internal');
    expect(overdue).toContain(`\n    cert-renewer status --profile internal --region ${REGION}\n`);
    for (const kind of ['DeadLetters', 'ScanDeadLetters', 'NoticeDeadLetters', 'HookDeadLetters']) {
      expect([...described.keys()]).toContain(`CertRenewer-${kind}`);
    }
    expect([...described.keys()].some((name) => name.startsWith('CertRenewer-Failed-authority:'))).toBe(true);
  });

  it('are on the dashboard of the output DashboardUrl', async () => {
    const url = outputs['DashboardUrl'] ?? '';
    const console = `https://${REGION}.console.aws.amazon.com/cloudwatch/home?region=${REGION}#dashboards/dashboard/`;
    expect(url.startsWith(console)).toBe(true);
    const get = new GetDashboardCommand({ DashboardName: url.slice(console.length) });
    const { DashboardBody } = await cloudWatch().send(get);
    expect(DashboardBody).toContain(':alarm:CertRenewer-NoScan"');
  });
});
