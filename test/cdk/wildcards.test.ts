/** No wildcard resource if the action supports a narrower one. If there is a wildcard, a condition on a tag restricts it. */
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../cdk/config/config.ts';
import { config, examples, synthesize } from './fixtures.ts';
import { type Json, textOf } from './template-reading.ts';

const { template } = synthesize({
  profiles: {
    internal: {
      ...config.profiles.internal,
      passwordSecretId: 'pki/password',
      hooks: readConfigFile(`${examples}hooks.json`).profiles['web']?.hooks,
    },
    infisical: { ca: { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'pki/login' } },
    ...readConfigFile(`${examples}acme.json`).profiles,
    offline: { ca: { type: 'offline', authority: 'issuing' }, issue: { allow: ['dns:example.com'] } },
  },
  authorities: readConfigFile(`${examples}authorities.json`).authorities,
  certificates: { 'web/tls': { profile: 'offline', dnsNames: ['web.example.com'] } },
  caApi: { auth: 'bearer', tokenSecretId: 'pki/tokens' },
  probe: { allow: ['dns:example.com'] },
  vpc: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'] },
  encryptionKeys: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'],
});

/** Service Authorization Reference: actions without any resource type. */
const withoutResource = new Set([
  'secretsmanager:ListSecrets',
  'ssm:ListCommands',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
]);
/** These have resource types, but Lambda's documentation requires `*`: the interfaces do not exist yet. */
const demandedByLambda = new Set([
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]);

interface Found {
  readonly actions: readonly string[];
  readonly resource: string;
  readonly condition: string;
}

const found: Found[] = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) => {
  const { Statement } = (Properties as { PolicyDocument: { Statement: Json[] } }).PolicyDocument;
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource, Condition = {} }) =>
    [Resource].flat().map((resource) => ({
      actions: [Action].flat() as string[],
      resource: textOf(resource),
      condition: JSON.stringify(Condition),
    })),
  );
});

describe('the statements of roles', () => {
  it('are many', () => expect(found.length).toBeGreaterThan(80));

  it('name no action with a wildcard', () => {
    expect(found.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('have * only for actions without resource types, and where Lambda requires it', () => {
    const actions = found.filter(({ resource }) => resource === '*').flatMap((each) => each.actions);
    expect(actions.filter((action) => !withoutResource.has(action) && !demandedByLambda.has(action))).toEqual([]);
  });

  it('restrict all resources of a kind by a tag', () => {
    const all = found.filter(({ resource }) => /(:|:instance\/|:key\/|:managed-instance\/)\*$/.test(resource));
    expect(all.length).toBeGreaterThan(5);
    const untagged = all.filter(({ condition }) => !/"(aws:ResourceTag|ssm:resourceTag)\//.test(condition));
    // The workers and the deployment may describe any secret, so that they can tell an untagged one from a missing one.
    const described = ['secretsmanager:DescribeSecret'];
    const made = ['secretsmanager:CreateSecret'];
    expect(untagged.map(({ actions }) => actions).sort()).toEqual([made, described, described]);
    for (const { condition } of untagged.filter(({ actions }) => actions.includes('secretsmanager:CreateSecret'))) {
      expect(condition).toMatch(/"aws:RequestTag\/cert-renewer:profile":\["lets-encrypt","acm","offline"\]/);
    }
  });

  it('restrict changes of DNS to challenges, in zones that are named', () => {
    const changes = found.filter(({ actions }) => actions.includes('route53:ChangeResourceRecordSets'));
    expect(changes.map(({ resource }) => resource)).toEqual([expect.stringMatching(/:hostedzone\/Z\w+$/)]);
    expect(changes[0]?.condition).toMatch(/"ForAllValues:StringLike":\{[^}]*"_acme-challenge\.\*".*"Null":/);
    const all = found.filter(({ resource }) => /route53.*\*$/.test(resource));
    expect(all.flatMap(({ actions }) => actions)).toEqual(['route53:GetChange']);
  });

  it('have other wildcards only after the name of this stack, and for the six characters of a secret', () => {
    const others = found.map(({ resource }) => resource).filter((resource) => /[*?]/.test(resource.slice(0, -1)));
    expect(others.filter((resource) => !/-\?{6}$/.test(resource))).toEqual([]);
    const ends = found.map(({ resource }) => resource).filter((resource) => /:parameter\/.*\*$/.test(resource));
    for (const resource of ends)
      expect(resource).toMatch(/:parameter\/cert-renewer\/[\w-]+\/(profiles|authorities|certificates)\/\*$/);
  });
});
