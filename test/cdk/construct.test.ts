import { rmSync } from 'node:fs';
import { Stack, Stage } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { AccountPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CertRenewer, type CertRenewerProps } from '../../cdk/cert-renewer.ts';
import type { EnrolOptions } from '../../cdk/certificates/enrolment.ts';
import { config, newApp } from './fixtures.ts';

function setUp(options: (stack: Stack) => Partial<CertRenewerProps> = () => ({})) {
  const stack = new Stack(newApp(), 'Own');
  const renewer = new CertRenewer(stack, 'Renewer', { ...config, ...options(stack) });
  return { stack, renewer, template: () => Template.fromStack(stack) };
}

describe('the construct in a user’s stack', () => {
  it('names parameters by the stack', () => {
    setUp().template().hasResourceProperties('AWS::SSM::Parameter', { Name: '/cert-renewer/Own/profiles/internal' });
  });

  it('has the documented outputs, by which the command line finds it', () => {
    const names = [
      'ScanFunctionName',
      'RenewFunctionName',
      'RenewalQueueUrl',
      'DeadLetterQueueUrl',
      'EventBusName',
      'DashboardUrl',
    ];
    expect(Object.keys(setUp().template().toJSON()['Outputs']).toSorted()).toEqual(names.toSorted());
  });

  it('exists once', () => {
    const { stack } = setUp();
    expect(() => new CertRenewer(stack, 'Second', config)).toThrow(/this stack already has a CertRenewer/);
  });

  it('refuses invalid props like the file, with the construct’s path', () => {
    expect(() => setUp(() => ({ maxConcurrency: 1 }))).toThrow(
      /The props of Own\/Renewer is not valid|The props of Own\/Renewer/,
    );
    expect(() => setUp(() => ({ maxConcurrency: 1 }))).toThrow(
      /\$\.maxConcurrency: expected a whole number from 2 to 1000/,
    );
  });

  it('accepts keys and tokens of the app', () => {
    const { template } = setUp((stack) => ({
      encryptionKeys: [new Key(stack, 'Key')],
      profiles: {
        internal: { ...config.profiles.internal, passwordSecretId: new Secret(stack, 'Password').secretArn },
      },
    }));
    template().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Sid: 'Passwords', Resource: { Ref: Match.stringLikeRegexp('^Password') } }),
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
          }),
        ]),
      },
    });
    template().hasResourceProperties('AWS::SSM::Parameter', {
      Value: { 'Fn::Join': ['', Match.arrayWith([{ Ref: Match.stringLikeRegexp('^Password') }])] },
    });
  });

  it('publishes on the app’s bus', () => {
    const { template } = setUp((stack) => ({ eventBus: new EventBus(stack, 'Mine') }));
    template().resourceCountIs('AWS::Events::EventBus', 1);
    template().allResourcesProperties('AWS::Events::Rule', { EventBusName: { Ref: Match.stringLikeRegexp('^Mine') } });
  });

  it('lets a role invoke the renew function', () => {
    const { stack, renewer, template } = setUp();
    renewer.grantInvoke(new Role(stack, 'Operators', { assumedBy: new AccountPrincipal('111122223333') }));
    template().hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Operators') }],
      PolicyDocument: { Statement: [Match.objectLike({ Action: 'lambda:InvokeFunction' })] },
    });
  });

  it.each([
    ['onRenewed', 'Certificate Renewed'],
    ['onFailed', 'Certificate Renewal Failed'],
    ['onOverdue', 'Certificate Renewal Overdue'],
  ] as const)('%s makes a rule for %s', (method, type) => {
    const { stack, renewer, template } = setUp();
    const target = new SqsQueue(new Queue(stack, 'Target'));
    renewer[method]('Rule', { target, eventPattern: { detail: { profile: ['internal'] } } });
    template().hasResourceProperties('AWS::Events::Rule', {
      EventBusName: Match.anyValue(),
      EventPattern: { source: ['cert-renewer'], 'detail-type': [type], detail: { profile: ['internal'] } },
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Target'), 'Arn'] } })],
    });
  });

  it('gives the metrics of a profile', () => {
    const { renewer } = setUp();
    const found = [
      renewer.metricRenewed('internal'),
      renewer.metricFailed('internal'),
      renewer.metricOverdue('internal'),
      renewer.metricManaged('internal'),
      renewer.metricSecondsToExpiry('internal'),
      renewer.metricRenewalDuration('internal', { statistic: 'p99' }),
    ];
    expect(found.map(({ metricName, statistic }) => `${metricName} ${statistic}`)).toEqual([
      'Renewed Sum',
      'Failed Sum',
      'Overdue Maximum',
      'Managed Maximum',
      'SecondsToExpiry Minimum',
      'RenewalDuration p99',
    ]);
    for (const { namespace, dimensions } of found) {
      expect({ namespace, dimensions }).toEqual({ namespace: 'CertRenewer', dimensions: { Profile: 'internal' } });
    }
  });
});

describe('enrol', () => {
  it('tags the secret, and lets the workers use its key', () => {
    const { stack, renewer, template } = setUp();
    const secret = new Secret(stack, 'Certificate', { encryptionKey: new Key(stack, 'Key') });
    renewer.enrol(secret, { profile: 'internal', mode: 'renew', expiresIn: '33%', paused: true });
    template().hasResourceProperties('AWS::SecretsManager::Secret', {
      Tags: [
        { Key: 'cert-renewer:expires-in', Value: '33pct' },
        { Key: 'cert-renewer:mode', Value: 'renew' },
        { Key: 'cert-renewer:paused', Value: 'true' },
        { Key: 'cert-renewer:profile', Value: 'internal' },
      ],
    });
    template().hasResourceProperties('AWS::KMS::Key', { Tags: Match.absent() });
    template().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'] })]),
      },
    });
  });

  it.each<[string, EnrolOptions, RegExp]>([
    [
      'an unknown profile',
      { profile: 'other' },
      /\$\.profile: the renewer has no profile of that name; expected one of internal/,
    ],
    ['a bad window', { profile: 'internal', expiresIn: 'soon' }, /cert-renewer:expires-in/],
    ['a curve with RSA', { profile: 'internal', kty: 'RSA', curve: 'P-256' }, /cert-renewer:curve/],
  ])('refuses %s', (_, options, expected) => {
    const { stack, renewer } = setUp();
    expect(() => renewer.enrol(new Secret(stack, 'S'), options)).toThrow(expected);
  });

  it('tags where the certificate is served, within probe.allow', () => {
    const { stack, renewer, template } = setUp(() => ({ probe: { allow: ['dns:svc.example', 'ip:2001:db8::/32'] } }));
    const endpoints = ['web.svc.example:443', '[2001:db8::7]:8443/web.svc.example'];
    renewer.enrol(new Secret(stack, 'Certificate'), { profile: 'internal', endpoints });
    const elsewhere = { profile: 'internal', endpoints: ['web.elsewhere.example:443'] };
    expect(() => renewer.enrol(new Secret(stack, 'S'), elsewhere)).toThrow(/web\.elsewhere\.example.*probe\.allow/);
    template().hasResourceProperties('AWS::SecretsManager::Secret', {
      Tags: [
        { Key: 'cert-renewer:endpoints', Value: 'web.svc.example:443 2001:db8::7:8443/web.svc.example' },
        { Key: 'cert-renewer:profile', Value: 'internal' },
      ],
    });
  });

  it('refuses an imported secret, which it can’t tag', () => {
    const { stack, renewer } = setUp();
    const imported = Secret.fromSecretNameV2(stack, 'S', 'elsewhere');
    expect(() => renewer.enrol(imported, { profile: 'internal' })).toThrow(/imported.*cert-renewer:profile=internal/);
  });
});

describe('the example of a user’s app', () => {
  it('synthesizes', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('CDK_VALIDATION', 'false'); // as in newApp()
    const { stack } = await import('../../examples/own-app/app.ts');
    const outdir = Stage.of(stack)?.outdir ?? '';
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Tags: Match.arrayWith([{ Key: 'cert-renewer:profile', Value: 'internal' }]),
    });
    template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpressionTimezone: 'Europe/Berlin' });
    template.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: Match.anyValue(), MemorySize: 1024 });
  });
});

it('a service’s role works with grantInvoke', () => {
  const { stack, renewer } = setUp();
  const role = new Role(stack, 'R', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  expect(renewer.grantInvoke(role).success).toBe(true);
});
