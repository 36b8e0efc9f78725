/** Profiles of type acme in the template: the account's key, and the permissions of the renew function. */
import { Lazy } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../cdk/config/config.ts';
import type { ProfileOptions } from '../../cdk/config/options.ts';
import { orderLabel } from '../../lambdas/domain/tags.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';
import { rolesOf } from '../support/deployed-policies.ts';
import { type Call, decide } from '../support/iam-policy.ts';
import { examples, synthesize } from './fixtures.ts';
import { one, statements, textOf, withSid } from './template-reading.ts';

const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-123456789001';
const example = readConfigFile(`${examples}acme.json`);
const { 'lets-encrypt': letsEncrypt, acm } = example.profiles as Record<'lets-encrypt' | 'acm', ProfileOptions>;
const bound = {
  ...letsEncrypt,
  ca: {
    type: 'acme',
    directory: 'https://acme.example/directory',
    eabSecretId: 'pki/eab',
    accountKeyArn: keyArn,
    challenge: { type: 'dns-01', zones: { 'example.org': Lazy.string({ produce: () => 'Z0000000000MADELATER' }) } },
  },
} satisfies ProfileOptions;
const { template } = synthesize({
  profiles: { 'lets-encrypt': letsEncrypt, acm, bound },
  certificates: example.certificates,
});

/** The statements of the renew function's role as they are deployed, with the logical ids as names. */
function deployedStatements() {
  const body = template.toJSON() as { Resources: Record<string, unknown> };
  const physicalIds = Object.fromEntries(Object.keys(body.Resources).map((id) => [id, id]));
  const roles = rolesOf({ template: body, physicalIds, stackName: 'CertRenewer', port: '0' });
  return roles.find(({ role }) => role === 'Renew')?.statements ?? [];
}

describe('the account key', () => {
  const keys = template.findResources('AWS::KMS::Key');

  it('is made for each profile that names none, P-256 for signatures, and retained', () => {
    expect(Object.keys(keys)).toEqual([
      expect.stringMatching(/^CertRenewerAccountKeysletsencrypt[0-9A-F]{8}$/),
      expect.stringMatching(/^CertRenewerAccountKeysacm[0-9A-F]{8}$/),
    ]);
    for (const key of Object.values(keys)) {
      expect(key).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          KeySpec: 'ECC_NIST_P256',
          KeyUsage: 'SIGN_VERIFY',
          Description: expect.stringMatching(/profile (lets-encrypt|acm) of the stack CertRenewer/),
        },
      });
    }
  });

  it('leaves to IAM who uses it', () => {
    const [key] = Object.values(keys);
    expect(key?.['Properties']).toMatchObject({
      KeyPolicy: { Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] },
    });
  });

  it('is in the deployed profile, which the worker can read', () => {
    const value = textOf(one('AWS::SSM::Parameter', 'Profilesletsencrypt', template)['Value']);
    expect(JSON.parse(value).ca.accountKeyArn).toMatch(/^<CertRenewerAccountKeysletsencrypt\w+,Arn>$/);
    expect(parseProfile('lets-encrypt', value.replace(/<[^>]*AccountKeys[^>]*>/, keyArn)).ca).toMatchObject({
      type: 'acme',
      accountKeyArn: keyArn,
      challenge: { zones: { 'example.com': 'Z0123456789ABCDEFGHIJ' } },
    });
  });

  it('signs for the renew function alone, as a key that the profile names', () => {
    const signing = (role: string) =>
      JSON.stringify(statements(role, template).filter(({ Sid }) => /^Ca(Sign|PublicKey)/.test(String(Sid))));
    for (const id of [...Object.keys(keys), keyArn]) {
      expect(signing('RenewRole')).toContain(id);
      expect(JSON.stringify(statements('ScanRole', template))).not.toContain(id);
      expect(JSON.stringify(statements('DeclarationsHandlerRole', template))).not.toContain(id);
    }
    expect(withSid('RenewRole', 'CaSign', template)).toMatchObject({
      Condition: { StringEquals: { 'kms:SigningAlgorithm': expect.arrayContaining(['ECDSA_SHA_256']) } },
    });
  });
});

describe('the renew function', () => {
  const deployed = deployedStatements();
  const zone = (id: string) => `arn:aws:route53:::hostedzone/${id}`;
  const own = zone('Z0123456789ABCDEFGHIJ');
  const key = 'route53:changeresourcerecordsets';
  const change = (names: string[], types: string[], actions: string[]): Call['keys'] => ({
    [`${key}normalizedrecordnames`]: names,
    [`${key}recordtypes`]: types,
    [`${key}actions`]: actions,
  });
  const challenge = '_acme-challenge.www.example.com';

  it.each<[string, string, Call['keys'], 'Allow' | 'ImplicitDeny']>([
    ['adds a challenge', own, change([challenge], ['TXT'], ['CREATE']), 'Allow'],
    ['exchanges one', own, change([challenge], ['TXT'], ['DELETE', 'CREATE']), 'Allow'],
    [
      'changes a zone whose id is a token',
      zone('Z0000000000MADELATER'),
      change([challenge], ['TXT'], ['CREATE']),
      'Allow',
    ],
    ['changes no other zone', zone('Z9999999999ABCDEFGHIJ'), change([challenge], ['TXT'], ['CREATE']), 'ImplicitDeny'],
    ['changes no other record', own, change(['www.example.com'], ['TXT'], ['CREATE']), 'ImplicitDeny'],
    [
      'changes no other record beside one',
      own,
      change([challenge, 'www.example.com'], ['TXT'], ['CREATE']),
      'ImplicitDeny',
    ],
    ['makes no record of another type', own, change([challenge], ['TXT', 'CNAME'], ['CREATE']), 'ImplicitDeny'],
    ['overwrites none', own, change([challenge], ['TXT'], ['UPSERT']), 'ImplicitDeny'],
    ['changes nothing where AWS does not say what', own, {}, 'ImplicitDeny'],
  ])('%s', (_, resource, keys, expected) => {
    expect(decide({ action: 'route53:ChangeResourceRecordSets', resource, keys }, deployed)).toBe(expected);
  });

  it.each<[string, string, 'Allow' | 'ImplicitDeny']>([
    ['route53:ListResourceRecordSets', own, 'Allow'],
    ['route53:ListResourceRecordSets', zone('Z9999999999ABCDEFGHIJ'), 'ImplicitDeny'],
    ['route53:GetChange', 'arn:aws:route53:::change/C0123', 'Allow'],
    ['acm:GetAcmeExternalAccountBindingCredentials', String(Reflect.get(acm.ca, 'eabBinding')), 'Allow'],
    ['acm:GetAcmeExternalAccountBindingCredentials', String(Reflect.get(acm.ca, 'acmEndpoint')), 'ImplicitDeny'],
  ])('%s on %s: %s', (action, resource, expected) => {
    expect(decide({ action, resource, keys: {} }, deployed)).toBe(expected);
  });

  it('reads the secret of an account binding', () => {
    expect(textOf([withSid('RenewRole', 'Passwords', template)['Resource']].flat()[0])).toMatch(
      /:secret:pki\/eab-\?{6}$/,
    );
  });

  it('moves the label of orders', () => {
    expect(withSid('RenewRole', 'Promote', template)).toMatchObject({
      Condition: { StringEquals: { 'secretsmanager:VersionStage': expect.arrayContaining([orderLabel]) } },
    });
  });

  it('sends messages for orders that wait, which the queue takes from it and the scan', () => {
    const sending = statements('RenewRole', template).filter(({ Action }) =>
      [Action].flat().includes('sqs:SendMessage'),
    );
    expect(sending.map(({ Resource }) => textOf(Resource))).toEqual([expect.stringMatching(/QueuesRenewals/)]);
    const { Statement } = one('AWS::SQS::QueuePolicy', 'Renewals', template)['PolicyDocument'] as never;
    const deny = JSON.stringify((Statement as { Sid?: string }[]).find(({ Sid }) => Sid === 'OnlyTheScanSends'));
    expect(deny).toMatch(/RenewRole/);
    expect(deny).toMatch(/ScanRole/);
  });

  it('alone may do this', () => {
    for (const role of ['ScanRole', 'DeclarationsHandlerRole'])
      expect(JSON.stringify(statements(role, template))).not.toMatch(/route53|Acme/);
  });
});

it('without such a profile there is no key, no such permission, and the renew function sends nothing', () => {
  const plain = synthesize().template;
  plain.resourceCountIs('AWS::KMS::Key', 0);
  const actions = statements('RenewRole', plain).flatMap(({ Action }) => Action);
  expect(actions.filter((action) => /route53|Acme|sqs:SendMessage/.test(String(action)))).toEqual([]);
  expect(JSON.stringify(one('AWS::SQS::QueuePolicy', 'Renewals', plain))).not.toMatch(/RenewRole/);
});
