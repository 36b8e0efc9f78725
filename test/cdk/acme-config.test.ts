/** Profiles of type acme, and certificates declared in them: what synthesis refuses, and where. */
import { Lazy } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { examples, rootPem } from './fixtures.ts';

const endpoint = 'arn:aws:acm:eu-central-1:111122223333:acme-endpoint/12345678-1234';
const binding = `${endpoint}/acme-external-account-binding/abcdef01-1234`;
const zones = { 'example.com': 'Z0123456789ABCDEFGHIJ', 'svc.example': 'Z9876543210ABCDEFGHIJ' };
const letsEncrypt = {
  type: 'acme',
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  challenge: { type: 'dns-01', zones },
};
const acm = { type: 'acme', acmEndpoint: endpoint, challenge: { type: 'none' } };
const issue = {
  allow: [
    'dns:example.com',
    'dns:svc.example',
    'dns:other.example',
    'ip:10.0.0.0/8',
    'email:example.com',
    'uri:.example.com',
  ],
};

/** Returns the paths and messages of the mistakes; the configuration, if there are none. */
function read(ca: object, profile: object = {}, certificate?: object) {
  const entry = certificate && { profile: 'public', ...certificate };
  const input = {
    profiles: { public: { ca, issue, ...profile } },
    ...(entry && { certificates: { 'web/tls': entry } }),
  };
  try {
    return { config: validateConfig(input, { source: 'test', baseDirectory: examples }), problems: [] };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return { problems: thrown.problems.map(({ path, message }) => `${path}: ${message}`) };
  }
}

const ca = '$.profiles.public.ca';

describe('a refused CA', () => {
  it.each<[string, object, string, RegExp]>([
    ['neither directory nor endpoint', { ...letsEncrypt, directory: undefined }, ca, /directory .* or acmEndpoint/],
    ['directory and endpoint', { ...letsEncrypt, acmEndpoint: endpoint }, ca, /not both/],
    ['http', { ...letsEncrypt, directory: 'http://ca.example/directory' }, `${ca}.directory`, /https/],
    ['an id as endpoint', { ...acm, acmEndpoint: '12345678-1234' }, `${ca}.acmEndpoint`, /arn:aws:acm:.*acme-endpoint/],
    [
      'the ARN of a certificate',
      { ...acm, acmEndpoint: endpoint.replace('acme-endpoint', 'certificate') },
      `${ca}.acmEndpoint`,
      /ARN/,
    ],
    [
      'two account bindings',
      { ...acm, eabSecretId: 'pki/eab', eabBinding: binding },
      ca,
      /eabSecretId .* or eabBinding .*not both/,
    ],
    ['an endpoint as binding', { ...acm, eabBinding: endpoint }, `${ca}.eabBinding`, /acme-external-account-binding/],
    [
      'the binding of another endpoint',
      { ...acm, eabBinding: binding.replace('12345678', '99999999') },
      ca,
      /binding of acmEndpoint/,
    ],
    ['an address that is no URL', { ...letsEncrypt, contact: ['ops@example.com'] }, `${ca}.contact[0]`, /mailto:/],
    [
      'a telephone number',
      { ...letsEncrypt, contact: ['mailto:ops@example.com', 'tel:+1'] },
      `${ca}.contact[1]`,
      /mailto:/,
    ],
    [
      'two addresses in one',
      { ...letsEncrypt, contact: ['mailto:a@example.com,b@example.com'] },
      `${ca}.contact[0]`,
      /one address/,
    ],
    ['an alias as account key', { ...acm, accountKeyArn: 'alias/acme' }, `${ca}.accountKeyArn`, /ARN of a KMS key/],
    ['no challenge', { ...acm, challenge: undefined }, `${ca}.challenge`, /missing/],
    [
      'http-01',
      { ...acm, challenge: { type: 'http-01' } },
      `${ca}.challenge.type`,
      /"dns-01", "dns-persist-01", "none"/,
    ],
    ['dns-01 without zones', { ...acm, challenge: { type: 'dns-01' } }, `${ca}.challenge.zones`, /missing/],
    ['no zone', { ...acm, challenge: { type: 'dns-01', zones: {} } }, `${ca}.challenge.zones`, /at least one/],
    [
      'zones with another challenge',
      { ...acm, challenge: { type: 'none', zones } },
      `${ca}.challenge.zones`,
      /unknown key/,
    ],
    [
      'a wildcard as domain',
      dns01({ '*.example.com': 'Z0123' }),
      `${ca}.challenge.zones["*.example.com"]`,
      /without a wildcard/,
    ],
    ['a domain in upper case', dns01({ 'Example.com': 'Z0123' }), `${ca}.challenge.zones["Example.com"]`, /lower case/],
    [
      'a domain with a period at its end',
      dns01({ 'example.com.': 'Z0123' }),
      `${ca}.challenge.zones["example.com."]`,
      /period at its end/,
    ],
    [
      'an id with its kind',
      dns01({ 'example.com': '/hostedzone/Z0123' }),
      `${ca}.challenge.zones["example.com"]`,
      /without "\/hostedzone\/"/,
    ],
    ['a root that is not there', { ...acm, root: 'nowhere.pem' }, `${ca}.root`, /nowhere\.pem can't be read/],
    [
      'a root of TLS that is not there',
      { ...acm, serverRoot: 'nowhere.pem' },
      `${ca}.serverRoot`,
      /nowhere\.pem can't be read/,
    ],
    ['an address of another CA', { ...acm, url: 'https://ca.example' }, `${ca}.url`, /unknown key/],
  ])('%s', (_, input, path, message) => {
    const { problems } = read(JSON.parse(JSON.stringify(input)));
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });

  function dns01(own: Record<string, string>) {
    return { ...letsEncrypt, challenge: { type: 'dns-01', zones: own } };
  }
});

const profile = '$.profiles.public';

describe('a refused setting of the profile', () => {
  it.each<[string, object, object, string, RegExp]>([
    [
      'a duration, which the CA decides',
      letsEncrypt,
      { issue: { ...issue, duration: '720h' } },
      `${profile}.issue.duration`,
      /acmeProfile/,
    ],
    ['Ed25519 at ACM', acm, { kty: 'OKP' }, `${profile}.kty`, /RSA 2048, EC P-256 and EC P-384/],
    ['P-521 at ACM', acm, { kty: 'EC', curve: 'P-521' }, `${profile}.curve`, /RSA 2048/],
    ['RSA 4096 at ACM', acm, { kty: 'RSA', size: 4096 }, `${profile}.size`, /RSA 2048/],
  ])('%s', (_, own, fields, path, message) => {
    const { problems } = read(own, fields);
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });
});

const entry = '$.certificates["web/tls"]';

describe('a refused certificate', () => {
  it.each<[string, object, object, string, RegExp]>([
    ['a duration', acm, { dnsNames: ['example.com'], duration: '720h' }, `${entry}.duration`, /acmeProfile/],
    ['an e-mail address', acm, { emails: ['a@example.com'] }, `${entry}.emails[0]`, /RFC 8738/],
    [
      'a URI',
      letsEncrypt,
      { dnsNames: ['example.com'], uris: ['spiffe://web.example.com/a'] },
      `${entry}.uris[0]`,
      /RFC 8738/,
    ],
    ['an address with dns-01', letsEncrypt, { ipAddresses: ['10.0.0.7'] }, `${entry}.ipAddresses[0]`, /dns-01/],
    [
      'a name outside of the zones',
      letsEncrypt,
      { dnsNames: ['example.com', 'www.other.example'] },
      `${entry}.dnsNames[1]`,
      /outside of the zones.* example\.com, svc\.example$/,
    ],
    [
      'a wildcard outside of the zones',
      letsEncrypt,
      { dnsNames: ['*.other.example'] },
      `${entry}.dnsNames[0]`,
      /outside of the zones/,
    ],
    [
      'a name that only ends like a zone',
      { ...letsEncrypt, challenge: { type: 'dns-01', zones: { 'ample.com': 'Z0123' } } },
      { dnsNames: ['example.com'] },
      `${entry}.dnsNames[0]`,
      /outside of the zones/,
    ],
    ['Ed25519 at ACM', acm, { dnsNames: ['example.com'], kty: 'OKP' }, `${entry}.kty`, /ACM/],
    ['P-521 at ACM', acm, { dnsNames: ['example.com'], kty: 'EC', curve: 'P-521' }, `${entry}.curve`, /ACM/],
  ])('%s', (_, own, fields, path, message) => {
    const { problems } = read(own, {}, fields);
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });
});

describe('what is accepted', () => {
  it.each<[string, object, object, object]>([
    [
      'apex, wildcard and a name of another zone',
      letsEncrypt,
      {},
      { dnsNames: ['example.com', '*.example.com', 'a.b.SVC.example'] },
    ],
    [
      'an address with another challenge',
      { ...letsEncrypt, challenge: { type: 'dns-persist-01' } },
      {},
      { ipAddresses: ['10.0.0.7'] },
    ],
    ['the longest duration', letsEncrypt, { issue: { ...issue, maxDuration: '2400h' } }, { dnsNames: ['example.com'] }],
    ['other usages', letsEncrypt, {}, { dnsNames: ['example.com'], usages: ['serverAuth', 'clientAuth'] }],
    ['Ed25519 at another CA', letsEncrypt, { kty: 'OKP' }, { dnsNames: ['example.com'], kty: 'EC', curve: 'P-521' }],
    ['the keys of ACM', acm, { kty: 'RSA' }, { dnsNames: ['example.com'], kty: 'EC', curve: 'P-384' }],
    ['a binding of ACM', { ...acm, eabBinding: binding }, {}, { dnsNames: ['example.com'] }],
    [
      'the id of a zone that the CDK has not looked up yet',
      { ...letsEncrypt, challenge: { type: 'dns-01', zones: { 'example.com': 'DUMMY' } } },
      {},
      { dnsNames: ['example.com'] },
    ],
    [
      'every field',
      {
        ...letsEncrypt,
        ...{ agreeToTerms: true, contact: ['mailto:ops@example.com'], acmeProfile: 'tlsserver' },
        ...{ preferredChain: 'ISRG Root X2', eabSecretId: 'pki/eab', root: 'root_ca.crt', serverRoot: 'root_ca.crt' },
        accountKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-123456789001',
      },
      {},
      { dnsNames: ['example.com'] },
    ],
  ])('%s', (_, own, fields, certificate) => {
    expect(read(own, fields, certificate).problems).toEqual([]);
  });

  it('tokens, as the ids and ARNs of what the app makes', () => {
    const later = () => Lazy.string({ produce: () => 'later' });
    const own = { type: 'acme', acmEndpoint: later(), eabBinding: later(), accountKeyArn: later() };
    const dns01 = { ...letsEncrypt, challenge: { type: 'dns-01', zones: { 'example.com': later() } } };
    expect(read({ ...own, challenge: { type: 'none' } }).problems).toEqual([]);
    expect(read({ ...acm, eabBinding: later() }).problems).toEqual([]);
    expect(read(dns01, {}, { dnsNames: ['www.example.com', later()] }).problems).toEqual([]);
    const outside = read(dns01, {}, { dnsNames: [later(), 'www.other.example'], duration: later() }).problems;
    expect(outside.map((problem) => problem.split(': ')[0])).toEqual([`${entry}.dnsNames[1]`, `${entry}.duration`]);
  });

  it('roots in files, each by its field, become PEM text', () => {
    const { config } = read({ ...acm, root: 'root_ca.crt', serverRoot: rootPem });
    expect(config?.profiles['public']?.ca).toMatchObject({
      root: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
      serverRoot: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
    });
    expect(read(acm).config?.profiles['public']?.ca).toEqual(acm);
  });
});
