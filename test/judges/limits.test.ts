/** Tests that each limit can be exceeded, and that the judges fill in values and follow references correctly. */
import { describe, expect, it } from 'vitest';
import { assemblyOfBodies, type ResourceBody, type TemplateBody } from './assembly.ts';
import { property, textOf } from './filled.ts';
import { judge, type Limit } from './limits/limit.ts';
import { limits } from './limits.ts';

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const named = (count: number, make: (index: number) => ResourceBody) =>
  Object.fromEntries(many(count, (n) => [`Resource${n}`, make(n)]));
const resource = (Type: string, Properties: object): ResourceBody => ({ Type, Properties: { ...Properties } });
const only = (type: string, properties: object): TemplateBody => ({ Resources: { It: resource(type, properties) } });
const statements = (count: number, more: object = {}) => ({
  Statement: many(count, () => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*', ...more })),
});
const dashboard = (...widgets: readonly object[]) =>
  only('AWS::CloudWatch::Dashboard', { DashboardBody: JSON.stringify({ widgets }) });
const rule = (more: object) => only('AWS::Events::Rule', { EventPattern: { source: ['x'] }, ...more });
const alarm = (more: object) => only('AWS::CloudWatch::Alarm', { Period: 60, EvaluationPeriods: 1, ...more });
const metric = (n: number) => ['Namespace', `Metric${n}`];

/** For each limit, by its description: a template beyond it. */
const beyond: Readonly<Record<string, TemplateBody>> = {
  'resources of a template': { Resources: named(501, () => resource('AWS::SNS::Topic', {})) },
  'outputs of a template': {
    ...only('AWS::SNS::Topic', {}),
    Outputs: Object.fromEntries(many(201, (n) => [`O${n}`, { Value: 'x' }])),
  },
  'parameters of a template': {
    ...only('AWS::SNS::Topic', {}),
    Parameters: Object.fromEntries(many(201, (n) => [`P${n}`, {}])),
  },
  'bytes of a template': only('AWS::SNS::Topic', { DisplayName: 'x'.repeat(1_000_000) }),
  "characters of a template's description": { ...only('AWS::SNS::Topic', {}), Description: 'x'.repeat(1_025) },
  'characters of a name of a resource, an output or a parameter': {
    Resources: { ['x'.repeat(256)]: resource('AWS::SNS::Topic', {}) },
  },
  "bytes of a parameter's value, for a nested stack": only('AWS::CloudFormation::Stack', {
    Parameters: { All: { 'Fn::Join': [',', many(33, () => ({ Ref: 'Absent' }))] } },
  }),
  "bytes of a function's environment": only('AWS::Lambda::Function', {
    Environment: { Variables: { A: 'x'.repeat(4_000), B: { 'Fn::GetAtt': ['It', 'Arn'] } } },
  }),
  'seconds that a function may take longer than a message of its queue is hidden': {
    Resources: {
      Queue: resource('AWS::SQS::Queue', { VisibilityTimeout: 59 }),
      Reader: resource('AWS::Lambda::Function', { Timeout: 60 }),
      Mapping: resource('AWS::Lambda::EventSourceMapping', {
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionName: { Ref: 'Reader' },
      }),
    },
  },
  "bytes of a parameter's value, beyond what its tier takes": only('AWS::SSM::Parameter', { Value: 'x'.repeat(4_097) }),
  'bytes of a document': only('AWS::SSM::Document', { Content: { description: 'x'.repeat(65_536) } }),
  'documents of an account in a Region': { Resources: named(501, () => resource('AWS::SSM::Document', {})) },
  'inline policies of a role, characters in sum': {
    Resources: {
      Role: resource('AWS::IAM::Role', { Policies: [{ PolicyDocument: statements(80) }] }),
      ...named(2, () => resource('AWS::IAM::Policy', { Roles: [{ Ref: 'Role' }], PolicyDocument: statements(50) })),
    },
  },
  'a managed policy, characters': only('AWS::IAM::ManagedPolicy', { PolicyDocument: statements(110) }),
  'managed policies of a role': {
    Resources: {
      Role: resource('AWS::IAM::Role', { ManagedPolicyArns: many(6, String) }),
      ...named(5, () => resource('AWS::IAM::ManagedPolicy', { Roles: [{ Ref: 'Role' }] })),
    },
  },
  "a role's trust policy, characters": only('AWS::IAM::Role', { AssumeRolePolicyDocument: statements(40) }),
  "a function's resource policy, bytes": {
    Resources: {
      Function: resource('AWS::Lambda::Function', {}),
      ...named(45, () =>
        resource('AWS::Lambda::Permission', {
          FunctionName: { 'Fn::GetAtt': ['Function', 'Arn'] },
          Action: 'lambda:InvokeFunction',
          Principal: 'events.amazonaws.com',
          SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] },
        }),
      ),
    },
  },
  "a queue's policy, bytes": only('AWS::SQS::QueuePolicy', {
    PolicyDocument: statements(19, { Sid: 'x'.repeat(400) }),
  }),
  "a queue's policy, statements": only('AWS::SQS::QueuePolicy', { PolicyDocument: statements(21) }),
  "actions in a statement of a queue's policy": only('AWS::SQS::QueuePolicy', {
    PolicyDocument: statements(1, { Action: many(8, String) }),
  }),
  "conditions in a statement of a queue's policy": only('AWS::SQS::QueuePolicy', {
    PolicyDocument: statements(1, { Condition: Object.fromEntries(many(11, (n) => [`Bool${n}`, { c: 'true' }])) }),
  }),
  "principals of a queue's policy": only('AWS::SQS::QueuePolicy', {
    PolicyDocument: statements(3, { Principal: { AWS: many(17, String) } }),
  }),
  "a topic's policy, bytes": only('AWS::SNS::TopicPolicy', {
    PolicyDocument: statements(90, { Sid: 'x'.repeat(300) }),
  }),
  "a topic's policy, statements": only('AWS::SNS::TopicPolicy', { PolicyDocument: statements(101) }),
  "a key's policy, bytes": only('AWS::KMS::Key', { KeyPolicy: statements(90, { Sid: 'x'.repeat(300) }) }),
  'rules of an event bus': {
    Resources: { ...named(301, () => resource('AWS::Events::Rule', { EventBusName: { Ref: 'Bus' } })) },
  },
  'targets of a rule': rule({ Targets: many(6, () => ({ Arn: 'x' })) }),
  "characters of a rule's pattern": rule({ EventPattern: { source: many(100, (n) => `a-source-of-events-${n}`) } }),
  "characters of a target's input": rule({ Targets: [{ Input: 'x'.repeat(8_193) }] }),
  "characters of a target's template": rule({
    Targets: [{ InputTransformer: { InputTemplate: 'x'.repeat(8_193), InputPathsMap: {} } }],
  }),
  "paths of a target's template": rule({
    Targets: [
      { InputTransformer: { InputTemplate: 'x', InputPathsMap: Object.fromEntries(many(101, (n) => [n, '$'])) } },
    ],
  }),
  'tries of a target after the first': rule({ Targets: [{ RetryPolicy: { MaximumRetryAttempts: 186 } }] }),
  "the age of a target's events, in seconds": rule({ Targets: [{ RetryPolicy: { MaximumEventAgeInSeconds: 59 } }] }),
  'seconds that an alarm looks back': alarm({ Period: 86_400, EvaluationPeriods: 8 }),
  'seconds that an alarm with periods of less than an hour looks back': alarm({ Period: 1_800, EvaluationPeriods: 49 }),
  "seconds of an alarm's period beyond whole minutes (10, 20 and 30 are for metrics of high resolution)": alarm({
    Period: undefined,
    Metrics: [{ MetricStat: { Period: 90 } }],
  }),
  'actions of an alarm, by state': alarm({ AlarmActions: many(6, String) }),
  'metrics of an alarm by metric math': alarm({ Metrics: many(11, () => ({ MetricStat: { Period: 60 } })) }),
  'widgets of a dashboard': dashboard(...many(501, () => ({ type: 'text', properties: {} }))),
  'alarms of an alarm widget': dashboard({ type: 'alarm', properties: { alarms: many(101, String) } }),
  'metrics of a widget': dashboard({ type: 'metric', properties: { metrics: many(501, metric) } }),
  'metrics of a dashboard': dashboard(
    ...many(6, () => ({ type: 'metric', properties: { metrics: many(450, metric) } })),
  ),
};

/** Returns a resource whose property is one more than a plain limit allows. */
function tooMuch({ plain, most }: Limit): TemplateBody | undefined {
  if (!plain) return undefined;
  const value: unknown = plain.kind === 'length' ? 'x'.repeat(most + 1) : most + 1;
  const properties = plain.path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  return only(plain.type, properties as object);
}

describe('a limit', () => {
  it.each(limits.map((limit) => [limit.what, limit] as const))('is exceeded: %s', (what, limit) => {
    const body = beyond[what] ?? tooMuch(limit);
    expect(body, 'a template beyond it').toBeDefined();
    const findings = judge(assemblyOfBodies('beyond', body as TemplateBody), [limit]);
    expect(findings.map((finding) => finding.what.startsWith(`${what}: `))).toEqual([true]);
    const least = judge(assemblyOfBodies('least', only('AWS::SNS::Topic', {})), [limit]);
    expect(least).toEqual([]);
  });

  it('exists for each template beyond one, and names a page of AWS', () => {
    expect(Object.keys(beyond).filter((what) => !limits.some((limit) => limit.what === what))).toEqual([]);
    for (const { source } of limits) expect(source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\S+$/);
    expect(new Set(limits.map(({ what }) => what)).size).toBe(limits.length);
  });
});

describe('across nested stacks', () => {
  const assembly = assemblyOfBodies(
    'nested',
    {
      Resources: {
        Role: resource('AWS::IAM::Role', {}),
        Queue: resource('AWS::SQS::Queue', {}),
        Hooks: resource('AWS::CloudFormation::Stack', {
          Parameters: { RoleOfParent: { Ref: 'Role' }, QueueOfParent: { 'Fn::GetAtt': ['Queue', 'Arn'] } },
        }),
        Rule: resource('AWS::Events::Rule', { Targets: [{ Arn: { 'Fn::GetAtt': ['Hooks', 'Outputs.Run'] } }] }),
        Own: resource('AWS::IAM::Policy', { Roles: [{ Ref: 'Role' }], PolicyDocument: statements(100) }),
      },
    },
    {
      nestedIn: [0, 'Hooks'],
      Parameters: { RoleOfParent: {}, QueueOfParent: {} },
      Outputs: { Run: { Value: { 'Fn::GetAtt': ['Run', 'Arn'] } } },
      Resources: {
        Run: resource('AWS::Lambda::Function', { Environment: { Variables: { QUEUE: { Ref: 'QueueOfParent' } } } }),
        Nested: resource('AWS::IAM::Policy', { Roles: [{ Ref: 'RoleOfParent' }], PolicyDocument: statements(100) }),
      },
    },
  );
  const [outer, inner] = assembly.templates;

  it('adds up the inline policies of one role', () => {
    expect(judge(assembly, limits).map(({ template, id }) => `${template} ${id}`)).toEqual(['0.template.json Role']);
  });

  it('follows a parameter to the parent’s value, and an output to the child’s resource', () => {
    if (!outer || !inner) throw new Error('no templates');
    const run = { template: inner, id: 'Run', type: '', properties: inner.body.Resources['Run']?.Properties ?? {} };
    expect(JSON.stringify(property(assembly, run, 'Environment'))).toMatch(
      /"arn:aws-us-gov:sqs:ap-southeast-1:111122223333:cert-renewer-of-a-longer-name-Queue-X{12}"/,
    );
    expect(textOf(assembly, outer, { 'Fn::GetAtt': ['Hooks', 'Outputs.Run'] })).toMatch(
      /^arn:aws-us-gov:lambda:ap-southeast-1:111122223333:function:.{1,64}$/,
    );
  });
});
