/** Many profiles: nested stacks keep each template below CloudFormation's number of resources. */

import { NestedStack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { resourcesOf } from '../../cdk/parts.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { bearer, everyOption, largeConfig } from '../support/large-config.ts';
import { config, newApp } from './fixtures.ts';
import { textOf } from './template-reading.ts';

/** The stack's template, and those of its nested stacks. */
function templates(options: CertRenewerProps): { readonly main: Template; readonly nested: readonly Template[] } {
  const stack = new CertRenewerStack(newApp(), 'CertRenewer', { config: options });
  const nested = stack.node.findAll().filter((found) => found instanceof NestedStack);
  return { main: Template.fromStack(stack), nested: nested.map((each) => Template.fromStack(each)) };
}

const sizeOf = (template: Template): number => Object.keys(template.toJSON()['Resources']).length;
const idsOf = (type: string, template: Template) => Object.keys(template.findResources(type));

describe.each([
  [10, 0],
  [60, 2],
  [150, 4],
])('%d profiles with hooks', (count, expected) => {
  const { main, nested } = templates(largeConfig(count, { authorities: 12, more: { ...everyOption, caApi: bearer } }));
  const all = [main, ...nested];

  it(`are in ${expected} nested stacks, and no template is too large`, () => {
    expect(nested).toHaveLength(expected);
    for (const template of all) expect(sizeOf(template)).toBeLessThanOrEqual(500);
  });

  it('have each a parameter, in the stack itself, their alarms, and a rule for each hook', () => {
    expect(idsOf('AWS::SSM::Parameter', main)).toHaveLength(count + 12);
    const alarms = all.flatMap((template) => Object.values(template.findResources('AWS::CloudWatch::Alarm')));
    const ofMetric = (name: string) => alarms.filter(({ Properties }) => Properties.MetricName === name);
    expect(ofMetric('Failed')).toHaveLength(count + 12);
    expect(ofMetric('Overdue')).toHaveLength(count + 12);
    expect(ofMetric('HookFailed')).toHaveLength(count);
    expect(ofMetric('NotServed')).toHaveLength(count);
    const rules = all.flatMap((template) => Object.values(template.findResources('AWS::Events::Rule')));
    expect(rules.filter(({ Properties }) => JSON.stringify(Properties).includes('Certificate Renewed'))).toHaveLength(
      hooksOf(count),
    );
  });

  it('have all their alarms on the dashboard, with their names', () => {
    const [dashboard] = Object.values(main.findResources('AWS::CloudWatch::Dashboard'));
    const { widgets } = JSON.parse(textOf(dashboard?.['Properties'].DashboardBody).replaceAll('\n', ''));
    const shown: string[] = widgets.flatMap(
      ({ properties }: { properties: { alarms?: string[] } }) => properties.alarms ?? [],
    );
    const named = nested.flatMap((template) =>
      Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) =>
        textOf(Properties.AlarmName),
      ),
    );
    expect(new Set(named).size).toBe(named.length);
    const byName = shown.map((arn) => arn.split(':alarm:')[1]).filter((name) => name !== undefined);
    expect(byName.sort()).toEqual(named.sort());
    expect(shown).toHaveLength(all.flatMap((template) => idsOf('AWS::CloudWatch::Alarm', template)).length);
  });
});

/** Counts the hooks of largeConfig. */
function hooksOf(count: number): number {
  const { profiles } = largeConfig(count, { authorities: 12 });
  return Object.values(profiles).reduce((sum, { hooks }) => sum + (hooks?.length ?? 0), 0);
}

describe('an alarm', () => {
  const hook = { type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const;
  const profile = { ...config.profiles.internal, hooks: Array.from({ length: 6 }, () => hook) };
  const ofProfiles = (names: readonly string[]) =>
    templates({ profiles: Object.fromEntries(names.map((name) => [name, profile])) });
  /** The part of each alarm, by its name: 0 for the stack itself. */
  const placed = ({ main, nested }: ReturnType<typeof templates>): ReadonlyMap<string, number> =>
    new Map(
      [main, ...nested].flatMap((template, part) =>
        Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }): [string, number] => [
          textOf(Properties.AlarmName),
          part,
        ]),
      ),
    );
  const few = placed(ofProfiles(['p1', 'p2']));
  const many = placed(ofProfiles(Array.from({ length: 16 }, (_, index) => `p${index + 1}`)));
  const more = placed(ofProfiles(['new', ...Array.from({ length: 16 }, (_, index) => `p${index + 1}`)]));

  it('in a nested stack has the number of the stack behind its name', () => {
    expect(few.get('CertRenewer-Failed-p1')).toBe(0);
    expect(many.get('CertRenewer-Failed-p1/1')).toBe(1);
    expect([...many.keys()].filter((name) => name.startsWith('CertRenewer-Failed-'))).toHaveLength(16);
  });

  it.each([
    ['into a nested stack', few, many],
    ['to another nested stack', many, more],
  ])('of a profile that moves %s gets another name: both exist for a while', (_where, before, after) => {
    const moved = [...before].filter(([name, part]) => after.get(name) !== part);
    expect(moved.length).toBeGreaterThan(0);
    for (const [name] of moved) expect([...after.keys()]).not.toContain(name);
  });
});

describe('the number of resources', () => {
  it('is at most what cdk/parts.ts counts', () => {
    const everything = largeConfig(1, { authorities: 12, more: { ...everyOption, caApi: bearer } });
    const { internal } = config.profiles;
    const one = (hooks: NonNullable<(typeof everything.profiles)[string]['hooks']>) =>
      sizeOf(templates({ profiles: { one: { ...internal, hooks } } }).main);
    const [profile] = Object.values(everything.profiles);
    for (const hook of profile?.hooks ?? []) {
      expect(one([hook, hook]) - one([hook]), hook.type).toBeLessThanOrEqual(resourcesOf.hook[hook.type]);
    }
    const two = sizeOf(templates({ profiles: { one: internal, two: internal } }).main);
    const plain = sizeOf(templates({ profiles: { one: internal } }).main);
    expect(two - plain).toBe(resourcesOf.parameter + resourcesOf.alarms);
    const probe = { allow: ['dns:example.com'] };
    const twoProbed = sizeOf(templates({ profiles: { one: internal, two: internal }, probe }).main);
    const oneProbed = sizeOf(templates({ profiles: { one: internal }, probe }).main);
    expect(twoProbed - oneProbed).toBe(two - plain + resourcesOf.probeAlarm);
    const hooks = (profile?.hooks ?? []).reduce((sum, { type }) => sum + resourcesOf.hook[type], 0);
    const ofProfile = resourcesOf.parameter + resourcesOf.alarms + resourcesOf.hookAlarm + resourcesOf.probeAlarm;
    const counted = ofProfile + hooks + 12 * resourcesOf.authority;
    expect(sizeOf(templates(everything).main) - counted).toBeLessThanOrEqual(resourcesOf.stack);
    const issuing = largeConfig(2, { authorities: 1, hooks: false, certificates: 500 });
    const { certificates: _, ...others } = issuing;
    const without = Object.fromEntries(
      Object.entries(others.profiles).map(([name, { issue: __, ...each }]) => [name, each]),
    );
    const difference = sizeOf(templates(issuing).main) - sizeOf(templates({ ...others, profiles: without }).main);
    expect(difference).toBeLessThanOrEqual(resourcesOf.declarations);
    expect(difference).toBeGreaterThan(16);
  });

  it('that is too large for one stack is refused, with what to do', () => {
    const short = Object.fromEntries(
      Array.from({ length: 420 }, (_, index) => [`p${index}`, config.profiles.internal]),
    );
    const refused = (options: CertRenewerProps) => () =>
      new CertRenewerStack(newApp(), 'CertRenewer', { config: options });
    expect(refused({ profiles: short, dashboard: false })).toThrow(
      /\$\.profiles: they need \d+ resources; CloudFormation allows 500 in a template: put some .* into a second stack/,
    );
    const hook = { type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const;
    const many = { ...config.profiles.internal, hooks: Array.from({ length: 70 }, () => hook) };
    expect(refused({ profiles: { many } })).toThrow(/\$\.profiles\.many\.hooks: they need \d+ .*fewer hooks/);
  });
});
