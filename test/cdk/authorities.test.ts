import { type Template, Template as Templates } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { otherMemory } from '../../bench/stack.ts';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { readConfigFile } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { noRoomLabel, statusTags } from '../../lambdas/domain/tags.ts';
import { parseAuthority } from '../../lambdas/policy/authority.ts';
import { config, examples, newApp, synthesize } from './fixtures.ts';
import { actionsOf, environment, type Json, one, statements, textOf, withSid } from './template-reading.ts';

const root = { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } };
const issuing = {
  create: { subject: 'CN=Example Issuing', key: 'RSA 3072', validity: '26280h', pathLen: 0 },
  parent: 'root',
};
const legacyKey = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const authorities = {
  issuing, // before its parent: the order in the file does not matter
  root,
  legacy: { secretId: 'pki/legacy', kmsKeyArn: legacyKey, disabled: true },
  locked: { secretId: 'pki/locked', passwordSecretId: 'pki/password', parent: 'legacy' },
} satisfies CertRenewerProps['authorities'];
const { template } = synthesize({ authorities });

const resource = (type: string, idPart: string, from: Template = template): Json => {
  const found = Object.entries(from.findResources(type)).filter(([id]) => id.includes(idPart));
  expect(found, `${type} ${idPart}`).toHaveLength(1);
  return found[0]?.[1] ?? {};
};
const idOf = (type: string, idPart: string) =>
  Object.keys(template.findResources(type)).find((id) => id.includes(idPart)) ?? '';
const ref = (type: string, idPart: string) => `<${idOf(type, idPart)}>`;
const keyArn = (name: string) => `<${idOf('AWS::KMS::Key', `Authorities${name}`)},Arn>`;
const secret = (name: string) => ref('AWS::SecretsManager::Secret', `Authorities${name}Secret`);
const imported = (name: string) =>
  `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:pki/${name}-??????`;
const resources = ({ Resource }: Json) => (Array.isArray(Resource) ? Resource : [Resource]).map(textOf).sort();

describe('a key that the stack makes', () => {
  it.each([
    ['root', 'ECC_NIST_P384', 'ECDSA_SHA_384'],
    ['issuing', 'RSA_3072', 'RSASSA_PKCS1_V1_5_SHA_256'],
  ])('%s can only sign, and outlives the stack', (name, spec, algorithm) => {
    const key = resource('AWS::KMS::Key', `Authorities${name}`);
    expect(key).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { KeySpec: spec, KeyUsage: 'SIGN_VERIFY' },
    });
    expect(key['Properties']).not.toHaveProperty('EnableKeyRotation');
    const { KeyPolicy } = key['Properties'] as { KeyPolicy: { Statement: Json[] } };
    const signs = KeyPolicy.Statement.filter(({ Action }) => [Action].flat().includes('kms:Sign'));
    expect(signs).toHaveLength(1);
    expect(signs[0]?.['Condition']).toMatchObject({
      StringEquals: { 'kms:SigningAlgorithm': algorithm, 'kms:MessageType': 'DIGEST' },
    });
  });

  it('lets only roles of cert-renewer sign, and lets nobody pass that right on', () => {
    const { KeyPolicy } = one('AWS::KMS::Key', 'Authoritiesroot', template) as { KeyPolicy: { Statement: Json[] } };
    const condition = KeyPolicy.Statement.find(({ Sid }) => Sid === 'SignByCertRenewer')?.['Condition'] as {
      ArnLike: { 'aws:PrincipalArn': unknown[] };
    };
    expect(condition.ArnLike['aws:PrincipalArn'].map(textOf)).toEqual([
      'arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cert-renewer-ca-*',
      'arn:<AWS::Partition>:sts::<AWS::AccountId>:assumed-role/cert-renewer-ca-*',
    ]);
    const others = KeyPolicy.Statement.filter(({ Sid }) => Sid !== 'SignByCertRenewer').flatMap(({ Action }) => Action);
    for (const action of ['kms:*', 'kms:Sign', 'kms:CreateGrant', 'kms:Create*', 'kms:ReplicateKey']) {
      expect(others).not.toContain(action);
    }
    expect(others).toContain('kms:PutKeyPolicy'); // otherwise nobody could ever change it again
  });

  it('is used by the worker’s own role: a new role would have no permission for a minute', () => {
    const before = synthesize().template;
    const role = (from: Template) => {
      const [[id, { Properties }] = ['', {}]] = Object.entries(from.findResources('AWS::IAM::Role')).filter(([key]) =>
        key.startsWith('CertRenewerRenewRole'),
      );
      return { id, properties: Properties };
    };
    expect(role(before).properties['RoleName']).toBeDefined();
    expect(role(before)).toEqual(role(template));
  });

  it('has signing roles with names that fit IAM', () => {
    const named = Object.entries(template.findResources('AWS::IAM::Role')).flatMap(([id, { Properties }]) =>
      Properties['RoleName'] === undefined ? [] : [[id, textOf(Properties['RoleName'])] as const],
    );
    expect(named.map(([id]) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual(
      ['AuthoritiesissuingCreator', 'AuthoritiesrootCreator', 'CaApiHandler', 'Renew'].map(
        (part) => `CertRenewer${part}Role`,
      ),
    );
    const names = named.map(([, name]) => name);
    expect(new Set(names).size).toBe(4);
    for (const name of names) {
      expect(name).toMatch(/^cert-renewer-ca-<AWS::Region>-[0-9a-f]{16}$/);
      expect(name.replace('<AWS::Region>', 'ap-southeast-4').length).toBeLessThanOrEqual(64);
    }
  });
});

describe('a secret that the stack makes', () => {
  it('begins without a certificate, under a name that CloudFormation makes, and outlives the stack', () => {
    for (const name of ['root', 'issuing']) {
      const made = resource('AWS::SecretsManager::Secret', `Authorities${name}Secret`);
      expect(made).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
      expect(made['Properties']).toEqual({ Description: expect.any(String), SecretString: '{}' });
    }
  });
});

describe('the functions’ data of an authority', () => {
  const parameter = (name: string, from: Template = template) => {
    const { Name, Value, Tier } = one('AWS::SSM::Parameter', `Authorities${name}`, from);
    expect({ Name, Tier }).toEqual({
      Name: `/cert-renewer/CertRenewer/authorities/${name}`,
      Tier: 'Intelligent-Tiering',
    });
    return parseAuthority(name, textOf(Value));
  };
  const day = 86_400_000;

  it('is a parameter that they can read', () => {
    expect(parameter('issuing')).toEqual({
      name: 'issuing',
      secretId: secret('issuing'),
      kmsKeyArn: keyArn('issuing'),
      parent: 'root',
      disabled: false,
      backdate: 60_000,
      claims: {},
      provisionerClaims: new Map(),
      create: { subject: 'CN=Example Issuing', validity: 1095 * day, pathLength: 0 },
    });
    expect(parameter('legacy')).toMatchObject({ secretId: 'pki/legacy', kmsKeyArn: legacyKey, disabled: true });
    expect(parameter('locked')).toMatchObject({ secretId: 'pki/locked', passwordSecretId: 'pki/password' });
    expect(parameter('locked')).not.toHaveProperty('create');
  });

  it('has the claims of a ca.json and its name constraints', () => {
    const stack = new CertRenewerStack(newApp(), 'CertRenewer', {
      config: readConfigFile(`${examples}authorities.json`),
    });
    expect(parameter('issuing', Templates.fromStack(stack))).toMatchObject({
      backdate: 60_000,
      claims: { minDuration: 300_000, maxDuration: 30 * day },
      provisionerClaims: new Map([
        ['acme', { maxDuration: 90 * day, allowRenewalAfterExpiry: true }],
        ['legacy', { disableRenewal: true }],
      ]),
      create: { nameConstraints: { permitted: ['dns:example.com', 'ip:10.0.0.0/8'], excluded: [] } },
    });
    expect(JSON.stringify(Templates.fromStack(stack).toJSON())).not.toContain('intermediate_ca_key');
  });

  it('above 8 KB fails at synthesis, the limit of an advanced parameter', () => {
    const permitted = Array.from(
      { length: 100 },
      (_, index) => `dns:${'x'.repeat(60)}.team-${index}.department.example.com`,
    );
    const large = { create: { ...root.create, nameConstraints: { permitted } } };
    expect(() => synthesize({ authorities: { large } })).toThrow(ConfigError);
    expect(() => synthesize({ authorities: { large } })).toThrow(
      /\$\.authorities\.large: found \d+ bytes; an authority may have 8192 .*: /,
    );
  });

  it('is in their environment, and a change of it changes the environment', () => {
    for (const id of ['ScanFunction', 'RenewFunction', 'CaApiHandlerFunction']) {
      expect(environment(id, template), id).toMatchObject({
        AUTHORITY_PREFIX: '/cert-renewer/CertRenewer/authorities/',
        AUTHORITIES: '["issuing","root","legacy","locked"]',
      });
    }
    expect(textOf(environment('RenewFunction', template)['TRUST_BUNDLE_SECRET'])).toBe(
      ref('AWS::SecretsManager::Secret', 'TrustBundle'),
    );
    const hash = (from: Template) => environment('RenewFunction', from)['CONFIG_HASH'];
    const other = synthesize({ authorities: { ...authorities, legacy: { ...authorities.legacy, disabled: false } } });
    expect(hash(other.template)).not.toBe(hash(template));
  });

  it('is absent in a stack without authorities', () => {
    const { template: none } = synthesize({ authorities: {} });
    for (const type of ['AWS::KMS::Key', 'AWS::SecretsManager::Secret', 'AWS::ApiGatewayV2::Api']) {
      none.resourceCountIs(type, 0);
    }
    expect(environment('RenewFunction', none)).not.toHaveProperty('AUTHORITIES');
  });
});

describe('the first certificates', () => {
  const certificate = (name: string) => resource('Custom::CertRenewerAuthority', `Authorities${name}Certificate`);

  it('are made for what the stack creates, by a plain function', () => {
    template.resourceCountIs('Custom::CertRenewerAuthority', 2);
    expect(certificate('root')['Properties']).toEqual({
      ServiceToken: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'rootCreator'), 'Arn'] },
      ServiceTimeout: '300',
      Authority: 'root',
      KeyArn: { 'Fn::GetAtt': [idOf('AWS::KMS::Key', 'Authoritiesroot'), 'Arn'] },
    });
    expect(one('AWS::Lambda::Function', 'rootCreator', template)).toMatchObject({
      Handler: 'create-authority.handler',
      Timeout: 120,
    });
  });

  it('come parent first, after all that they need', () => {
    expect(certificate('issuing')['DependsOn']).toEqual(
      expect.arrayContaining([
        idOf('Custom::CertRenewerAuthority', 'rootCertificate'),
        idOf('AWS::IAM::Policy', 'issuingCreator'),
        ...Object.keys(template.findResources('AWS::SSM::Parameter')).filter((id) => id.includes('Authorities')),
      ]),
    );
    expect(certificate('root')['DependsOn']).not.toContain(idOf('Custom::CertRenewerAuthority', 'issuingCertificate'));
  });

  it('are signed by one role each, for one key and one secret', () => {
    const common = [
      'kms:GetPublicKey',
      'kms:Sign',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
      'ssm:GetParameter',
    ];
    // A root goes into the trust bundle too.
    const writing = common.filter((action) => action.startsWith('secretsmanager:'));
    expect(actionsOf('rootCreator', template)).toEqual([...common, ...writing].sort());
    for (const sid of ['TrustBundleDescribe', 'TrustBundleSecrets', 'TrustBundlePromote']) {
      expect(resources(withSid('rootCreator', sid, template)), sid).toEqual(
        resources(withSid('CaApiHandlerRole', sid, template)),
      );
      expect(withSid('issuingCreator', sid, template), sid).toEqual({});
    }
    expect(resources(withSid('rootCreator', 'AuthoritySign', template))).toEqual([keyArn('root')]);
    expect(resources(withSid('rootCreator', 'AuthoritySecrets', template))).toEqual([secret('root')]);

    // Its parent's key signs and its own must not. Its parent's secret may only be read.
    expect(actionsOf('issuingCreator', template)).toEqual([...common, 'secretsmanager:GetSecretValue'].sort());
    expect(resources(withSid('issuingCreator', 'AuthoritySign', template))).toEqual([keyArn('root')]);
    expect(resources(withSid('issuingCreator', 'AuthoritySecrets', template))).toEqual([secret('issuing')]);
    expect(resources(withSid('issuingCreator', 'ParentSecrets', template))).toEqual([secret('root')]);
  });

  it('of a parent whose key is in a secret are signed with that key', () => {
    const { template: below } = synthesize({
      authorities: {
        locked: { secretId: 'pki/locked', passwordSecretId: 'pki/password' },
        child: { ...issuing, parent: 'locked' },
      },
    });
    expect(withSid('childCreator', 'AuthoritySign', below)).toEqual({});
    expect(resources(withSid('childCreator', 'ParentSecrets', below))).toEqual([imported('locked')]);
    expect(resources(withSid('childCreator', 'AuthorityPasswords', below))).toEqual([imported('password')]);
  });
});

describe('the workers and the API may', () => {
  const secrets = [imported('legacy'), imported('locked'), secret('issuing'), secret('root')].sort();
  const keys = [legacyKey, keyArn('issuing'), keyArn('root')].sort();

  it.each(['RenewRole', 'CaApiHandlerRole'])('use exactly these secrets and keys (%s)', (role) => {
    const statement = (sid: string) => withSid(role, sid, template);
    for (const sid of ['AuthoritySecrets', 'AuthorityPromote', 'AuthorityTag']) {
      expect(resources(statement(sid)), sid).toEqual(secrets);
    }
    // The workers may describe any secret.
    if (role !== 'RenewRole') expect(resources(statement('AuthorityDescribe'))).toEqual(secrets);
    expect(statement('AuthorityPromote')['Condition']).toEqual({
      StringEquals: { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPENDING', noRoomLabel] },
    });
    expect(statement('AuthorityTag')['Condition']).toMatchObject({
      'ForAllValues:StringEquals': { 'aws:TagKeys': [...statusTags] },
    });
    expect(resources(statement('AuthoritySign'))).toEqual(keys);
    expect(resources(statement('AuthorityPublicKey'))).toEqual(keys);
    expect(resources(statement('AuthorityPasswords'))).toEqual([imported('password')]);
    expect(resources(statement('TrustBundleSecrets'))).toEqual([ref('AWS::SecretsManager::Secret', 'TrustBundle')]);
  });

  it('use nothing else, in the API’s case', () => {
    const all = statements('CaApiHandlerRole', template);
    expect(all.filter(({ Resource }) => Resource === '*')).toEqual([]);
    const ofSecrets = all.filter(({ Action }) => JSON.stringify(Action).includes('secretsmanager:'));
    const known = [...secrets, ref('AWS::SecretsManager::Secret', 'TrustBundle'), imported('password')];
    for (const statement of ofSecrets) for (const arn of resources(statement)) expect(known).toContain(arn);
    expect(actionsOf('CaApiHandlerRole', template).filter((action) => String(action).startsWith('sqs:'))).toEqual([]);
  });

  it('and the scan see names and tags only', () => {
    expect(resources(withSid('ScanRole', 'AuthorityDescribe', template))).toEqual(secrets);
    expect(
      actionsOf('ScanRole', template).filter((action) => /^kms:|:(?:Get|Put|Update)Secret/.test(String(action))),
    ).toEqual([]);
  });

  it('read the credentials of Infisical, which are not in the template', () => {
    const { template: infisical } = synthesize(readConfigFile(`${examples}infisical.json`));
    expect(resources(withSid('RenewRole', 'Passwords', infisical))).toEqual([imported('infisical-login')]);
    expect(withSid('ScanRole', 'Passwords', infisical)).toEqual({});
  });
});

describe('statements of one policy', () => {
  it('have different ids, as IAM requires', () => {
    for (const [id, { Properties }] of Object.entries(template.findResources('AWS::IAM::Policy'))) {
      const sids = Properties['PolicyDocument'].Statement.flatMap(({ Sid }: Json) => Sid ?? []);
      expect(new Set(sids).size, `${id}: ${sids}`).toBe(sids.length);
    }
  });

  it('fit IAM with the largest number of authorities', () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`authority-${index}`, root]));
    const { template: full } = synthesize({ authorities: many });
    for (const { Properties } of Object.values(full.findResources('AWS::IAM::Policy'))) {
      // As on AWS: complete ARNs of secrets and keys, without white space.
      const text = JSON.stringify(Properties['PolicyDocument'], (_, value) =>
        typeof value === 'object' && value !== null && ('Ref' in value || 'Fn::GetAtt' in value)
          ? 'x'.repeat(
              'arn:aws:secretsmanager:eu-central-1:111122223333:secret:CertRenewerAuthoritiesSecret-12-123456'.length,
            )
          : value,
      );
      expect(text.length).toBeLessThan(10_240);
    }
  });
});

describe('outputs', () => {
  const outputs = (from: Template): Record<string, { Value: unknown; Description?: string }> =>
    from.toJSON()['Outputs'];

  it('give what a later stack imports', () => {
    const found = Object.fromEntries(
      Object.entries(outputs(template)).map(([name, { Value }]) => [name, textOf(Value)]),
    );
    expect(found).toMatchObject({
      RootSecretArn: secret('root'),
      RootKeyArn: keyArn('root'),
      IssuingSecretArn: secret('issuing'),
      IssuingKeyArn: keyArn('issuing'),
      LegacySecretArn: imported('legacy').replace('-??????', ''),
      LegacyKeyArn: legacyKey,
      LockedSecretArn: imported('locked').replace('-??????', ''),
      TrustBundleSecretArn: ref('AWS::SecretsManager::Secret', 'TrustBundle'),
      CaApiUrl: `<${idOf('AWS::ApiGatewayV2::Api', 'CaApi')},ApiEndpoint>`,
    });
    expect(found).not.toHaveProperty('LockedKeyArn');
    for (const [name, { Description }] of Object.entries(outputs(template)))
      expect(Description, name).toMatch(/^The \w/);
  });

  it('can be imported by a later stack unchanged', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:CertRenewerAuthoritiesroot-AbCdEf';
    const { template: later } = synthesize({ authorities: { 'root.2': { secretId: arn, kmsKeyArn: legacyKey } } });
    expect(resources(withSid('RenewRole', 'AuthoritySecrets', later))).toEqual([arn]);
    expect(outputs(later)['Root2SecretArn']).toMatchObject({ Value: arn });
  });
});

describe('the HTTP API', () => {
  const routes = (from: Template) =>
    Object.values(from.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => [
      Properties['RouteKey'],
      Properties['AuthorizationType'],
    ]);
  const paths = ['POST /api/v1/pki/ca/{caId}/renew', 'POST /api/v1/cert-manager/ca/internal/{caId}/renew'];

  it('uses IAM by default, except for unknown routes', () => {
    expect(routes(template)).toEqual([...paths.map((path) => [path, 'AWS_IAM']), ['$default', 'NONE']]);
    expect(environment('CaApiHandlerFunction', template)).toMatchObject({ CA_API_AUTH: 'iam' });
    expect(environment('CaApiHandlerFunction', template)).not.toHaveProperty('TOKEN_SECRET_ID');
    expect(withSid('CaApiHandlerRole', 'Tokens', template)).toEqual({});
  });

  it('leaves bearer tokens to the function', () => {
    const { template: bearer } = synthesize({ authorities, caApi: { auth: 'bearer', tokenSecretId: 'pki/tokens' } });
    expect(routes(bearer)).toEqual([...paths, '$default'].map((path) => [path, 'NONE']));
    expect(environment('CaApiHandlerFunction', bearer)).toMatchObject({
      CA_API_AUTH: 'bearer',
      TOKEN_SECRET_ID: 'pki/tokens',
    });
    expect(resources(withSid('CaApiHandlerRole', 'Tokens', bearer))).toEqual([imported('tokens')]);
    expect(withSid('RenewRole', 'Tokens', bearer)).toEqual({});
  });

  it('is throttled, and logs the caller without headers', () => {
    const stage = one('AWS::ApiGatewayV2::Stage', '', template);
    expect(stage).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
    });
    const { Format } = stage['AccessLogSettings'] as { Format: string };
    expect(Object.keys(JSON.parse(Format))).toContain('status');
    expect(Format).not.toMatch(/header|authoriz/i);
  });

  it('answers within the limit of API Gateway', () => {
    expect(one('AWS::Lambda::Function', 'CaApiHandler', template)).toMatchObject({
      Handler: 'ca-api.handler',
      Timeout: 29,
      MemorySize: otherMemory.API,
    });
  });

  it('is open to roles with a grant', () => {
    const stack = new CertRenewerStack(newApp(), 'CertRenewer', { config: { ...config, authorities } });
    const role = new Role(stack, 'Operators', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    stack.renewer.grantRenewAuthorities(role);
    const granted = statements('Operators', Templates.fromStack(stack));
    expect(granted.flatMap(({ Action }) => Action)).toEqual(['execute-api:Invoke']);
    const without = new CertRenewerStack(newApp(), 'CertRenewer', { config });
    const other = new Role(without, 'Operators', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    expect(() => without.renewer.grantRenewAuthorities(other)).toThrow(/there are no authorities, so there is no API/);
  });
});

it('each authority has alarms under the name of its profile', () => {
  for (const [metric, name] of [
    ['Failed', 'root'],
    ['Overdue', 'issuing'],
  ]) {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: metric,
      Dimensions: [{ Name: 'Profile', Value: `authority:${name}` }],
    });
  }
});
