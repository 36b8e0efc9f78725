/** Declared certificates in the template: from the configuration, and from the construct. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { App, Fn, Lazy, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AccountPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Function as AppFunction, Code, Runtime } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { CertRenewer, type CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { Certificate, type CertificateProps } from '../../cdk/certificates/certificate.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { config, newApp, synthesize } from './fixtures.ts';
import { actionsOf, environment, type Json, one, statements, textOf, withSid } from './template-reading.ts';

const customResource = 'Custom::CertRenewerCertificates';
const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const issuing = {
  profiles: {
    ...config.profiles,
    offline: {
      ca: { type: 'offline', authority: 'issuing' },
      issue: { allow: ['dns:svc.example', 'ip:10.0.0.0/8', 'ip:fd00::/8', 'cn:A Service'], maxDuration: '2160h' },
    },
  },
  authorities: {
    root: { create: { subject: 'CN=Root', key: 'EC P-384', validity: '87600h' } },
    issuing: {
      create: { subject: 'CN=Issuing', key: 'EC P-256', validity: '26280h', pathLen: 0 },
      parent: 'root',
    },
  },
} satisfies CertRenewerProps;
const web = { profile: 'offline', dnsNames: ['web.svc.example'] } satisfies CertificateEntry;

const declaring = (certificates: CertRenewerProps['certificates'], more: Partial<CertRenewerProps> = {}) =>
  synthesize({ ...issuing, certificates, ...more }).template;

const resources = (from: Template) =>
  from.toJSON()['Resources'] as Record<string, { Type: string; Properties: Json; DependsOn?: string[] }>;

/** Returns the entries that the handler gets, of all resources. */
function declared(from: Template): Record<string, unknown> {
  const all = Object.values(from.findResources(customResource)).map(({ Properties }) =>
    JSON.parse(textOf(Properties['Certificates'])),
  );
  return Object.assign({}, ...all);
}

describe('certificates of the configuration', () => {
  const certificates = { 'web/tls': web, 'web/other': { ...web, wait: false } };
  const template = declaring(certificates);

  it('are custom resources, by the first digit of the hash of their names', () => {
    expect(declared(template)).toEqual(certificates);
    const digits = Object.keys(certificates).map((name) => createHash('sha256').update(name).digest('hex')[0]);
    const ids = Object.keys(template.findResources(customResource));
    expect(ids).toHaveLength(new Set(digits).size);
    for (const digit of digits) expect(ids.some((id) => id.includes(`Bucket${digit}`))).toBe(true);
    template.allResourcesProperties(customResource, {
      ServiceToken: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeclarationsHandlerFunction'), 'Arn'] },
      ServiceTimeout: '840',
      ConfigHash: environment('DeclarationsHandler', template)['CONFIG_HASH'],
    });
  });

  it('wait for everything that they need and cause', () => {
    const all = resources(template);
    const dependencies = Object.values(template.findResources(customResource)).map(
      ({ DependsOn }) => new Set(DependsOn),
    );
    const needed = Object.entries(all).filter(([id, { Type }]) => {
      const ofAuthority = Type === 'Custom::CertRenewerAuthority' || Type === 'AWS::SSM::Parameter';
      const ofFunction = /Renew(?:Role|Function|SqsEvent)|DeclarationsHandler|Queues|MonitoringNotices/.test(id);
      return ofAuthority || (ofFunction && !Type.startsWith('AWS::Logs') && !Type.startsWith('AWS::CloudWatch'));
    });
    expect(needed.length).toBeGreaterThan(12);
    for (const found of dependencies) expect(needed.map(([id]) => id).filter((id) => !found.has(id))).toEqual([]);
    const [scan] = Object.values(template.findResources('Custom::CertRenewerFirstScan'));
    expect(scan?.['DependsOn']).toEqual(expect.arrayContaining(Object.keys(template.findResources(customResource))));
  });

  it('are issued after the hooks exist', () => {
    const hooks = [{ type: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:renewed' }] as const;
    const { offline } = issuing.profiles;
    const hooked = declaring({ 'web/tls': web }, { profiles: { offline: { ...offline, hooks: [...hooks] } } });
    const [resource] = Object.values(hooked.findResources(customResource));
    expect(resource?.['DependsOn']).toEqual(expect.arrayContaining([expect.stringMatching(/Hooks.*Rule/)]));
  });

  it('are in the workers’ and the handler’s environment', () => {
    expect(environment('DeclarationsHandler', template)).toMatchObject({
      PROFILE_PREFIX: '/cert-renewer/CertRenewer/profiles/',
      DECLARATION_PREFIX: '/cert-renewer/CertRenewer/certificates/',
      RENEW_FUNCTION_ARN: { 'Fn::GetAtt': [expect.stringMatching(/RenewFunction/), 'Arn'] },
    });
    const prefix = { DECLARATION_PREFIX: '/cert-renewer/CertRenewer/certificates/' };
    expect(environment('RenewFunction', template)).toMatchObject(prefix);
    expect(environment('ScanFunction', template)).not.toHaveProperty('DECLARATION_PREFIX');
  });

  it('leave all functions but the workers outside of a VPC', () => {
    const vpc = { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef1'] };
    const inside = declaring(certificates, { vpc });
    expect(one('AWS::Lambda::Function', 'DeclarationsHandler', inside)).not.toHaveProperty('VpcConfig');
    expect(one('AWS::Lambda::Function', 'DeclarationsHandler', inside)).toMatchObject({
      Timeout: 900,
      MemorySize: 512,
    });
  });

  it('make the same template in any order of the configuration', () => {
    const many = Array.from({ length: 40 }, (_, n) => [`web/${n}`, web] as const);
    const [first, second] = [many, [...many].reverse()].map((each) => declaring(Object.fromEntries(each)));
    expect(second?.toJSON()).toEqual(first?.toJSON());
  });

  it('are distributed so that one more changes one resource only', () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`web/${n}`, web]));
    const [before, after] = [declaring(many), declaring({ ...many, 'web/tls': web })].map(resources);
    const changed = Object.keys(after ?? {}).filter(
      (id) => JSON.stringify(after?.[id]) !== JSON.stringify(before?.[id]) && after?.[id]?.Type === customResource,
    );
    expect(changed).toHaveLength(1);
    expect(Object.keys(before ?? {}).sort()).toEqual(Object.keys(after ?? {}).sort());
  });

  it('are 500 in 16 resources', () => {
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [
        `team-${n % 10}/service-${n}/tls`,
        { profile: 'offline', dnsNames: [`service-${n}.svc.example`, `*.service-${n}.svc.example`], duration: '720h' },
      ]),
    );
    const large = declaring(many);
    expect(declared(large)).toEqual(many);
    large.resourceCountIs(customResource, 16);
    expect(Object.keys(resources(large)).length).toBeLessThan(120);
  });

  it('are refused if they are too large for CloudFormation’s event', () => {
    const dnsNames = Array.from({ length: 100 }, (_, n) => `a-name-of-some-length-${n}.svc.example`);
    const digit = (name: string) => createHash('sha256').update(name).digest('hex')[0];
    // Those of one resource: in the other resources there are no others.
    const names = Array.from({ length: 500 }, (_, n) => `web/${n}`).filter((name) => digit(name) === '0');
    const many = Object.fromEntries(names.map((name) => [name, { ...web, dnsNames }]));
    expect(() => declaring(many)).toThrow(
      /\$\.certificates: found \d+ characters in the declarations of \d+ certificates .* second stack/,
    );
  });

  it('add nothing to a stack in which no profile issues', () => {
    const plain = synthesize().template;
    plain.resourceCountIs(customResource, 0);
    expect(
      Object.keys(plain.findResources('AWS::Lambda::Function')).filter((id) => id.includes('Declarations')),
    ).toEqual([]);
    expect(environment('RenewFunction', plain)).not.toHaveProperty('DECLARATION_PREFIX');
    expect(statements('RenewRole', plain).map(({ Sid }) => Sid)).not.toContain('Declarations');
  });

  it('may come later: the function exists if a profile issues', () => {
    const later = synthesize(issuing).template;
    later.resourceCountIs(customResource, 0);
    expect(one('AWS::Lambda::Function', 'DeclarationsHandler', later)['Handler']).toBe('declare-certificates.handler');
  });

  it('are declared again when a profile changes', () => {
    const hash = (from: Template) => Object.values(from.findResources(customResource))[0]?.['Properties'].ConfigHash;
    const { offline } = issuing.profiles;
    const profiles = { ...issuing.profiles, offline: { ...offline, issue: { ...offline.issue, duration: '48h' } } };
    expect(hash(declaring(certificates, { profiles }))).not.toBe(hash(template));
    expect(hash(declaring(certificates, { logRetentionDays: 7 }))).toBe(hash(template));
  });

  it('may contain tokens, which the deployment resolves', () => {
    const stack = new Stack(newApp(), 'Own');
    const name = Lazy.string({ produce: () => `${Fn.importValue('Name')}` });
    const key = new Key(stack, 'Key');
    new CertRenewer(stack, 'Renewer', {
      ...issuing,
      certificates: { 'web/tls': { ...web, dnsNames: ['web.svc.example', name], encryptionKey: key.keyArn } },
    });
    const found = Template.fromStack(stack);
    expect(declared(found)).toEqual({
      'web/tls': {
        ...web,
        dnsNames: ['web.svc.example', expect.stringMatching(/^<.*>$/)],
        encryptionKey: expect.stringMatching(/^<Key/),
      },
    });
  });
});

/** JSON path, message, the wrong entry, and the rest of the configuration. */
type Refusal = [path: string, says: RegExp, wrong: Json, more?: Partial<CertRenewerProps> | undefined];
const entry = '$.certificates["web/tls"]';
const authority = (more: object): Partial<CertRenewerProps> => ({
  authorities: { root: { create: { ...issuing.authorities.root.create, ...more } } },
  profiles: {
    offline: { ca: { type: 'offline', authority: 'root' }, issue: { allow: ['dns:svc.example'] } },
  },
});

const refusals: Refusal[] = [
  [
    `${entry}.dnsName`,
    /unknown key \(did you mean dnsNames\?\); allowed here: profile, dnsNames, /,
    { dnsName: ['a.svc.example'] },
  ],
  [`${entry}.wait`, /expected true or false|boolean/, { wait: 'yes' }],
  [`${entry}.shape`, /"camel", "snake"/, { shape: 'der' }],
  [`${entry}.usages[0]`, /"serverAuth"/, { usages: ['ocspSigning'] }],
  [`${entry}.duration`, /expected a duration above zero .*; d is not a unit, write 720h/, { duration: '30d' }],
  [`${entry}.dnsNames[0]`, /expected A-labels, xn--mnchen-3ya\.svc\.example/, { dnsNames: ['münchen.svc.example'] }],
  [`${entry}.dnsNames[1]`, /is listed twice/, { dnsNames: ['a.svc.example', 'A.svc.example'] }],
  [`${entry}.dnsNames[0]`, /only as the whole first label/, { dnsNames: ['w*.svc.example'] }],
  [`${entry}.ipAddresses[0]`, /expected an IPv4 address/, { ipAddresses: ['10.0.0.0/8'] }],
  [`${entry}.ipAddresses[1]`, /ip:fe80::1 is outside of issue\.allow/, { ipAddresses: ['fd00::1', 'fe80::1'] }],
  [entry, /has no name/, { dnsNames: [] }],
  [`${entry}.commonName`, /both set/, { commonName: 'web.svc.example', subject: 'CN=web.svc.example' }],
  [`${entry}.commonName`, /contain cn:Another/, { commonName: 'Another' }],
  [`${entry}.subject`, /contain cn:Another/, { subject: 'CN=Another,O=Example' }],
  [`${entry}.subject`, /expected|is/, { subject: 'no name' }],
  [`${entry}.kty`, /without kty|EC/, { kty: 'EC', size: 2048 }],
  [`${entry}.kmsKeyId`, /remove kty/, { kmsKeyId: 'alias/web', kty: 'EC' }],
  [`${entry}.shape`, /hold the id of a KMS key/, { kmsKeyId: 'alias/web', shape: 'pem' }],
  [`${entry}.mode`, /expected renew/, { kmsKeyId: 'alias/web', mode: 'rekey' }],
  [`${entry}.endpoints[0]`, /host:port/, { endpoints: ['web'] }],
  [`${entry}.profile`, /no profile of that name; expected one of internal, offline/, { profile: 'other' }],
  [`${entry}.profile`, /no profile of that name \(did you mean offline\?\); expected/, { profile: 'ofline' }],
  [`${entry}.profile`, /the profile internal has no "issue"/, { profile: 'internal' }],
  [
    `${entry}.dnsNames[1]`,
    /^dns:web\.example is outside of issue\.allow; the profile offline allows dns:svc\.example, /,
    { dnsNames: ['web.svc.example', 'web.example'] },
  ],
  [`${entry}.emails[0]`, /outside of issue\.allow/, { emails: ['a@svc.example'] }],
  [`${entry}.duration`, /more than issue\.maxDuration, 2160h/, { duration: '2161h' }],
  [
    `${entry}.duration`,
    /longer than the validity of the authority root, 24h/,
    { duration: '25h' },
    authority({ validity: '24h' }),
  ],
  [
    `${entry}.duration`,
    /the authority root issues for 24h, and issue\.maxDuration is 12h/,
    {},
    {
      ...authority({}),
      profiles: {
        offline: {
          ca: { type: 'offline', authority: 'root' },
          issue: { allow: ['dns:svc.example'], maxDuration: '12h' },
        },
      },
    },
  ],
  [
    `${entry}.dnsNames[0]`,
    /the nameConstraints of the authority root forbid it: .*that is not permitted/,
    {},
    authority({ nameConstraints: { permitted: ['dns:other.example'] } }),
  ],
  [
    `${entry}.dnsNames[0]`,
    /the nameConstraints of the authority root forbid it: .*excluded/,
    {},
    {
      authorities: {
        root: {
          create: { ...issuing.authorities.root.create, nameConstraints: { excluded: ['dns:web.svc.example'] } },
        },
        issuing: issuing.authorities.issuing,
      },
    },
  ],
  [`${entry}.shape`, /pkcs12 needs the "passwordSecretId" of the profile offline/, { shape: 'pkcs12' }],
  [`${entry}.expiresIn`, /expected less than the duration of the certificate, 24h/, { expiresIn: '24h' }],
  [`${entry}.expiresIn`, /less than .* 48h/, { expiresIn: '48h', duration: '48h' }],
  [`${entry}.rekeyPeriod`, /less than .* 48h/, { rekeyPeriod: '72h', duration: '48h' }],
  [`${entry}.expiresIn`, /are both set/, { rekeyPeriod: '8h', expiresIn: '8h' }],
  [`${entry}.encryptionKey`, /expected the ARN of a KMS key/, { encryptionKey: 'alias/secrets' }],
  [`${entry}.encryptionKey`, /keeps its key/, { encryptionKey: keyArn, existing: true }],
  [
    entry,
    /\d+ bytes; a declaration may have 8192/,
    { dnsNames: Array.from({ length: 100 }, (_, n) => `${'a'.repeat(60)}.${n}${'b'.repeat(40)}.svc.example`) },
  ],
  [
    entry,
    /holds the tokens of the API; expected another name/,
    {},
    { caApi: { auth: 'bearer', tokenSecretId: 'web/tls' } },
  ],
  [
    entry,
    /holds the password of the profile internal/,
    {},
    {
      profiles: {
        ...issuing.profiles,
        internal: {
          ...config.profiles.internal,
          passwordSecretId: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web/tls-AbCdEf',
        },
      },
    },
  ],
  [
    entry,
    /holds the certificate of the authority legacy/,
    {},
    { authorities: { ...issuing.authorities, legacy: { secretId: 'web/tls', kmsKeyArn: keyArn } } },
  ],
  [
    `${entry}.kmsKeyId`,
    /the key of the authority legacy/,
    { kmsKeyId: keyArn },
    { authorities: { ...issuing.authorities, legacy: { secretId: 'pki/legacy', kmsKeyArn: keyArn } } },
  ],
  [
    `${entry}.kmsKeyId`,
    /the key of the profile internal at its CA/,
    { kmsKeyId: keyArn.slice(keyArn.indexOf('/') + 1) },
    {
      profiles: {
        ...issuing.profiles,
        internal: {
          ...config.profiles.internal,
          ca: { ...config.profiles.internal.ca, provisioner: { name: 'renewer', kmsKeyArn: keyArn } },
        },
      },
    },
  ],
  ['$.certificates["bad name"]', /expected a secret's name/, {}, { certificates: { 'bad name': web } }],
  [
    '$.profiles.offline.issue.allow[1]',
    /not valid for its kind/,
    {},
    { profiles: { offline: { ...issuing.profiles.offline, issue: { allow: ['dns:svc.example', 'ip:10.0.0.1/8'] } } } },
  ],
  [
    '$.profiles.internal.issue',
    /renews but does not issue.*"provisioner"/,
    {},
    {
      profiles: {
        ...issuing.profiles,
        internal: { ...config.profiles.internal, issue: { allow: ['dns:svc.example'] } },
      },
    },
  ],
  [
    '$.profiles.offline.issue.duration',
    /longer than the validity of the authority issuing/,
    {},
    {
      profiles: { offline: { ...issuing.profiles.offline, issue: { allow: ['dns:svc.example'], duration: '30000h' } } },
    },
  ],
  [
    '$.profiles.offline.issue.allow',
    /expected 1 to 200 entries/,
    {},
    { profiles: { offline: { ...issuing.profiles.offline, issue: { allow: [] } } } },
  ],
];

/** Returns the problems of the configuration. */
function problemsOf(run: () => unknown): ConfigError['problems'] {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe('a declared certificate', () => {
  it.each<Refusal>(refusals)('is refused at %s: %s', (path, says, wrong, more) => {
    const certificates = { 'web/tls': { ...web, ...wrong } as CertificateEntry };
    const problems = problemsOf(() => declaring(certificates, more));
    const found = problems.filter((problem) => problem.path === path).map(({ message }) => message);
    expect(found.join('\n'), JSON.stringify(problems)).toMatch(says);
  });

  it('is refused by the claims of the authority’s ca.json', () => {
    const file = new URL('../../examples/ca.json', import.meta.url).pathname;
    const authorities = { ...issuing.authorities, issuing: { ...issuing.authorities.issuing, caConfig: file } };
    const { claims } = JSON.parse(readFileSync(file, 'utf8')).authority;
    expect(claims.maxTLSCertDuration).toBeDefined();
    const problems = problemsOf(() => declaring({ 'web/tls': { ...web, duration: '2000h' } }, { authorities }));
    expect(problems).toEqual([
      {
        path: `${entry}.duration`,
        message: expect.stringMatching(/more than maxTLSCertDuration in the caConfig of the authority issuing/),
      },
    ]);
  });

  const accepted: [string, Partial<CertificateEntry>][] = [
    ['international and wildcard names', { dnsNames: ['xn--mnchen-3ya.svc.example', '*.svc.example'] }],
    ['addresses', { ipAddresses: ['10.0.0.7', 'fd00::7'] }],
    ['an allowed common name', { commonName: 'A Service' }],
    ['a common name among the names', { commonName: 'web.svc.example' }],
    ['a window', { expiresIn: '8h' }],
    ['a percentage', { expiresIn: '33%' }],
    ['null for what is not set', { rekeyPeriod: null, size: null, kty: 'EC', curve: 'P-384' }],
    ['an existing secret', { existing: true }],
    ['a password of the profile for PKCS#12', { profile: 'locked', shape: 'pkcs12' }],
    ['a step-ca with a provisioner', { profile: 'stepping' }],
    ['a key in KMS', { kmsKeyId: 'alias/web' }],
  ];
  // One stack with all of them: a problem has the path of its entry.
  const problemsOfAll = problemsOf(() => {
    const { offline } = issuing.profiles;
    const ca = { ...config.profiles.internal.ca, provisioner: { name: 'renewer', kmsKeyArn: keyArn } };
    const profiles = {
      ...issuing.profiles,
      locked: { ...offline, passwordSecretId: 'pki/password' },
      stepping: { ...offline, ca },
    };
    return declaring(Object.fromEntries(accepted.map(([, more], n) => [`web/${n}`, { ...web, ...more }])), {
      profiles,
    });
  });

  it.each(accepted.map(([what], n): [string, number] => [what, n]))('is accepted with %s', (_, n) => {
    const own = problemsOfAll.filter(({ path }) => path.startsWith(`$.certificates["web/${n}"]`));
    expect(own).toEqual([]);
  });

  it('is accepted with all of these beside each other', () => expect(problemsOfAll).toEqual([]));
});

describe('the handler may', () => {
  const template = declaring({ 'web/tls': { ...web, encryptionKey: keyArn } });
  const role = 'DeclarationsHandlerRole';

  it('do this, and read no secret', () => {
    expect(actionsOf(role, template)).toEqual([
      'kms:Decrypt',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:CreateSecret',
      'secretsmanager:DescribeSecret',
      'secretsmanager:TagResource',
      'secretsmanager:UntagResource',
      'secretsmanager:UpdateSecret',
      'ssm:DeleteParameter',
      'ssm:GetParameter',
      'ssm:GetParameter',
      'ssm:PutParameter',
    ]);
  });

  it('change no secret if there are no customer keys', () => {
    expect(actionsOf(role, declaring({ 'web/tls': web }))).not.toContain('secretsmanager:UpdateSecret');
  });

  it('make secrets of profiles that issue, and tag no others', () => {
    const tag = 'cert-renewer:profile';
    expect(withSid(role, 'Create', template)).toMatchObject({
      Condition: { StringEquals: { [`aws:RequestTag/${tag}`]: ['offline'] }, Null: { 'aws:TagKeys': 'false' } },
    });
    for (const sid of ['Tag', 'Untag', 'Encrypt']) {
      expect(withSid(role, sid, template)['Condition']).toMatchObject({
        StringEquals: { [`aws:ResourceTag/${tag}`]: ['offline'] },
      });
    }
    const keys = (sid: string) =>
      (withSid(role, sid, template)['Condition'] as Record<string, Json>)['ForAllValues:StringEquals']?.['aws:TagKeys'];
    expect(keys('Tag')).toEqual(expect.arrayContaining([tag, 'cert-renewer:declared', 'cert-renewer:endpoints']));
    expect(keys('Untag')).not.toContain(tag);
    expect(keys('Tag')).not.toContain('cert-renewer:issued');
    expect(keys('Tag')).not.toContain('cert-renewer:version-id');
  });

  it('write declarations, which the workers read', () => {
    const parameters = (sid: string, of: string) => textOf(withSid(of, sid, template)['Resource']);
    expect(parameters('Declarations', role)).toMatch(/:parameter\/cert-renewer\/CertRenewer\/certificates\/\*$/);
    expect(parameters('Profiles', role)).toMatch(/:parameter\/cert-renewer\/CertRenewer\/profiles\/\*$/);
    expect(withSid('RenewRole', 'Declarations', template)['Action']).toBe('ssm:GetParameter');
    expect(statements('ScanRole', template).map(({ Sid }) => Sid)).not.toContain('Declarations');
  });

  it('use a customer key through Secrets Manager, as the workers may', () => {
    for (const id of [role, 'RenewRole']) {
      const found = statements(id, template).filter(({ Resource }) => Resource === keyArn);
      expect(found).toHaveLength(1);
      const condition = found[0]?.['Condition'] as { StringEquals: Json } | undefined;
      expect(textOf(condition?.StringEquals['kms:ViaService'])).toBe('secretsmanager.<AWS::Region>.<AWS::URLSuffix>');
    }
  });
});

function setUp(props: Partial<CertRenewerProps> = {}) {
  const app = newApp();
  const stack = new Stack(app, 'Own');
  const renewer = new CertRenewer(stack, 'Renewer', { ...issuing, ...props });
  const newCertificate = (more: Partial<CertificateProps> = {}, scope: Stack = stack, id = 'Web') =>
    new Certificate(scope, id, { renewer, ...web, ...more });
  return { app, stack, renewer, newCertificate };
}

const reader = (scope: Stack) => new Role(scope, 'Reader', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });

it('profiles that issue have statements that fit IAM, or are refused', () => {
  const { offline } = issuing.profiles;
  const profiles = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, n) => [`${'p'.repeat(61)}${String(n).padStart(3, '0')}`, offline]),
    );
  const template = declaring({}, { profiles: profiles(60) });
  const named = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    Object.values(template.findResources(type)).flatMap(({ Properties }) => Properties['PolicyDocument'].Statement),
  );
  const made = named.filter(({ Action }) => Action === 'secretsmanager:CreateSecret');
  const names = made.flatMap(({ Condition }) => Condition.StringEquals['aws:RequestTag/cert-renewer:profile']);
  expect(names.sort()).toEqual(Object.keys(profiles(60)));
  expect(() => declaring({}, { profiles: profiles(150), encryptionKeys: [keyArn] })).toThrow(
    /the declaring function's role/,
  );
});

describe('the construct Certificate', () => {
  it('is a resource of its own in the renewer’s stack', () => {
    const { stack, newCertificate } = setUp();
    const certificate = newCertificate({ secretName: 'web/tls', wait: false });
    certificate.grantRead(reader(stack));
    const template = Template.fromStack(stack);
    expect(declared(template)).toEqual({ 'web/tls': { ...web, wait: false } });
    const [[id, resource] = []] = Object.entries(template.findResources(customResource));
    expect(resource?.['Properties']).toMatchObject({
      ServiceTimeout: '840',
      ConfigHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(resource?.['DependsOn']).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/RenewerRenewRoleDefaultPolicy/),
        expect.stringMatching(/DeclarationsHandlerRoleDefaultPolicy/),
        expect.stringMatching(/issuingCertificate/),
      ]),
    );
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Reader') }],
      PolicyDocument: {
        Statement: [
          {
            Action: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
            Effect: 'Allow',
            Resource: { 'Fn::GetAtt': [id, 'SecretArn'] },
          },
        ],
      },
    });
    expect(stack.resolve(certificate.secretName)).toEqual({ 'Fn::GetAtt': [id, 'SecretName'] });
    const [scan] = Object.values(template.findResources('Custom::CertRenewerFirstScan'));
    expect(scan?.['DependsOn']).toContain(id);
  });

  it('has a name from its path by default', () => {
    const { stack, newCertificate } = setUp();
    newCertificate();
    const [name = ''] = Object.keys(declared(Template.fromStack(stack)));
    expect(name).toMatch(/^Own-?Web-?[0-9A-F]{8}$/);
    const deep = 'a'.repeat(200);
    const other = setUp();
    let scope: Stack | Certificate = other.stack;
    for (const id of ['1', '2', '3', '4']) scope = other.newCertificate({}, scope as Stack, `${deep}${id}`);
    const names = Object.keys(declared(Template.fromStack(other.stack)));
    expect(names).toHaveLength(4);
    for (const each of names) expect(each.length).toBeLessThanOrEqual(512);
  });

  it('works in another stack of the app, with a key of that stack', () => {
    const hooks = [
      { type: 'acm', certificates: { 'web/tls': 'arn:aws:acm:eu-central-1:111122223333:certificate/1234abcd' } },
    ] as const;
    const profiles = { ...issuing.profiles, offline: { ...issuing.profiles.offline, hooks: [...hooks] } };
    const { app, stack, newCertificate } = setUp({ profiles });
    const other = new Stack(app, 'Other');
    const encryptionKey = new Key(other, 'Key', { removalPolicy: RemovalPolicy.RETAIN });
    newCertificate({ encryptionKey, secretName: 'web/tls' }, other).grantRead(reader(other));
    newCertificate({ encryptionKey, secretName: 'web/2' }, other, 'Second');
    app.synth();
    expect(other.dependencies).toEqual([stack]);
    expect(stack.dependencies).toEqual([]);
    const template = Template.fromStack(other);
    template.resourceCountIs(customResource, 2);
    template.allResourcesProperties(customResource, {
      ServiceToken: { 'Fn::ImportValue': Match.stringLikeRegexp('^Own:.*DeclarationsHandlerFunction') },
    });
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('CertRenewerKey'),
    );
    expect(policies.map(([, { Properties }]) => Properties['Roles'].length).sort()).toEqual([1, 2]);
    for (const [id, { Properties }] of policies) {
      expect(Properties['PolicyDocument'].Statement[0]).toMatchObject({
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] },
      });
      const resource = Object.values(template.findResources(customResource))[0];
      expect(resource?.['DependsOn']).toContain(id);
    }
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Reader') }],
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: 'kms:Decrypt' })]) },
    });
  });

  it('takes a key of its own stack, or an ARN', () => {
    const { stack, newCertificate } = setUp();
    const key = new Key(stack, 'Key');
    newCertificate({ encryptionKey: key });
    newCertificate({ encryptionKey: keyArn }, stack, 'Second');
    const template = Template.fromStack(stack);
    const used = statements('DeclarationsHandlerRole', template)
      .filter(({ Action }) => [Action].flat().includes('kms:Encrypt'))
      .flatMap(({ Resource }) => [Resource].flat().map(textOf));
    expect(used).toEqual([keyArn, expect.stringMatching(/^<Key.*,Arn>$/)]);
    expect(actionsOf('DeclarationsHandlerRole', template)).toContain('secretsmanager:UpdateSecret');
  });

  it('does not wait for a hook that may depend on it', () => {
    const app = newApp();
    const stack = new Stack(app, 'Own');
    const code = Code.fromInline('exports.handler = async () => {}');
    const reload = new AppFunction(stack, 'Reload', { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code });
    const hooks = [
      { type: 'lambda', functionArn: reload.functionArn },
      { type: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:renewed' },
    ] as const;
    const profiles = { offline: { ...issuing.profiles.offline, hooks: [...hooks] } };
    const renewer = new CertRenewer(stack, 'Renewer', { ...issuing, profiles });
    const { secret } = new Certificate(stack, 'Web', { renewer, ...web });
    reload.addEnvironment('SECRET', secret.secretArn);
    const template = Template.fromStack(stack); // checks for circles
    const [resource] = Object.values(template.findResources(customResource));
    const hooksBefore = ((resource?.['DependsOn'] ?? []) as string[]).filter((id) => /Hooksoffline.*Rule/.test(id));
    expect(hooksBefore).toEqual([expect.stringMatching(/offline1sns/)]);
  });

  it('accepts tokens', () => {
    const { stack, newCertificate } = setUp();
    newCertificate({ dnsNames: [Fn.importValue('Name')], secretName: 'web/tls', duration: Fn.importValue('Duration') });
    newCertificate({ dnsNames: Fn.split(',', Fn.importValue('Names')), secretName: 'web/2' }, stack, 'Second');
    const found = Object.values(Template.fromStack(stack).findResources(customResource));
    const texts = found.map(({ Properties }) => JSON.stringify(Properties['Certificates'])).sort();
    expect(texts).toEqual([
      expect.stringMatching(/web\/2.*dnsNames.*Stringify/),
      expect.stringMatching(/web\/tls.*"Fn::ImportValue":"Name".*"Fn::ImportValue":"Duration"/),
    ]);
  });

  it.each<[string, Partial<CertificateProps>, string, RegExp]>([
    ['a name outside of allow', { dnsNames: ['web.example'] }, '$.dnsNames[0]', /outside of issue\.allow/],
    ['no name', { dnsNames: undefined }, '$', /has no name/],
    ['a bad value', { duration: 'long' }, '$.duration', /expected a duration/],
    ['an unknown key', { names: [] } as object, '$.names', /unknown key/],
    ['a profile that does not issue', { profile: 'internal' }, '$.profile', /has no "issue"/],
    ['a token for a name of the secret', { secretName: Fn.importValue('Name') }, '$.secretName', /known at synthesis/],
    ['a name that is none of a secret', { secretName: 'a b' }, '$', /expected a secret's name/],
    ['a second one in a secret', { secretName: 'web/first' }, '$.secretName', /already has a declared certificate/],
    [
      'one of the configuration’s secrets',
      { secretName: 'web/of-file' },
      '$.secretName',
      /already has a declared certificate/,
    ],
  ])('refuses %s, with the construct’s path', (_, more, path, says) => {
    const { stack, newCertificate } = setUp({ certificates: { 'web/of-file': web } });
    newCertificate({ secretName: 'web/first' }, stack, 'First');
    const problems = problemsOf(() => newCertificate(more));
    expect(problems.map((problem) => problem.path)).toContain(path);
    expect(problems.map(({ message }) => message).join('\n')).toMatch(says);
    expect(() => newCertificate(more, stack, 'Again')).toThrow(/The props of Own\/Again/);
  });

  it('refuses a renewer of another Region', () => {
    const app = newApp();
    const account = '111122223333';
    const stack = new Stack(app, 'Own', { env: { account, region: 'eu-central-1' } });
    const renewer = new CertRenewer(stack, 'Renewer', issuing);
    const other = new Stack(app, 'Other', { env: { account, region: 'eu-west-1' } });
    expect(() => new Certificate(other, 'Web', { renewer, ...web })).toThrow(
      /\$\.renewer: the renewer is in the region eu-central-1, the certificate in eu-west-1/,
    );
  });
});

describe('grantDeclare', () => {
  it('gives a role the rights of the handler, and those by which the command finds the stack', () => {
    const { stack, renewer } = setUp({ encryptionKeys: [keyArn] });
    const role = new Role(stack, 'Operators', { assumedBy: new AccountPrincipal('111122223333') });
    expect(renewer.grantDeclare(role).success).toBe(true);
    const template = Template.fromStack(stack);
    // One by one, because the CDK may merge several resources into one statement.
    const rights = (id: string) =>
      statements(id, template)
        .flatMap(({ Action, Resource, Condition }) =>
          [Action]
            .flat()
            .flatMap((action) => [Resource].flat().map((resource) => JSON.stringify([action, resource, Condition]))),
        )
        .filter((right) => !right.startsWith('["logs:'))
        .sort();
    const finding = (right: string) => /DescribeStacks|GetFunctionConfiguration|\/authorities\/\*/.test(right);
    const given = rights('OperatorsDefaultPolicy');
    expect(given.filter((right) => !finding(right))).toEqual(rights('DeclarationsHandlerRole'));
    expect(given.filter(finding).map((right) => JSON.parse(right)[0])).toEqual([
      'cloudformation:DescribeStacks',
      'lambda:GetFunctionConfiguration',
      'lambda:GetFunctionConfiguration',
      'ssm:GetParameter',
    ]);
  });

  it('is refused if no profile issues', () => {
    const stack = new Stack(newApp(), 'Own');
    const renewer = new CertRenewer(stack, 'Renewer', config);
    const role = new Role(stack, 'Operators', { assumedBy: new AccountPrincipal('111122223333') });
    expect(() => renewer.grantDeclare(role)).toThrow(/\$\.profiles: no profile has "issue"/);
  });
});

it('cdk-nag accepts declared certificates', () => {
  const { app, newCertificate, stack } = setUp({ certificates: { 'web/of-file': { ...web, encryptionKey: keyArn } } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  newCertificate({ encryptionKey: keyArn });
  expect(App.isApp(stack.node.root)).toBe(true);
  expect(() => app.synth()).not.toThrow();
});
