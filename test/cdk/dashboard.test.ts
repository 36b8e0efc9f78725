/** The dashboard: its contents, and the permissions of the function behind its inventory. */
import { describe, expect, it } from 'vitest';
import { otherMemory } from '../../bench/stack.ts';
import { config, synthesize } from './fixtures.ts';

type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };
const { template } = synthesize({
  profiles: {
    ...config.profiles,
    edge: {
      ...config.profiles.internal,
      hooks: [{ type: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:renewals' }],
    },
  },
});

/** Returns the body. Values of CloudFormation become their logical ids. */
function body(from: typeof template): { widgets: { type: string; properties: Record<string, unknown> }[] } {
  const [dashboard] = Object.values(from.findResources('AWS::CloudWatch::Dashboard')) as Resource[];
  const text = dashboard?.Properties['DashboardBody'] as { 'Fn::Join': [string, unknown[]] };
  const parts = text['Fn::Join'][1].map((part) => {
    const { Ref: ref, 'Fn::GetAtt': attribute } = Object(part);
    return typeof part === 'string' ? part : (ref ?? attribute?.join('.'));
  });
  return JSON.parse(parts.join(''));
}

describe('the dashboard', () => {
  const { widgets } = body(template);
  const titled = (title: string) => widgets.find(({ properties }) => properties['title'] === title)?.properties;

  it('has the alarms first, then the renewals, then the inventory', () => {
    expect(widgets.map(({ type, properties }) => [type, properties['title']])).toEqual([
      ['alarm', 'Alarms'],
      ['metric', 'Renewed'],
      ['metric', 'Failed'],
      ['metric', 'Overdue'],
      ['metric', 'Days to the next expiry'],
      ['metric', 'Duration of renewals (ms), p90'],
      ['metric', 'Queue'],
      ['custom', 'Certificates'],
    ]);
    expect(titled('Alarms')?.['alarms']).toHaveLength(
      Object.keys(template.findResources('AWS::CloudWatch::Alarm')).length,
    );
  });

  it.each([
    ['Renewed', 'Renewed', 'Sum'],
    ['Failed', 'Failed', 'Sum'],
    ['Overdue', 'Overdue', 'Maximum'],
    ['Duration of renewals (ms), p90', 'RenewalDuration', 'p90'],
  ])('%s: a line for each profile', (title, metric, stat) => {
    const lines = titled(title)?.['metrics'] as [string, string, string, string, { label: string; stat?: string }][];
    expect(lines.map(([namespace, name, dimension, profile]) => [namespace, name, dimension, profile])).toEqual(
      ['internal', 'edge'].map((profile) => ['CertRenewer', metric, 'Profile', profile]),
    );
    for (const [, , , , options] of lines) expect(options.stat ?? 'Average').toBe(stat);
  });

  it('shows the time to the next expiry in days', () => {
    const shown = JSON.stringify(titled('Days to the next expiry')?.['metrics']);
    for (const profile of ['internal', 'edge']) expect(shown).toContain(profile);
    expect(shown).toContain('/ 86400');
    expect(shown).toContain('"stat":"Minimum"');
  });

  it('shows the queue and all dead letters', () => {
    const lines = titled('Queue')?.['metrics'] as unknown[];
    expect(lines).toHaveLength(6); // waiting, oldest, and the letters of renewals, scans, e-mails and hooks
  });

  it('calls the function of the inventory', () => {
    const functions = Object.entries(template.findResources('AWS::Lambda::Function')) as [string, Resource][];
    const [id, inventory] =
      functions.find(([, { Properties }]) => Properties['Handler'] === 'show-inventory.handler') ?? [];
    expect(inventory?.Properties['MemorySize']).toBe(otherMemory.inventory);
    expect(inventory?.Properties['Environment']).toMatchObject({ Variables: { STACK_NAME: 'CertRenewer' } });
    expect(titled('Certificates')?.['endpoint']).toBe(`${id}.Arn`);
  });

  it('has the stack and the Region in its name, because an account has the dashboards of all Regions', () => {
    template.hasResourceProperties('AWS::CloudWatch::Dashboard', {
      DashboardName: { 'Fn::Join': ['', ['CertRenewer-certificates-', { Ref: 'AWS::Region' }]] },
    });
  });

  it('shows all alarms, in widgets of a hundred, which is the limit', () => {
    const names = Array.from({ length: 60 }, (_, index) => `profile-${index}`);
    const profiles = Object.fromEntries(names.map((name) => [name, config.profiles.internal]));
    const { template: many } = synthesize({ profiles });
    const shown = body(many)
      .widgets.filter(({ type }) => type === 'alarm')
      .map(({ properties }) => properties['alarms'] as unknown[]);
    expect(shown.map(({ length }) => length)).toEqual([100, 24]);
    expect(new Set(shown.flat()).size).toBe(Object.keys(many.findResources('AWS::CloudWatch::Alarm')).length);
  });

  it('is refused, with what to do, for more profiles than a graph has lines', () => {
    const profiles = Object.fromEntries(
      Array.from({ length: 251 }, (_, index) => [`profile-${index}`, config.profiles.internal]),
    );
    expect(() => synthesize({ profiles })).toThrow(/\$\.dashboard: found 251 profiles .*set "dashboard": false/);
    expect(() => synthesize({ profiles, dashboard: false })).not.toThrow();
  });

  it('can be switched off, together with its function', () => {
    const { template: without } = synthesize({ dashboard: false });
    without.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    const handlers = Object.values(without.findResources('AWS::Lambda::Function')) as Resource[];
    expect(handlers.map(({ Properties }) => Properties['Handler'])).not.toContain('show-inventory.handler');
  });
});

it('the function of the inventory lists names and tags, reads profiles, and has no other permission', () => {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy')) as [string, Resource][];
  const [, policy] = policies.find(([id]) => id.includes('Inventory')) ?? [];
  const document = policy?.Properties['PolicyDocument'];
  const { Statement } = document as { Statement: { Effect: string; Action: string | string[] }[] };
  const allowed = Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);
  expect(allowed.sort()).toEqual([
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'secretsmanager:ListSecrets',
    'ssm:GetParameter',
  ]);
  expect(Statement.filter(({ Effect }) => Effect === 'Deny').flatMap(({ Action }) => Action)).toContain(
    'secretsmanager:GetSecretValue',
  );
});
