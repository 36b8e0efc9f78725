import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { noScanWindow } from '../../cdk/monitoring.ts';
import { config, synthesize } from './fixtures.ts';

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

describe('alarms', () => {
  const { template } = synthesize();

  it('on what failed and what is overdue, a profile', () => {
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
    expect(alarms(two)).toHaveLength(7);
  });

  it('on dead letters', () => {
    for (const id of ['DeadLetters', 'ScanDeadLetters']) {
      expect(alarm(template, id)).toMatchObject({ MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 0 });
    }
  });

  it('on missing scans, started or not, where no data is the alarm', () => {
    expect(alarm(template, 'NoScan')).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      // 0 where one of the scans succeeded, 1 where all failed, and no data where none was started.
      Statistic: 'Minimum',
      Period: 3600,
      EvaluationPeriods: 2,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'breaching',
    });
  });

  it('on missing scans, not while the schedule is paused, and not where CloudWatch can not look back so far', () => {
    expect(alarm(synthesize({ paused: true }).template, 'NoScan')).toBeUndefined();
    const weekly = synthesize({ schedule: 'rate(7 days)' });
    expect(alarm(weekly.template, 'NoScan')).toBeUndefined();
    Annotations.fromStack(weekly.stack).hasWarning('*', Match.stringLikeRegexp('no alarm on missing scans'));
    Annotations.fromStack(synthesize().stack).hasNoWarning('*', Match.anyValue());
  });

  it('all tell the topic', () => {
    const topics = Object.keys(template.findResources('AWS::SNS::Topic'));
    expect(topics).toHaveLength(1);
    for (const { id, AlarmActions } of alarms(template)) expect(AlarmActions, id).toEqual([{ Ref: topics[0] }]);
  });
});

describe('the topic', () => {
  const { template } = synthesize({ notify: { email: ['a@example.com', 'b@example.com'] } });

  it('has the subscribers of the configuration', () => {
    template.resourcePropertiesCountIs('AWS::SNS::Subscription', { Protocol: 'email' }, 2);
    template.hasResourceProperties('AWS::SNS::Subscription', { Endpoint: 'b@example.com' });
    synthesize().template.resourceCountIs('AWS::SNS::Subscription', 0);
  });

  it.each(['Certificate Renewal Failed', 'Certificate Renewal Overdue'])('hears of %s', (type) => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['cert-renewer'], 'detail-type': [type] },
      EventBusName: Match.anyValue(),
      Targets: [
        Match.objectLike({
          InputTransformer: {
            InputTemplate: Match.stringLikeRegexp('^"cert-renewer'),
            InputPathsMap: Match.objectLike({ 'detail-secretArn': '$.detail.secretArn' }),
          },
        }),
      ],
    });
  });

  it('lets publish its rules and alarms, over TLS, and nobody else', () => {
    const [policy] = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
    const all = policy?.['Properties'].PolicyDocument.Statement;
    const allowed = all.filter((statement: { Effect: string }) => statement.Effect === 'Allow');
    expect(allowed.map((statement: { Principal: unknown }) => statement.Principal)).toEqual([
      { Service: 'events.amazonaws.com' },
      { Service: 'cloudwatch.amazonaws.com' },
    ]);
    for (const statement of allowed) {
      expect(statement.Condition.ArnEquals['aws:SourceArn']).not.toContain('*');
      expect(statement.Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    }
    expect(allowed[1].Condition.ArnEquals['aws:SourceArn']).toHaveLength(alarms(template).length);
    expect(all).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });
});
