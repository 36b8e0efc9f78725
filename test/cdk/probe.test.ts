/** `probe`: its function, what its role may do, its schedule and its monitoring. And which endpoints synthesis accepts. */
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { Certificate } from '../../cdk/certificates/certificate.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { statusTags, tags } from '../../lambdas/domain/tags.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';
import { rolesOf } from '../support/deployed-policies.ts';
import { type Call, decide } from '../support/iam-policy.ts';
import { config, newApp, synthesize } from './fixtures.ts';
import { actionsOf, environment, type Json, one, textOf, withSid } from './template-reading.ts';

const probe = { allow: ['dns:svc.example', 'ip:10.0.0.0/8', 'ip:2001:db8::/32'], within: '30m' };
const vpc = { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'] };
const authorities = { root: { create: { subject: 'CN=Root', key: 'EC P-256', validity: '87600h' } } } as const;
const { template, stack } = synthesize({ probe });

/** The paths and messages of a configuration that is refused. */
function problemsOf(options: Partial<CertRenewerProps>) {
  try {
    synthesize(options);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe('without probe', () => {
  const { template: without, stack: plain } = synthesize();

  it('there is no function, schedule, alarm, rule, graph or output of it', () => {
    expect(JSON.stringify(without.toJSON())).not.toMatch(/probe|NotServed|Not served|Not Served/i);
    expect(plain.renewer.probeFunction).toBeUndefined();
  });

  it('it does not change the environment of the other functions', () => {
    const { CONFIG_HASH: hash, ...others } = environment('RenewFunction', without);
    const { CONFIG_HASH: probed, ...same } = environment('RenewFunction', template);
    expect(same).toEqual(others);
    expect(probed).not.toBe(hash);
  });
});

describe('the probe function', () => {
  it('is small, and knows only what it needs', () => {
    expect(one('AWS::Lambda::Function', 'ProbeFunction', template)).toMatchObject({
      Handler: 'probe.handler',
      Timeout: 180,
      MemorySize: 512,
    });
    expect(environment('ProbeFunction', template)).toEqual({
      PROFILE_PREFIX: '/cert-renewer/CertRenewer/profiles/',
      EVENT_BUS_NAME: expect.anything(),
      RENEW_FUNCTION_ARN: { 'Fn::GetAtt': [expect.stringContaining('RenewFunction'), 'Arn'] },
      CONFIG_HASH: environment('RenewFunction', template)['CONFIG_HASH'],
      CERT_RENEWER_VERSION: environment('RenewFunction', template)['CERT_RENEWER_VERSION'],
      UV_THREADPOOL_SIZE: '128',
      POWERTOOLS_SERVICE_NAME: 'cert-renewer',
      POWERTOOLS_METRICS_NAMESPACE: 'CertRenewer',
    });
    const own = synthesize({ probe, authorities }).template;
    expect(environment('ProbeFunction', own)).toMatchObject({
      AUTHORITIES: '["root"]',
      AUTHORITY_PREFIX: '/cert-renewer/CertRenewer/authorities/',
    });
  });

  it('is started every minute, also in a paused stack, and no run is tried again or kept', () => {
    for (const from of [template, synthesize({ probe, paused: true }).template]) {
      const schedule = one('AWS::Scheduler::Schedule', 'ProbeSchedule', from);
      expect(schedule).toMatchObject({
        ScheduleExpression: 'rate(1 minute)',
        State: 'ENABLED',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Input: '{"due":true}', RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } },
      });
      expect(schedule['Target']).not.toHaveProperty('DeadLetterConfig');
    }
    expect(actionsOf('ProbeScheduleRole', template)).toEqual(['lambda:InvokeFunction']);
    const [id] = Object.keys(
      template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'probe.handler' } }),
    );
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: id },
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  });

  it('runs in the network of the workers', () => {
    const inVpc = synthesize({ probe, vpc }).template;
    const placed = (name: string) => one('AWS::Lambda::Function', `${name}Function`, inVpc)['VpcConfig'];
    expect(placed('Probe')).toBeDefined();
    expect(placed('Probe')).toEqual(placed('Renew'));
    expect(actionsOf('ProbeRole', inVpc)).toContain('ec2:CreateNetworkInterface');
  });

  it('starts after the profiles and the authorities', () => {
    const own = synthesize({ probe, authorities }).template;
    const [fn] = Object.values(
      own.findResources('AWS::Lambda::Function', { Properties: { Handler: 'probe.handler' } }),
    );
    expect(fn?.['DependsOn']).toEqual(expect.arrayContaining(Object.keys(own.findResources('AWS::SSM::Parameter'))));
  });

  it('has its name as an output, and is a property', () => {
    const [id] = Object.keys(
      template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'probe.handler' } }),
    );
    expect(template.toJSON()['Outputs'].ProbeFunctionName.Value).toEqual({ Ref: id });
    expect(stack.resolve(stack.renewer.probeFunction?.functionName)).toEqual({ Ref: id });
  });
});

describe('the role of the probe', () => {
  const allowed = [
    'events:PutEvents',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'secretsmanager:DescribeSecret',
    'secretsmanager:ListSecrets',
    'secretsmanager:TagResource',
    'ssm:GetParameter',
  ];

  it('may do exactly this', () => {
    expect(actionsOf('ProbeRole', template)).toEqual(allowed);
    expect([...new Set(actionsOf('ProbeRole', synthesize({ probe, authorities }).template))]).toEqual(allowed);
    const role = one('AWS::IAM::Role', 'ProbeRole', template);
    expect(role).not.toHaveProperty('ManagedPolicyArns');
  });

  it('is denied every value', () => {
    expect(withSid('ProbeRole', 'ReadNoSecret', template)).toMatchObject({
      Effect: 'Deny',
      Action: ['secretsmanager:BatchGetSecretValue', 'secretsmanager:GetSecretValue'],
      Resource: '*',
    });
  });

  const physicalIds = Object.fromEntries(Object.keys(template.toJSON()['Resources']).map((id) => [id, id]));
  const deployed = { template: template.toJSON() as never, physicalIds, stackName: 'CertRenewer', port: '0' };
  const statements = rolesOf(deployed).find(({ role }) => role === 'Probe')?.statements ?? [];
  const here = statements.flatMap(({ Resource }) => Resource).find((each) => each.includes(':secret:')) ?? '';
  const resource = here.replace(/:secret:.*$/, ':secret:web/tls-AbCdEf');
  const may = (action: string, keys: Call['keys']) =>
    decide({ action: `secretsmanager:${action}`, resource, keys }, statements);
  const [own, other] = ['internal', 'of-another-stack'].map((name) => ({
    'aws:resourcetag/cert-renewer:profile': name,
  }));

  it.each<[string, string, Call['keys'], string]>([
    ['describe a secret of a profile', 'DescribeSecret', { ...own }, 'Allow'],
    ['describe a secret of another stack', 'DescribeSecret', { ...other }, 'ImplicitDeny'],
    ['describe a secret that is not enrolled', 'DescribeSecret', {}, 'ImplicitDeny'],
    ['write its tag', 'TagResource', { ...own, 'aws:tagkeys': [tags.served] }, 'Allow'],
    [
      'write its tag on a secret of another stack',
      'TagResource',
      { ...other, 'aws:tagkeys': [tags.served] },
      'ImplicitDeny',
    ],
    ['write no tag at all', 'TagResource', { ...own }, 'ImplicitDeny'],
    [
      'write its tag and another one',
      'TagResource',
      { ...own, 'aws:tagkeys': [tags.served, tags.fingerprint] },
      'ImplicitDeny',
    ],
    ['enrol', 'TagResource', { ...own, 'aws:tagkeys': [tags.profile] }, 'ImplicitDeny'],
    ['choose where it connects', 'TagResource', { ...own, 'aws:tagkeys': [tags.endpoints] }, 'ImplicitDeny'],
    ['remove its tag', 'UntagResource', { ...own, 'aws:tagkeys': [tags.served] }, 'ImplicitDeny'],
    ['read a value', 'GetSecretValue', { ...own }, 'Deny'],
    ['write a value', 'PutSecretValue', { ...own }, 'ImplicitDeny'],
    ['move a label', 'UpdateSecretVersionStage', { ...own }, 'ImplicitDeny'],
  ])('may it %s?', (_, action, keys, expected) => {
    expect(here).toMatch(/^arn:aws:secretsmanager:/);
    expect(may(action, keys)).toBe(expected);
  });

  it('writes the tag that the worker begins', () => {
    expect(statusTags).toEqual(expect.arrayContaining([tags.served, tags.fingerprint]));
  });
});

describe('the parameters of the profiles', () => {
  it('have the terms of the probe, each of them', () => {
    const two = synthesize({ probe, profiles: { a: config.profiles.internal, b: config.profiles.internal } }).template;
    for (const name of ['a', 'b']) {
      const { Value: value } = one('AWS::SSM::Parameter', `Profiles${name}`, two);
      expect(parseProfile(name, String(value)).probe).toEqual({ allow: probe.allow, within: 1_800_000 });
    }
  });

  it('have an hour by default', () => {
    const { Value: value } = one(
      'AWS::SSM::Parameter',
      'Profiles',
      synthesize({ probe: { allow: probe.allow } }).template,
    );
    expect(parseProfile('internal', String(value)).probe?.within).toBe(3_600_000);
  });
});

describe('a configuration of the probe', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no entry', { allow: [] }, '$.probe.allow', /1 to 100 entries/],
    ['too many entries', { allow: Array(101).fill('ip:10.0.0.7') }, '$.probe.allow', /1 to 100 entries/],
    ['nothing', {}, '$.probe.allow', /missing|expected/],
    ['an entry of another kind', { allow: ['dns:a.example', 'uri:.example'] }, '$.probe.allow[1]', /dns:.*ip:/],
    ['a name without a kind', { allow: ['a.example'] }, '$.probe.allow[0]', /dns:.*ip:/],
    ['a range that is none', { allow: ['ip:10.0.0.0/33'] }, '$.probe.allow[0]', /dns:.*ip:/],
    ['a wildcard', { allow: ['dns:*.example'] }, '$.probe.allow[0]', /dns:.*ip:/],
    ['no time', { allow: ['ip:10.0.0.7'], within: '0s' }, '$.probe.within', /above zero/],
    ['a time in days', { allow: ['ip:10.0.0.7'], within: '1d' }, '$.probe.within', /write 24h/],
    ['an unknown field', { allow: ['ip:10.0.0.7'], allowed: [] }, '$.probe.allowed', /unknown key.*allow, within/],
  ])('with %s is refused', (_, given, path, message) => {
    const problems = problemsOf({ probe: given as CertRenewerProps['probe'] });
    expect(problems).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  it('may have addresses with and without a prefix', () => {
    expect(problemsOf({ probe: { allow: ['ip:10.0.0.7', 'ip:2001:db8::7', 'ip:::1', 'ip:127.0.0.0/8'] } })).toEqual([]);
  });
});

describe('endpoints of a declared certificate', () => {
  const issuing = {
    internal: { ca: { type: 'offline', authority: 'root' }, issue: { allow: ['dns:svc.example'] } },
  } as const;
  const declared = (endpoints: string[], more: Partial<CertRenewerProps> = { probe }) => ({
    profiles: issuing,
    authorities,
    certificates: { 'web/tls': { profile: 'internal', dnsNames: ['web.svc.example'], endpoints } },
    ...more,
  });
  const at = (index: number) => `$.certificates["web/tls"].endpoints[${index}]`;

  it('within probe.allow are accepted', () => {
    expect(problemsOf(declared(['web.svc.example:443', '10.1.2.3:8443/web.svc.example', '[2001:db8::1]:443']))).toEqual(
      [],
    );
  });

  it.each([
    [
      'another name',
      'web.other.example:443',
      /probe\.allow of the stack does not contain web\.other\.example\. It contains dns:svc\.example/,
    ],
    ['a name that only ends like it', 'notsvc.example:443', /does not contain notsvc\.example/],
    ['another address', '192.0.2.1:443/web.svc.example', /does not contain the address 192\.0\.2\.1/],
    ['a link-local address', '169.254.169.254:80', /169\.254\.169\.254 is link-local/],
    ['a loopback address', '127.0.0.1:443', /needs a range within 127\.0\.0\.0\/8/],
    ['no port', 'web.svc.example', /expected host:port/],
  ])('with %s are refused, with the place', (_, endpoint, message) => {
    expect(problemsOf(declared(['web.svc.example:443', endpoint]))).toEqual([
      { path: at(1), message: expect.stringMatching(message) },
    ]);
  });

  it('are refused for a Certificate of a CDK app too', () => {
    const app = new CertRenewerStack(newApp(), 'CertRenewer', { config: { profiles: issuing, authorities, probe } });
    const certificate = (id: string, endpoint: string) =>
      new Certificate(app, id, {
        renewer: app.renewer,
        profile: 'internal',
        dnsNames: ['web.svc.example'],
        endpoints: [endpoint],
      });
    expect(() => certificate('Good', 'web.svc.example:443')).not.toThrow();
    expect(() => certificate('Bad', '192.0.2.1:443')).toThrow(/\$\.endpoints\[0\]: probe\.allow of the stack does not/);
  });

  it('are not judged at synthesis where they, or probe.allow, are known only at deployment', () => {
    const app = new CertRenewerStack(newApp(), 'CertRenewer', { config: { profiles: issuing, authorities, probe } });
    const host = app.resolve(app.account) ? app.account : '';
    const within = { renewer: app.renewer, profile: 'internal', dnsNames: ['web.svc.example'] };
    expect(() => new Certificate(app, 'Token', { ...within, endpoints: [`${host}:443`] })).not.toThrow();
    expect(() => new Certificate(app, 'Mixed', { ...within, endpoints: [`${host}:443`, '192.0.2.1:1'] })).toThrow(
      /\$\.endpoints\[1\]/,
    );
    expect(problemsOf(declared(['web.other.example:443'], { probe: { allow: [`dns:${host}`] } }))).toEqual([]);
  });

  it('get a warning where nothing probes them', () => {
    const text = Match.stringLikeRegexp('The endpoints of web/tls are not probed.*"probe"');
    const unprobed = synthesize(declared(['web.other.example:443'], {}));
    Annotations.fromStack(unprobed.stack).hasWarning('*', text);
    Annotations.fromStack(synthesize(declared(['web.svc.example:443'])).stack).hasNoWarning('*', Match.anyValue());
    Annotations.fromStack(synthesize(declared([], {})).stack).hasNoWarning('*', Match.anyValue());
    new Certificate(unprobed.stack, 'Other', {
      renewer: unprobed.stack.renewer,
      profile: 'internal',
      dnsNames: ['api.svc.example'],
      secretName: 'api/tls',
      endpoints: ['api.svc.example:443'],
    });
    Annotations.fromStack(unprobed.stack).hasWarning(
      '/CertRenewer/Other',
      Match.stringLikeRegexp('endpoints of api/tls'),
    );
  });
});

describe('monitoring of the probe', () => {
  const many = synthesize({
    probe,
    authorities,
    profiles: { a: config.profiles.internal, b: config.profiles.internal },
  }).template;
  const alarms = (from: Template) =>
    Object.values(from.findResources('AWS::CloudWatch::Alarm'))
      .map(({ Properties }) => Properties)
      .filter(({ MetricName }) => MetricName === 'NotServed');

  it('has an alarm for each profile, and none for authorities', () => {
    expect(alarms(many).map(({ Dimensions: [dimension] }) => dimension.Value)).toEqual(['a', 'b']);
    expect(alarms(template)).toEqual([
      expect.objectContaining({
        AlarmName: 'CertRenewer-NotServed-internal',
        Namespace: 'CertRenewer',
        Statistic: 'Maximum',
        Period: 300,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      }),
    ]);
    expect(textOf(alarms(template)[0]?.AlarmDescription)).toMatch(
      /\n {4}cert-renewer status --profile internal --region <AWS::Region>\n\nMore: .*#notserved$/,
    );
  });

  it('sends an e-mail for Certificate Not Served, and none for Certificate Served', () => {
    const types = Object.values(template.findResources('AWS::Events::Rule')).flatMap(
      ({ Properties }): string[] => (Properties.EventPattern as Json)['detail-type'] as string[],
    );
    expect(types).toContain('Certificate Not Served');
    expect(types).not.toContain('Certificate Served');
  });

  it('has a graph on the dashboard, with the profiles and without the authorities', () => {
    const [dashboard] = Object.values(many.findResources('AWS::CloudWatch::Dashboard'));
    const { widgets } = JSON.parse(textOf(dashboard?.['Properties'].DashboardBody));
    const graph = widgets.find(({ properties }: { properties: Json }) => properties['title'] === 'Not served');
    expect(graph.properties.metrics.map((metric: unknown[]) => metric.slice(0, 4))).toEqual([
      ['CertRenewer', 'NotServed', 'Profile', 'a'],
      ['CertRenewer', 'NotServed', 'Profile', 'b'],
    ]);
    const row = widgets.filter(({ y }: { y: number }) => y === graph.y);
    expect(row.map(({ width }: { width: number }) => width)).toEqual([6, 6, 6, 6]);
  });
});

describe('a rule and a metric of an app', () => {
  it.each([
    ['onServed', 'Certificate Served'],
    ['onNotServed', 'Certificate Not Served'],
  ] as const)('%s is for %s', (method, type) => {
    const app = new CertRenewerStack(newApp(), 'CertRenewer', { config: { ...config, probe } });
    app.renewer[method]('Rule', { eventPattern: { detail: { profile: ['internal'] } } });
    Template.fromStack(app).hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['cert-renewer'], 'detail-type': [type], detail: { profile: ['internal'] } },
      Targets: Match.absent(),
    });
  });

  it('metricNotServed is the maximum', () => {
    expect(stack.renewer.metricNotServed('internal')).toMatchObject({ metricName: 'NotServed', statistic: 'Maximum' });
  });
});
