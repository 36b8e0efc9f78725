/** IAM's limits for the renew function's role, whose statements name every profile, at realistic sizes of a stack. */
import { Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { rolesOf } from '../support/deployed-policies.ts';
import { list, type Statement } from '../support/iam-policy.ts';
import { everyOption, largeConfig } from '../support/large-config.ts';
import { config, newApp, synthesize } from './fixtures.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, in characters without white space. */
const limits = { inline: 10_240, managed: 6_144, attached: 10 };

/** A name of the greatest length for a profile. */
const longName = (index: number) => `${'p'.repeat(61)}${String(index).padStart(3, '0')}`;
const plainName = (index: number) => `team-${index}.production`;

function profiles(count: number, name: (index: number) => string): CertRenewerProps['profiles'] {
  const { internal } = config.profiles;
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), internal]));
}

/** Without hooks: this test is about the workers' role. */
const synthesized = (props: CertRenewerProps) =>
  Template.fromStack(new CertRenewerStack(newApp(), 'CertRenewer', { config: props }));

/** Returns a template as it is deployed, with names as long as CloudFormation makes them. */
function deployed(from: Template) {
  const template = from.toJSON() as { Resources: Record<string, { Type: string }> };
  const physicalIds = Object.fromEntries(
    Object.entries(template.Resources).map(([id, { Type }]) => {
      const name = `CertRenewer-${id}-ABCDEFGHIJKL`;
      return [
        id,
        Type === 'AWS::SecretsManager::Secret'
          ? `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`
          : name,
      ];
    }),
  );
  return { template, physicalIds, stackName: 'CertRenewer', port: '0' };
}

/** Characters of a role's policies: the sum of the inline ones, and each managed one. */
function sizes(from: Template, roleName: string) {
  const role = rolesOf(deployed(from)).find(({ role: name }) => name === roleName);
  const text = (statements: readonly Statement[]) => JSON.stringify({ Statement: statements, Version: '2012-10-17' });
  const inline = role?.policies.filter(({ kind }) => kind === 'inline') ?? [];
  const managed = role?.policies.filter(({ kind }) => kind === 'managed') ?? [];
  return {
    inline: inline.reduce((sum, { statements }) => sum + text(statements).length, 0),
    managed: managed.map(({ statements }) => text(statements).length),
    statements: role?.statements ?? [],
  };
}

const tagKey = 'aws:ResourceTag/cert-renewer:profile';

/** Returns the profiles whose secrets or keys an action applies to, over all statements. */
function namesFor(action: string, statements: readonly Statement[]): string[] {
  return statements
    .filter(({ Action }) => list(Action).includes(action))
    .flatMap(({ Condition }) => list(Condition?.['StringEquals']?.[tagKey] ?? []));
}

describe.each<[number, string, (index: number) => string]>([
  [10, 'the longest names', longName],
  [150, 'plain names', plainName],
  [150, 'the longest names', longName],
])('%d profiles with %s', (count, _, name) => {
  const all = profiles(count, name);
  const { inline, managed, statements } = sizes(synthesized({ profiles: all }), 'Renew');

  it('fit IAM', () => {
    expect(inline).toBeGreaterThan(2_000);
    expect(inline).toBeLessThanOrEqual(limits.inline);
    for (const size of managed) expect(size).toBeLessThanOrEqual(limits.managed);
    expect(managed.length).toBeLessThanOrEqual(limits.attached);
  });

  it.each([
    'secretsmanager:GetSecretValue',
    'secretsmanager:PutSecretValue',
    'secretsmanager:UpdateSecretVersionStage',
    'secretsmanager:TagResource',
    'secretsmanager:UntagResource',
    'kms:GetPublicKey',
    'kms:Sign',
  ])('may all have %s, each once', (action) => {
    expect(namesFor(action, statements).sort()).toEqual(Object.keys(all).sort());
  });

  it('have statements with different ids', () => {
    const ids = statements.flatMap(({ Sid }) => Sid ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it('150 profiles, of which many have a password or a login, 12 authorities and customer keys fit, in every role', () => {
  const props = largeConfig(150, { authorities: 12, hooks: false, more: everyOption });
  const template = synthesized(props);
  for (const { role } of rolesOf(deployed(template))) {
    const { inline, managed } = sizes(template, role);
    expect(inline, role).toBeLessThanOrEqual(limits.inline);
    for (const size of managed) expect(size, role).toBeLessThanOrEqual(limits.managed);
    expect(managed.length, role).toBeLessThanOrEqual(limits.attached);
  }
  expect(sizes(template, 'Renew').managed.length).toBeGreaterThan(0);
});

it('a password of its own for each of 150 profiles is named in statements that fit', () => {
  const each = Object.entries(profiles(150, plainName)).map(([name, profile]) => [
    name,
    { ...profile, passwordSecretId: `pki/passwords/of-the-profile/${name}` },
  ]);
  const { inline, managed, statements } = sizes(synthesized({ profiles: Object.fromEntries(each) }), 'Renew');
  expect(inline).toBeLessThanOrEqual(limits.inline);
  for (const size of managed) expect(size).toBeLessThanOrEqual(limits.managed);
  const named = statements
    .filter(({ Sid }) => /^Passwords\d*$/.test(Sid ?? ''))
    .flatMap(({ Resource }) => list(Resource));
  expect(named).toHaveLength(150);
});

it('more than that is refused, with its size and what to do', () => {
  const refused = () => synthesized({ profiles: profiles(200, longName) });
  expect(refused).toThrow(ConfigError);
  expect(refused).toThrow(
    /\$\.profiles: 200 profiles with 12800 characters of names .* role have \d{5} characters, and IAM allows 10240 .* ten .* 6144.*Shorten the names, or put some of the profiles into a second stack/s,
  );
});

it('cdk-nag accepts the policies that did not fit into the role', () => {
  const app = newApp();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new CertRenewerStack(app, 'CertRenewer', { config: { profiles: profiles(150, longName) } });
  expect(() => app.synth()).not.toThrow();
  expect(Object.keys(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')).length).toBeGreaterThan(0);
});

it('few profiles need no policy beside the role’s own', () => {
  synthesize().template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
});
