import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lazy, Token } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfigFile, validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { issue, party } from '../x509/issue.ts';
import { examples, rootPem } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const origin = { source: 'test', baseDirectory: examples };
const ca = { type: 'step-ca', url: 'https://ca.example:9000', root: 'root_ca.crt' };
const profile = (fields: object) => ({ profiles: { internal: { ca, ...fields } } });
const withRoot = (root: string) => ({ profiles: { internal: { ca: { ...ca, root } } } });

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems.map(({ path, message }) => `${path}: ${message}`);
    throw thrown;
  }
  return [];
}

describe('a refused configuration, with its path and what is allowed', () => {
  const table: readonly [string, unknown, RegExp][] = [
    ['not an object', [], /^\$: expected an object$/],
    ['no profiles', {}, /^\$\.profiles: missing; expected an object$/],
    ['no profile in it', { profiles: {} }, /^\$\.profiles: found no profile; expected at least one$/],
    [
      'an unknown key',
      { ...profile({}), shedule: 'x' },
      /^\$\.shedule: unknown key \(did you mean schedule\?\); allowed here: .*schedule, .*maxConcurrency/,
    ],
    [
      'an unknown key of a profile',
      profile({ expiresin: '8h' }),
      /^\$\.profiles\.internal\.expiresin: unknown key \(did you mean expiresIn\?\); allowed here: ca, mode, expiresIn/,
    ],
    [
      'an unknown key of a CA',
      { profiles: { internal: { ca: { ...ca, port: 1 } } } },
      /^\$\.profiles\.internal\.ca\.port: unknown key; allowed here: type, url, root, provisioner$/,
    ],
    [
      'a profile without a CA',
      { profiles: { internal: {} } },
      /^\$\.profiles\.internal\.ca: missing; expected an object$/,
    ],
    [
      'an unknown type of CA',
      { profiles: { internal: { ca: { type: 'vault' } } } },
      /^\$\.profiles\.internal\.ca\.type: expected one of "step-ca", "offline", "infisical", "acme"$/,
    ],
    [
      'http',
      { profiles: { internal: { ca: { ...ca, url: 'http://ca.example' } } } },
      /^\$\.profiles\.internal\.ca\.url: expected an https:\/\/ URL/,
    ],
    [
      'a CA without root',
      { profiles: { internal: { ca: { type: 'step-ca', url: ca.url } } } },
      /^\$\.profiles\.internal\.ca\.root: missing; expected a string$/,
    ],
    ['a bad name', { profiles: { 'a b': { ca } } }, /^\$\.profiles\["a b"\]: expected a name of at most 64 letters/],
    [
      'an unknown mode',
      profile({ mode: 'reissue' }),
      /^\$\.profiles\.internal\.mode: expected one of "rekey", "renew"$/,
    ],
    [
      'a bad window',
      profile({ expiresIn: 'soon' }),
      /^\$\.profiles\.internal\.expiresIn: expected a duration above zero such as 8h30m, or a percentage/,
    ],
    [
      'a window of 0',
      profile({ expiresIn: '0h' }),
      /^\$\.profiles\.internal\.expiresIn: is "0h": expected a duration above zero/,
    ],
    ['a window of 100 %', profile({ expiresIn: '100%' }), /^\$\.profiles\.internal\.expiresIn: is "100%": expected/],
    [
      'a negative window',
      profile({ expiresIn: '-8h' }),
      /^\$\.profiles\.internal\.expiresIn: expected a duration above zero/,
    ],
    [
      'expiresIn and rekeyPeriod',
      profile({ expiresIn: '8h', rekeyPeriod: '8h' }),
      /^\$\.profiles\.internal\.expiresIn: and \$\.profiles\.internal\.rekeyPeriod are both set/,
    ],
    [
      'a curve with RSA',
      profile({ kty: 'RSA', curve: 'P-256' }),
      /^\$\.profiles\.internal\.curve: is for EC and OKP only/,
    ],
    ['a size with EC', profile({ kty: 'EC', size: 2048 }), /^\$\.profiles\.internal\.size: is for RSA only/],
    ['a size with OKP', profile({ kty: 'OKP', size: 2048 }), /^\$\.profiles\.internal\.size: is for RSA only/],
    [
      'a short RSA key',
      profile({ kty: 'RSA', size: 1024 }),
      /^\$\.profiles\.internal\.size: expected a whole number from 2048 to 8192$/,
    ],
    ['Ed25519 without OKP', profile({ kty: 'EC', curve: 'Ed25519' }), /^\$\.profiles\.internal\.curve: is Ed25519/],
    ['a curve without a type', profile({ curve: 'P-256' }), /^\$\.profiles\.internal\.curve: is set without/],
    ['an unknown type', profile({ kty: 'ec' }), /^\$\.profiles\.internal\.kty: expected one of "EC", "OKP", "RSA"$/],
    [
      'too little concurrency',
      { ...profile({}), maxConcurrency: 1 },
      /^\$\.maxConcurrency: expected a whole number from 2 to 1000$/,
    ],
    [
      'too much concurrency',
      { ...profile({}), maxConcurrency: 1001 },
      /^\$\.maxConcurrency: expected a whole number from 2 to 1000$/,
    ],
    ['half a Lambda', { ...profile({}), maxConcurrency: 2.5 }, /^\$\.maxConcurrency: expected a whole number$/],
    [
      'a retention that CloudWatch lacks',
      { ...profile({}), logRetentionDays: 91 },
      /^\$\.logRetentionDays: expected one of 1, 3, 5, 7, 14, 30, 60, 90, /,
    ],
    ['a string for paused', { ...profile({}), paused: 'true' }, /^\$\.paused: expected a boolean$/],
    ['a bad schedule', { ...profile({}), schedule: 'hourly' }, /^\$\.schedule: .*expected rate\(1 hour\)/],
    ['a bad cron', { ...profile({}), schedule: 'cron(0 25 * * ? *)' }, /^\$\.schedule: .*hours is 25/],
    [
      'a bad zone',
      { ...profile({}), schedule: 'cron(0 5 * * ? *)', scheduleTimezone: 'Mars' },
      /^\$\.scheduleTimezone: .*IANA/,
    ],
    [
      'no e-mail address',
      { ...profile({}), notify: { email: ['ops'] } },
      /^\$\.notify\.email\[0\]: expected an e-mail address/,
    ],
    [
      'an empty list of addresses',
      { ...profile({}), notify: { email: [] } },
      /^\$\.notify\.email: expected at least 1 entry$/,
    ],
    [
      'an alias for a key',
      { ...profile({}), encryptionKeys: ['alias/mine'] },
      /^\$\.encryptionKeys\[0\]: expected the ARN of a KMS key/,
    ],
    [
      'a VPC without subnets',
      { ...profile({}), vpc: { vpcId: 'vpc-1' } },
      /^\$\.vpc\.subnetIds: missing; expected an array$/,
    ],
    [
      'a relative pid file',
      profile({ hooks: [{ type: 'signal', pidFile: 'x', targetTag: { key: 'a', value: 'b' } }] }),
      /^\$\.profiles\.internal\.hooks\[0\]\.pidFile: expected an absolute path/,
    ],
    [
      'an unknown hook',
      profile({ hooks: [{ type: 'mail' }] }),
      /^\$\.profiles\.internal\.hooks\[0\]\.type: expected one of "exec", "signal"/,
    ],
  ];
  it.each(table)('%s', (_, input, expected) => {
    const problems = problemsOf(() => validateConfig(input, origin));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it('all problems at once', () => {
    const problems = problemsOf(() =>
      validateConfig({ ...profile({ mode: 'x', expiresIn: 'y', nope: 1 }), maxConcurrency: 0, also: 1 }, origin),
    );
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      '$.maxConcurrency',
      '$.profiles.internal.mode',
      '$.profiles.internal.expiresIn',
      '$.profiles.internal.nope',
      '$.also',
    ]);
  });

  it('all pairs and roots of all profiles at once', () => {
    const profiles = { a: { ca, kty: 'RSA', curve: 'P-256' }, b: { ca: { ...ca, root: 'none.crt' } } };
    const problems = problemsOf(() => validateConfig({ profiles, schedule: 'x' }, origin));
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      '$.schedule',
      '$.profiles.a.curve',
      '$.profiles.b.ca.root',
    ]);
  });
});

describe('root', () => {
  const key =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFNlY3JldFNlY3JldFNlY3JldFNlY3JldFNlY3JldCEh\n-----END PRIVATE KEY-----\n';

  it('is read from a file beside the configuration, and stays PEM text', () => {
    const fromFile = validateConfig(withRoot('root_ca.crt'), origin);
    const fromText = validateConfig(withRoot(rootPem), origin);
    expect(fromFile).toEqual(fromText);
    expect(fromFile.profiles['internal']?.ca).toMatchObject({ root: rootPem });
  });

  it('may be several certificates; text between them is dropped', () => {
    const { profiles } = validateConfig(
      withRoot(`# old\n${rootPem}# new\r\n${rootPem.replaceAll('\n', '\r\n')}`),
      origin,
    );
    expect(profiles['internal']?.ca).toMatchObject({ root: rootPem + rootPem });
  });

  describe('in a file of its own', () => {
    const written = (bytes: string | Uint8Array): string => {
      const file = join(folder, 'root.crt');
      writeFileSync(file, bytes);
      return file;
    };
    const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');
    const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '    ');

    it.each<[string, () => string | Uint8Array]>([
      ['UTF-8 with a byte order mark', () => `\uFEFF${rootPem}`],
      ['UTF-16, little-endian, as PowerShell writes it', () => utf16(rootPem)],
      ['UTF-16, big-endian', () => utf16(rootPem).swap16()],
      ['CRLF behind a byte order mark', () => `\uFEFF${rootPem.replaceAll('\n', '\r\n')}`],
      ['text in Latin-1 before it', () => Buffer.from(`Stammzertifikat f\xfcr alle\n${rootPem}`, 'latin1')],
      ['indented', () => indented(rootPem)],
      ["OpenSSL's old label", () => rootPem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')],
    ])('%s', (_, bytes) => {
      expect(validateConfig(withRoot(written(bytes())), origin).profiles['internal']?.ca).toMatchObject({
        root: rootPem,
      });
    });

    it('may begin with a byte order mark in PEM text', () => {
      expect(validateConfig(withRoot(`\uFEFF${rootPem}`), origin).profiles['internal']?.ca).toMatchObject({
        root: rootPem,
      });
    });

    const root = new X509Certificate(rootPem).raw;
    it.each<[string, () => string | Uint8Array, RegExp]>([
      ['DER', () => root, /root\.crt is DER; expected PEM\. .*: openssl x509 -inform der -in .*root\.crt -out/],
      ['DER of something else', () => Buffer.from('3082ffff0000', 'hex'), /root\.crt is DER; expected PEM/],
      [
        'trust settings of OpenSSL',
        () => rootPem.replaceAll(' CERTIFICATE', ' TRUSTED CERTIFICATE'),
        /contains a block TRUSTED CERTIFICATE \(make it a CERTIFICATE: openssl x509 /,
      ],
      ['an END too many', () => `${rootPem}-----END CERTIFICATE-----\n`, /\(RFC 7468\)$/],
    ])('%s is refused', (_, bytes, expected) => {
      const problems = problemsOf(() => validateConfig(withRoot(written(bytes())), origin));
      expect(problems).toEqual([expect.stringMatching(expected)]);
    });
  });

  it('may have version 1, which has no extensions: its own signature then shows that it is a root', () => {
    const file = '../test/golden/x509/version-1.crt';
    const pem = readFileSync(join(examples, file), 'utf8');
    expect(validateConfig(withRoot(file), origin).profiles['internal']?.ca).toMatchObject({ root: pem });
    const [root, other] = [party('Root'), party('Other')];
    const first = { version: undefined, extensions: [] };
    const pemOf = (der: Uint8Array) => `${encodePem('CERTIFICATE', der)}\n`;
    const own = pemOf(issue(root, root, first).der);
    expect(validateConfig(withRoot(own), origin).profiles['internal']?.ca).toMatchObject({ root: own });
    for (const refused of [
      issue(root, other, first),
      issue(root, party('Root'), first),
      issue(root, root, { extensions: [] }),
    ]) {
      expect(problemsOf(() => validateConfig(withRoot(pemOf(refused.der)), origin))).toEqual([
        expect.stringMatching(/is not a CA certificate/),
      ]);
    }
  });

  it.each([
    ['a file that is not there', 'none.crt', /file none\.crt can't be read \(ENOENT\)/],
    ['a file without PEM', 'cert-renewer.json', /cert-renewer\.json contains no certificate/],
    ['a private key', key, /a block PRIVATE KEY; expected certificates/],
    ['a broken block', '-----BEGIN CERTIFICATE-----\nAAAA\n', /whole PEM blocks/],
    [
      'rubbish in a block',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /certificate 1 of the PEM text does not parse/,
    ],
    [
      "a leaf's certificate",
      '../test/golden/secret/leaf.crt',
      /certificate 1 of the file .*leaf\.crt is not a CA certificate/,
    ],
  ])('%s is refused', (_, root, expected) => {
    const problems = problemsOf(() => validateConfig(withRoot(root), origin));
    expect(problems).toEqual([expect.stringMatching(expected)]);
    expect(problems[0]).toMatch(/^\$\.profiles\.internal\.ca\.root: /);
    expect(problems[0]).not.toContain('U2VjcmV0');
  });
});

describe('the file', () => {
  const write = (text: string) => {
    const file = join(folder, 'cert-renewer.json');
    writeFileSync(file, text);
    return file;
  };

  it('of the examples is valid', () => {
    const config = readConfigFile(join(examples, 'cert-renewer.json'));
    expect(Object.keys(config.profiles)).toEqual(['internal', 'short-lived', 'encrypted-keys']);
    expect(config).not.toHaveProperty('$schema');
  });

  it('that is missing names the first step', () => {
    expect(() => readConfigFile(join(folder, 'none.json'))).toThrow(
      /can't be read \(ENOENT\).*cert-renewer init.*-c config/,
    );
  });

  it.each([
    ['{\n  "a": 1,\n}', /^line 3, column 1: this is not JSON/],
    ['{\n  // why\n  "a": 1 }', /^line 2, column 3: this is not JSON/],
    ['{ "a": 1 ', /^line 1, column \d+: this is not JSON/],
    ['', /^line 1, column 1: this is not JSON/],
    ['{"profiles": {}} x', /^line 1, column 18: this is not JSON/],
    ['{\n "profiles": {},\n "profiles": {}}', /^line 3, column 2: found the key "profiles" twice; expected it once$/],
    [
      '{"profiles": {"a": {}, "b": {"ca": 1, "ca": 2}}}',
      /^line 1, column 39: found the key "ca" twice; expected it once$/,
    ],
    ['{"__proto__": {"profiles": {}}}', /^line 1, column 2: the key "__proto__" is not allowed$/],
    ['['.repeat(200_000), /^\$: the JSON is nested too deeply$|^line 1/],
  ])('%#', (text, expected) => {
    expect(problemsOf(() => readConfigFile(write(text)))[0]).toMatch(expected);
  });

  it('has one problem for one mistake, although it breaks two rules in the same place', () => {
    expect(problemsOf(() => readConfigFile(write('{\n  "a": 1,\n}')))).toEqual([
      'line 3, column 1: this is not JSON (PropertyNameExpected)',
    ]);
  });

  it('may begin with a byte order mark', () => {
    const text = JSON.stringify(withRoot(rootPem));
    expect(readConfigFile(write(`\uFEFF${text}`)).profiles).toHaveProperty('internal');
  });

  it('has all its problems in one message', () => {
    const file = write('{"profiles": {"a": {}}, "x": 1}');
    expect(() => readConfigFile(file)).toThrow(`${file} is not valid:\n  $.profiles.a.ca: missing`);
  });
});

describe('values that only the deployment knows', () => {
  const token = Lazy.string({ produce: () => 'later' });

  it('are accepted', () => {
    const given = {
      profiles: { a: { ca: { type: 'step-ca', url: token, root: token }, expiresIn: token, passwordSecretId: token } },
      encryptionKeys: [token],
      maxConcurrency: Token.asNumber(token),
    };
    expect(validateConfig(given, origin)).toEqual(given);
  });

  it('except for the schedule, which determines the alarms, and unknown keys beside them', () => {
    expect(problemsOf(() => validateConfig({ ...profile({}), schedule: token }, origin))).toEqual([
      expect.stringMatching(/^\$\.schedule: it must be known at synthesis/),
    ]);
    expect(problemsOf(() => validateConfig(profile({ mode: token, bad: token }), origin))).toHaveLength(1);
  });
});
