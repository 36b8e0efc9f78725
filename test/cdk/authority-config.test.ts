import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lazy } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { outputPrefix } from '../../cdk/config/authority-config.ts';
import { readConfigFile, validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { examples } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-authorities-'));
afterAll(() => rmSync(folder, { recursive: true }));

const profiles = { internal: { ca: { type: 'step-ca', url: 'https://ca.example:9000', root: 'root_ca.crt' } } };
const create = { subject: 'CN=Example', key: 'EC P-256', validity: '8760h' };
const made = (more: object = {}) => ({ create: { ...create, ...more } });
const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const origin = { source: 'test', baseDirectory: examples };

function problemsOf(input: unknown): readonly string[] {
  try {
    validateConfig(input, origin);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems.map(({ path, message }) => `${path}: ${message}`);
    throw thrown;
  }
  return [];
}

describe('refused authorities', () => {
  const table: readonly [string, object, RegExp][] = [
    ['neither made nor there', { a: {} }, /^\$\.authorities\.a: neither "create" nor "secretId"/],
    [
      'both',
      { a: { ...made(), secretId: 'x' } },
      /^\$\.authorities\.a: both "create" and "secretId" are set; expected one/,
    ],
    [
      'a key beside create',
      { a: { ...made(), kmsKeyArn: key } },
      /^\$\.authorities\.a\.kmsKeyArn: is allowed only with "secretId"/,
    ],
    [
      'a password beside create',
      { a: { ...made(), passwordSecretId: 'x' } },
      /^\$\.authorities\.a\.passwordSecretId: is allowed only with "secretId"/,
    ],
    [
      'a key in KMS, and a password',
      { a: { secretId: 'x', kmsKeyArn: key, passwordSecretId: 'y' } },
      /^\$\.authorities\.a\.passwordSecretId: both kmsKeyArn and passwordSecretId are set/,
    ],
    ['an alias', { a: { secretId: 'x', kmsKeyArn: 'alias/x' } }, /^\$\.authorities\.a\.kmsKeyArn: expected the ARN/],
    [
      'a subject that is no name',
      { a: made({ subject: 'Example' }) },
      /^\$\.authorities\.a\.create\.subject: .*RFC 4514/,
    ],
    [
      'a short RSA key',
      { a: made({ key: 'RSA 1024' }) },
      /^\$\.authorities\.a\.create\.key: expected EC P-256, EC P-384, EC P-521, RSA 2048, RSA 3072 or RSA 4096/,
    ],
    ['a key KMS lacks', { a: made({ key: 'RSA 8192' }) }, /^\$\.authorities\.a\.create\.key: expected/],
    ['Ed25519', { a: made({ key: 'OKP Ed25519' }) }, /^\$\.authorities\.a\.create\.key: expected/],
    [
      'no validity',
      { a: made({ validity: '0h' }) },
      /^\$\.authorities\.a\.create\.validity: is "0h": expected a duration/,
    ],
    ['a bad validity', { a: made({ validity: '10y' }) }, /^\$\.authorities\.a\.create\.validity: expected a duration/],
    ['a bad pathLen', { a: made({ pathLen: -1 }) }, /^\$\.authorities\.a\.create\.pathLen: expected a whole number/],
    [
      'a bad constraint',
      { a: made({ nameConstraints: { permitted: ['example.com'] } }) },
      /^\$\.authorities\.a\.create\.nameConstraints\.permitted\[0\]: expected dns:example\.com/,
    ],
    [
      'an unknown key',
      { a: { ...made(), crl: true } },
      /^\$\.authorities\.a\.crl: unknown key; allowed here: create, secretId/,
    ],
    ['an unknown parent', { a: { ...made(), parent: 'b' } }, /^\$\.authorities\.a\.parent: no authority of that name/],
    [
      'itself as parent',
      { a: { ...made(), parent: 'a' } },
      /^\$\.authorities\.a\.parent: its parents lead back to itself/,
    ],
    [
      'a parent that may have no child',
      { a: made({ pathLen: 0 }), b: { ...made(), parent: 'a' } },
      /^\$\.authorities\.b\.parent: a has pathLen 0/,
    ],
    [
      'a path as long as the parent’s',
      { a: made({ pathLen: 1 }), b: { ...made({ pathLen: 1 }), parent: 'a' } },
      /^\$\.authorities\.b\.create\.pathLen: found 1, and its parent a has 1; expected less/,
    ],
    [
      'a validity beyond the parent’s',
      { a: made(), b: { ...made({ validity: '8760h1s' }), parent: 'a' } },
      /^\$\.authorities\.b\.create\.validity: found .*, longer than the validity of its parent a \(8760h\)/,
    ],
    ['names that are too like', { 'a-b': made(), 'a.b': made() }, /^\$\.authorities\["a\.b"\]: too similar to a-b/],
    [
      'the name of the stack’s own output',
      { 'trust-bundle': made() },
      /^\$\.authorities\["trust-bundle"\]: too similar to TrustBundle/,
    ],
    [
      'a ca.json that is not there',
      { a: { ...made(), caConfig: 'none.json' } },
      /^\$\.authorities\.a\.caConfig: the file none\.json can't be read \(ENOENT\)/,
    ],
    [
      'a ca.json that is none',
      { a: { ...made(), caConfig: 'root_ca.crt' } },
      /^\$\.authorities\.a\.caConfig: the file root_ca\.crt: .*not JSON/,
    ],
    [
      'more than fit',
      Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`a${index}`, made()])),
      /^\$\.authorities: found 13 authorities, .*at most 12/,
    ],
  ];
  it.each(table)('%s', (_, authorities, expected) => {
    const problems = problemsOf({ profiles, authorities });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it('a circle, with each authority in it', () => {
    const authorities = { a: { ...made(), parent: 'c' }, b: { ...made(), parent: 'a' }, c: { ...made(), parent: 'b' } };
    expect(problemsOf({ profiles, authorities })).toEqual(
      ['a', 'b', 'c'].map(
        (name) =>
          `$.authorities.${name}.parent: its parents lead back to itself; expected a chain that ends at a root, which has no parent`,
      ),
    );
  });

  it('values that must be known at synthesis', () => {
    const token = Lazy.string({ produce: () => 'later' });
    expect(problemsOf({ profiles, authorities: { a: { ...made({ validity: token }), caConfig: token } } })).toEqual([
      '$.authorities.a.create.validity: it must be known at synthesis; found a token',
      '$.authorities.a.caConfig: found a token; expected the name of a file to read at synthesis',
    ]);
    expect(problemsOf({ profiles, authorities: { a: { secretId: token, kmsKeyArn: token } } })).toEqual([]);
  });

  it('a ca.json, without quoting it', () => {
    const file = join(folder, 'ca.json');
    writeFileSync(
      file,
      JSON.stringify({ authority: { claims: { maxTLSCertDuration: 'U2VjcmV0' } }, password: 'U2VjcmV0' }),
    );
    const [problem] = problemsOf({ profiles, authorities: { a: { ...made(), caConfig: file } } });
    expect(problem).toMatch(/maxTLSCertDuration/);
    writeFileSync(file, '{"password": U2VjcmV0');
    expect(problemsOf({ profiles, authorities: { a: { ...made(), caConfig: file } } }).join()).not.toContain(
      'U2VjcmV0',
    );
  });
});

describe('references to authorities', () => {
  it.each([
    [
      'an offline profile of one that is not there',
      { profiles: { o: { ca: { type: 'offline', authority: 'b' } } }, authorities: { a: made() } },
      '$.profiles.o.ca.authority: no authority of that name; expected one of a',
    ],
    [
      'an offline profile without any',
      { profiles: { o: { ca: { type: 'offline', authority: 'toString' } } } },
      '$.profiles.o.ca.authority: no authority of that name; expected one of the names under "authorities", which has none',
    ],
    [
      'an API without any',
      { profiles, caApi: { auth: 'iam' } },
      '$.caApi: the API renews authorities, but "authorities" is empty; add one, or remove "caApi"',
    ],
    [
      'bearer tokens from nowhere',
      { profiles, authorities: { a: made() }, caApi: { auth: 'bearer' } },
      '$.caApi.tokenSecretId: missing; expected the name or ARN of the secret with the tokens, because auth is "bearer"',
    ],
  ])('%s', (_, input, expected) => {
    expect(problemsOf(input)).toEqual([expected]);
  });
});

describe('an accepted configuration', () => {
  it.each(['acme.json', 'authorities.json', 'declared.json', 'hooks.json', 'infisical.json'])('examples/%s', (file) => {
    expect(() => readConfigFile(join(examples, file))).not.toThrow();
  });

  it('has every field of an authority', () => {
    const all = {
      profiles: {
        internal: { ca: { type: 'step-ca', url: 'https://ca.example:9000', root: 'root_ca.crt' } },
        offline: { ca: { type: 'offline', authority: 'issuing' } },
        infisical: { ca: { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'y' } },
      },
      authorities: {
        root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
        issuing: {
          create: { subject: 'CN=Example Issuing', key: 'EC P-256', validity: '26280h', pathLen: 0 },
          parent: 'root',
          caConfig: 'ca.json',
          disabled: false,
        },
        legacy: { secretId: 'pki/legacy', kmsKeyArn: key },
      },
      caApi: { auth: 'iam', tokenSecretId: 'pki/tokens' },
    };
    expect(problemsOf(all)).toEqual([]);
  });

  it('is accepted again from any folder, because its paths are absolute', () => {
    const once = readConfigFile(join(examples, 'authorities.json'));
    expect(once.authorities?.['issuing']?.caConfig).toBe(join(examples, 'ca.json'));
    expect(validateConfig(once, { source: 'again', baseDirectory: '/' })).toEqual(once);
  });

  it.each([
    ['issuing', 'Issuing'],
    ['my-root.2', 'MyRoot2'],
    ['a_b', 'AB'],
    ['9', '9'],
  ])('may use the name %s, whose outputs begin with %s', (name, prefix) => {
    expect(outputPrefix(name)).toBe(prefix);
  });
});
