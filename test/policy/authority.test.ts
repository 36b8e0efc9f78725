import { describe, expect, test } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { type AuthorityDocument, claimsOfCaConfig, parseAuthority } from '../../lambdas/policy/authority.ts';
import { authorityProfile, readAuthorityTags } from '../../lambdas/policy/authority-profile.ts';

const parse = (document: unknown) => parseAuthority('issuing', JSON.stringify(document));

describe('the parameter of an authority', () => {
  test('with nothing but its secret has step-ca’s defaults', () => {
    expect(parse({ secretId: 'pki/issuing' })).toStrictEqual({
      name: 'issuing',
      secretId: 'pki/issuing',
      disabled: false,
      backdate: 60_000,
      claims: {},
      provisionerClaims: new Map(),
    });
  });

  test('can have every field', () => {
    const document: AuthorityDocument = {
      secretId: 'arn:secret',
      kmsKeyArn: 'arn:key',
      passwordSecretId: 'password',
      parent: 'root',
      disabled: true,
      backdate: 0,
      claims: {
        minDuration: 1,
        maxDuration: 3,
        defaultDuration: 2,
        disableRenewal: false,
        allowRenewalAfterExpiry: true,
      },
      provisionerClaims: { a: { disableRenewal: true }, b: {} },
      create: {
        subject: 'CN=x',
        validity: 1,
        pathLength: 0,
        nameConstraints: { permitted: ['dns:example.com'], excluded: ['ip:10.0.0.0/8'] },
      },
    };
    expect(parse(document)).toEqual({
      ...document,
      name: 'issuing',
      provisionerClaims: new Map([
        ['a', { disableRenewal: true }],
        ['b', {}],
      ]),
    });
  });

  test('has no value for what its certificate does not say', () => {
    const { create } = parse({ secretId: 'x', create: { subject: 'CN=x', validity: 1 } });
    expect(create).toStrictEqual({ subject: 'CN=x', validity: 1 });
  });

  test.each([
    [{ permitted: ['dns:example.com'] }, { permitted: ['dns:example.com'], excluded: [] }],
    [{ excluded: ['dns:example.com'] }, { permitted: [], excluded: ['dns:example.com'] }],
  ])('has name constraints of one kind only: %j', (nameConstraints, expected) => {
    const { create } = parse({ secretId: 'x', create: { subject: 'CN=x', validity: 1, nameConstraints } });
    expect(create?.nameConstraints).toEqual(expected);
  });

  test('that is no JSON is reported with the parser’s message', () => {
    expect(() => parseAuthority('issuing', '{')).toThrowError(
      expect.objectContaining({ cause: expect.any(SyntaxError) }),
    );
  });

  test.each<[string, string]>([
    ['{', 'not JSON'],
    ['[]', 'not an authority'],
    ['{}', 'authority.secretId: missing'],
    ['{"secretId":""}', 'secretId'],
    ['{"secretId":"x","backdate":-1}', 'backdate'],
    ['{"secretId":"x","parent":"a b"}', 'parent'],
    ['{"secretId":"x","claims":{"maxDuration":"24h"}}', 'maxDuration'],
    ['{"secretId":"x","key":"y"}', 'unknown field'],
    ['{"secretId":"x","create":{"subject":"CN=x","validity":0}}', 'validity'],
    [
      '{"secretId":"x","create":{"subject":"CN=x","validity":1,"nameConstraints":{"permitted":["x"]}}}',
      'dns:example.com',
    ],
  ])('%s is Internal: only a deployment writes it', (json, found) => {
    expect(() => parseAuthority('issuing', json)).toThrowError(
      expect.objectContaining({ code: 'Internal', message: expect.stringContaining(found) }),
    );
  });
});

describe('as a profile', () => {
  test('it only renews, and is paused while it is disabled', () => {
    expect(authorityProfile(parse({ secretId: 'x', passwordSecretId: 'p' }))).toEqual({
      name: 'authority:issuing',
      ca: { type: 'authority', authority: 'issuing' },
      mode: 'renew',
      passwordSecretId: 'p',
      paused: false,
    });
    expect(authorityProfile(parse({ secretId: 'x', disabled: true }))).toStrictEqual({
      name: 'authority:issuing',
      ca: { type: 'authority', authority: 'issuing' },
      mode: 'renew',
      paused: true,
    });
  });

  test('its tags: window and paused apply, a kind of key does not, rekey is InvalidTag', () => {
    const read = (more: Record<string, string>) => readAuthorityTags(new Map(Object.entries(more)));
    expect(read({ [tags.expiresIn]: '33pct', [tags.paused]: 'true', [tags.kty]: 'RSA' })).toMatchObject({
      timing: { kind: 'expiresIn' },
      paused: true,
    });
    expect(read({ [tags.kty]: 'RSA' })).not.toHaveProperty('key');
    expect(read({ [tags.mode]: 'renew' }).mode).toBe('renew');
    for (const bad of [{ [tags.mode]: 'rekey' }, { [tags.mode]: 'x' }, { [tags.expiresIn]: 'soon' }]) {
      expect(() => read(bad)).toThrowError(expect.objectContaining({ code: 'InvalidTag' }));
    }
    expect(() => read({ [tags.mode]: 'rekey' })).toThrowError(/cert-renewer:mode is "rekey".*keeps its key.*remove it/);
  });
});

describe('the claims of a step-ca ca.json', () => {
  const read = (authority: unknown) =>
    claimsOfCaConfig(JSON.stringify({ root: 'root.crt', address: ':9000', authority }));

  test('are empty by default, with step-ca’s backdate', () => {
    for (const json of ['{}', '{"authority":{}}', '{"authority":{"claims":{},"provisioners":[]}}']) {
      expect(claimsOfCaConfig(json)).toEqual({ backdate: 60_000, claims: {}, provisionerClaims: new Map() });
    }
  });

  test('are those of the authority and of every provisioner', () => {
    const found = read({
      backdate: '2m30s',
      claims: {
        minTLSCertDuration: '5m',
        maxTLSCertDuration: '24h',
        defaultTLSCertDuration: '12h',
        disableRenewal: false,
        allowRenewalAfterExpiry: true,
        enableSSHCA: true,
      },
      provisioners: [
        { type: 'JWK', name: 'ops@example.com', key: {}, claims: { maxTLSCertDuration: '48h', disableRenewal: true } },
        { type: 'ACME', name: 'acme' },
        { type: 'X5C', name: 'x5c', claims: null },
      ],
    });
    expect(found).toEqual({
      backdate: 150_000,
      claims: {
        ...{ minDuration: 300_000, maxDuration: 86_400_000, defaultDuration: 43_200_000 },
        ...{ disableRenewal: false, allowRenewalAfterExpiry: true },
      },
      provisionerClaims: new Map([
        ['ops@example.com', { maxDuration: 172_800_000, disableRenewal: true }],
        ['acme', {}],
        ['x5c', {}],
      ]),
    });
  });

  test('a provisioner’s default beyond the common limits extends these, as in step-ca', () => {
    const claims = { minTLSCertDuration: '1h', maxTLSCertDuration: '24h' };
    const provisioner = (name: string, own: object) => ({ name, claims: own });
    const { provisionerClaims } = read({
      claims,
      provisioners: [
        provisioner('short', { defaultTLSCertDuration: '5m' }),
        provisioner('long', { defaultTLSCertDuration: '720h' }),
        provisioner('set', { defaultTLSCertDuration: '720h', maxTLSCertDuration: '1000h' }),
        provisioner('usual', { defaultTLSCertDuration: '12h' }),
        provisioner('least', { defaultTLSCertDuration: '1h' }),
        provisioner('most', { defaultTLSCertDuration: '24h' }),
      ],
    });
    expect(Object.fromEntries(provisionerClaims)).toEqual({
      short: { minDuration: 300_000 },
      long: { maxDuration: 2_592_000_000 },
      set: { maxDuration: 3_600_000_000 },
      usual: {},
      least: {},
      most: {},
    });
  });

  test('backdate 0s is no backdate', () => {
    expect(read({ backdate: '0s' }).backdate).toBe(0);
  });

  test('names like those of an object’s own members are allowed', () => {
    const json =
      '{"authority":{"provisioners":[{"name":"__proto__","claims":{"disableRenewal":true}},{"name":"toString"}]}}';
    const { provisionerClaims } = claimsOfCaConfig(json);
    expect([...provisionerClaims]).toEqual([
      ['__proto__', { disableRenewal: true }],
      ['toString', {}],
    ]);
  });

  test.each<[string, string]>([
    ['not JSON, with hunter2', 'not JSON'],
    ['[]', 'ca.json'],
    ['{"authority":[]}', '$.authority'],
    ['{"authority":{"backdate":"soon"}}', '$.authority.backdate'],
    ['{"authority":{"backdate":"-1m"}}', '$.authority.backdate'],
    ['{"authority":{"claims":{"maxTLSCertDuration":24}}}', '$.authority.claims.maxTLSCertDuration'],
    ['{"authority":{"provisioners":[{"claims":{}}]}}', '$.authority.provisioners[0].name'],
    ['{"authority":{"provisioners":[{"name":"a"},{"name":"a"}]}}', '"a"'],
    ['{"authority":{"claims":"hunter2"}}', '$.authority.claims: found a string, expected an object'],
    ['{"authority":{"claims":{"disableRenewal":"hunter2"}}}', 'found a string, expected a boolean'],
    ['null', '$: found null, expected an object'],
    ['{"authority":null}', '$.authority: found null, expected an object'],
    ['{"authority":{"claims":null}}', '$.authority.claims: found null, expected an object'],
    ['{"authority":{"backdate":60}}', '$.authority.backdate: found a number, expected a string'],
    ['{"authority":{"provisioners":{}}}', '$.authority.provisioners: found an object, expected an array'],
    [
      '{"authority":{"provisioners":[{"name":null}]}}',
      '$.authority.provisioners[0].name: found null, expected a string',
    ],
    ['{"authority":{"provisioners":[{}]}}', '$.authority.provisioners[0].name: missing; expected a string'],
  ])('%s: InvalidRequest, with the place and without a quote', (json, place) => {
    expect(() => claimsOfCaConfig(json)).toThrowError(
      expect.objectContaining({
        code: 'InvalidRequest',
        message: expect.stringContaining(place),
      }),
    );
    expect(() => claimsOfCaConfig(json)).toThrowError(expect.not.stringMatching(/hunter2/));
  });
});
