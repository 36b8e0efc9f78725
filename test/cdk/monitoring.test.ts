import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { noScanWindow } from '../../cdk/observe/monitoring.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { config, newApp, synthesize } from './fixtures.ts';
import { textOf, withSid } from './template-reading.ts';

const hour = 3_600_000;
const alarms = (template: Template) =>
  Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(([id, { Properties }]) => ({
    id,
    ...Properties,
  }));
const alarm = (template: Template, id: string) =>
  alarms(template).find((found) => found.id.includes(`Monitoring${id}`));

describe('the window of the alarm on missing scans', () => {
  it.each([
    [60_000, { period: 60, periods: 2 }],
    [90_000, { period: 120, periods: 2 }],
    [15 * 60_000, { period: 900, periods: 2 }],
    [hour, { period: 3600, periods: 2 }],
    [24 * hour, { period: 86_400, periods: 2 }],
    [25 * hour, { period: 86_400, periods: 3 }],
    [72 * hour, { period: 86_400, periods: 6 }],
    [84 * hour, { period: 86_400, periods: 7 }],
    [85 * hour, undefined],
    [168 * hour, undefined],
  ])('for a gap of %d ms', (longestGap, expected) => {
    const window = noScanWindow({ longestGap });
    expect(window).toEqual(expected);
    if (!window) return;
    const range = window.period * window.periods;
    expect(range * 1000).toBeGreaterThanOrEqual(2 * longestGap);
    // PutMetricAlarm's limits.
    expect(range).toBeLessThanOrEqual(window.period < 3600 ? 86_400 : 604_800);
  });
});

describe('the name and the description of an alarm', () => {
  const hooks = [{ type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const];
  const create = { subject: 'CN=Root', key: 'EC P-256', validity: '87600h' } as const;
  const { template } = synthesize({
    profiles: { internal: { ...config.profiles.internal, hooks } },
    authorities: { root: { create } },
  });
  const all = alarms(template);

  it.each([
    ['CertRenewer-Failed-internal', 'status --profile internal'],
    ['CertRenewer-Overdue-internal', 'status --profile internal'],
    ['CertRenewer-HookFailed-internal', 'renew NAME --force'],
    ['CertRenewer-Failed-authority:root', 'status --profile authority:root'],
    ['CertRenewer-Overdue-authority:root', 'status --profile authority:root'],
    ['CertRenewer-DeadLetters', 'redrive'],
    ['CertRenewer-ScanDeadLetters', 'scan'],
    ['CertRenewer-HookDeadLetters', 'dead-letters --queue hooks'],
    ['CertRenewer-NoticeDeadLetters', 'status'],
    ['CertRenewer-NoScan', 'doctor'],
  ])('%s: the command is cert-renewer %s', (name, command) => {
    const found = all.filter(({ AlarmName }) => AlarmName === name);
    expect(found).toHaveLength(1);
    const lines = textOf(found[0]?.AlarmDescription).split('\n');
    expect(lines).toContain(`    cert-renewer ${command} --region <AWS::Region>`);
    const kind = name.split('-')[1]?.toLowerCase();
    expect(lines.at(-1)).toBe(
      `More: https://github.com/cert-renewer/cert-renewer/blob/main/docs/operations.md#${kind}`,
    );
  });

  it('are those of ten alarms, and no other', () => {
    expect(all).toHaveLength(10);
  });

  it('name the stack, if it is not the default one', () => {
    const stack = new CertRenewerStack(newApp(), 'Staging', { config });
    const found = alarm(Template.fromStack(stack), 'DeadLetters');
    expect(found).toMatchObject({ AlarmName: 'Staging-DeadLetters' });
    expect(textOf(found?.['AlarmDescription'])).toContain(
      'cert-renewer redrive --stack Staging --region <AWS::Region>',
    );
  });
});

describe('alarms', () => {
  const { template } = synthesize();

  it('on failed and on overdue renewals, for each profile', () => {
    expect(alarm(template, 'Failedinternal')).toMatchObject({
      Namespace: 'CertRenewer',
      MetricName: 'Failed',
      Dimensions: [{ Name: 'Profile', Value: 'internal' }],
      Statistic: 'Sum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(alarm(template, 'Overdueinternal')).toMatchObject({
      MetricName: 'Overdue',
      Statistic: 'Maximum',
      Period: 3600,
    });
    const two = synthesize({ profiles: { a: config.profiles.internal, b: config.profiles.internal } }).template;
    expect(alarms(two)).toHaveLength(8);
  });

  it('on dead letters', () => {
    for (const id of ['DeadLetters', 'ScanDeadLetters', 'NoticeDeadLetters']) {
      expect(alarm(template, id)).toMatchObject({ MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 0 });
    }
  });

  it('on missing scans, started or not: a period without any counts as 0', () => {
    const { Metrics, ...noScan } = alarm(template, 'NoScan') as { Metrics: Record<string, unknown>[] };
    expect(noScan).toMatchObject({
      EvaluationPeriods: 2,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      // For a stack that has just been made.
      TreatMissingData: 'ignore',
    });
    expect(noScan).not.toHaveProperty('MetricName');
    const [scans, ...counts] = Metrics;
    expect(scans).toMatchObject({ Expression: 'FILL(invocations, 0) - FILL(errors, 0)' });
    expect(counts).toHaveLength(2);
    for (const each of counts) {
      const { Metric, Period, Stat } = each['MetricStat'] as Record<
        string,
        { MetricName?: string; Namespace?: string }
      >;
      expect([Period, Stat, each['ReturnData']]).toEqual([3600, 'Sum', false]);
      expect(Metric?.Namespace).toBe('AWS/Lambda');
      expect(Metric?.MetricName?.toLowerCase()).toBe(each['Id']);
    }
  });

  it('on missing probes, in a stack that probes', () => {
    const { Metrics, ...noProbe } = alarm(
      synthesize({ probe: { allow: ['dns:svc.example'] } }).template,
      'NoProbe',
    ) as {
      Metrics: Record<string, unknown>[];
    };
    expect(noProbe).toMatchObject({ EvaluationPeriods: 3, Threshold: 1, ComparisonOperator: 'LessThanThreshold' });
    const functions = Metrics.slice(1).map((each) => JSON.stringify(each['MetricStat']));
    expect(functions.every((text) => text.includes('ProbeFunction') && text.includes('"Period":300'))).toBe(true);
    expect(alarm(template, 'NoProbe')).toBeUndefined();
  });

  it('on missing scans, only after the first scan was started', () => {
    const [first] = Object.keys(template.findResources('Custom::CertRenewerFirstScan'));
    const [id] = Object.keys(template.findResources('AWS::CloudWatch::Alarm')).filter((each) =>
      each.includes('NoScan'),
    );
    const { DependsOn } = template.toJSON()['Resources'][id ?? ''];
    expect(DependsOn).toContain(first);
  });

  it('on missing scans, and a first scan, only for a stack that is not paused', () => {
    template.resourceCountIs('Custom::CertRenewerFirstScan', 1);
    const { template: paused } = synthesize({ paused: true });
    paused.resourceCountIs('Custom::CertRenewerFirstScan', 0);
    const functions = Object.keys(paused.findResources('AWS::Lambda::Function'));
    expect(functions.filter((id) => id.includes('FirstScan'))).toEqual([]);
  });

  it('on missing scans, not while the schedule is paused, and not if CloudWatch can’t look back so far', () => {
    expect(alarm(synthesize({ paused: true }).template, 'NoScan')).toBeUndefined();
    const weekly = synthesize({ schedule: 'rate(7 days)' });
    expect(alarm(weekly.template, 'NoScan')).toBeUndefined();
    Annotations.fromStack(weekly.stack).hasWarning('*', Match.stringLikeRegexp('no alarm for missing scans'));
    Annotations.fromStack(synthesize().stack).hasNoWarning('*', Match.anyValue());
  });

  it('all notify the topic', () => {
    const topics = Object.keys(template.findResources('AWS::SNS::Topic'));
    expect(topics).toHaveLength(1);
    for (const { id, AlarmActions } of alarms(template)) expect(AlarmActions, id).toEqual([{ Ref: topics[0] }]);
  });
});

it('start the first scan when everything that it needs exists, and never for a paused stack', () => {
  const create = { subject: 'CN=Root', key: 'EC P-256', validity: '87600h' } as const;
  const { template } = synthesize({ authorities: { root: { create } } });
  const [first] = Object.values(template.findResources('Custom::CertRenewerFirstScan'));
  const before = first?.['DependsOn'] as string[];
  const ofAuthority = Object.keys(template.findResources('Custom::CertRenewerAuthority'));
  const parts = ['Schedule', 'RenewFunction', 'QueuesRenewals', 'NoticesFailures', 'SqsEventSource'];
  expect(before).toEqual(expect.arrayContaining(ofAuthority));
  for (const part of parts) expect(before.join()).toContain(part);
  const paused = synthesize({ paused: true }).template;
  expect(Object.keys(paused.findResources('Custom::CertRenewerFirstScan'))).toEqual([]);
});

describe('the topic', () => {
  it('has an unchanged logical id: subscribers need not confirm again', () => {
    expect(Object.keys(synthesize().template.findResources('AWS::SNS::Topic'))).toEqual([
      'CertRenewerMonitoringTopic68D36EA4',
    ]);
  });

  const { template } = synthesize({ notify: { email: ['a@example.com', 'b@example.com'] } });

  it('has the subscribers of the configuration', () => {
    template.resourcePropertiesCountIs('AWS::SNS::Subscription', { Protocol: 'email' }, 2);
    template.hasResourceProperties('AWS::SNS::Subscription', { Endpoint: 'b@example.com' });
    synthesize().template.resourceCountIs('AWS::SNS::Subscription', 0);
  });

  const sender = Object.keys(template.findResources('AWS::Lambda::Function')).find((id) =>
    id.includes('NoticesSender'),
  );
  const letters = Object.keys(template.findResources('AWS::SQS::Queue')).find((id) =>
    id.includes('NoticesDeadLetters'),
  );

  it.each(['Certificate Renewal Failed', 'Certificate Renewal Overdue'])(
    'receives %s, written by a function',
    (type) => {
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { source: ['cert-renewer'], 'detail-type': [type] },
        EventBusName: Match.anyValue(),
        Targets: [
          {
            Arn: { 'Fn::GetAtt': [sender, 'Arn'] },
            DeadLetterConfig: { Arn: { 'Fn::GetAtt': [letters, 'Arn'] } },
            Id: Match.anyValue(),
            RetryPolicy: Match.anyValue(),
          },
        ],
      });
    },
  );

  it('keeps what the function could not publish', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: sender },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [letters, 'Arn'] } } },
    });
    expect(withSid('NoticesSenderRole', 'Publish', template)).toMatchObject({ Action: 'sns:Publish' });
  });

  it('accepts this account’s alarms over TLS and nobody else; no rule, which no condition would allow', () => {
    const [policy] = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
    const all = policy?.['Properties'].PolicyDocument.Statement;
    const allowed = all.filter((statement: { Effect: string }) => statement.Effect === 'Allow');
    expect(allowed.map((statement: { Principal: unknown }) => statement.Principal)).toEqual([
      { Service: 'cloudwatch.amazonaws.com' },
    ]);
    expect(textOf(allowed[0].Condition.ArnLike['aws:SourceArn'])).toBe(
      'arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*',
    );
    expect(allowed[0].Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    expect(all).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });
});
