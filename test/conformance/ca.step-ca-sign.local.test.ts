/** Declared certificates by the real step-ca: what it issues passes the proof, and its refusals are reported. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import type { CaProvider, Clock, IssuedChain } from '../../lambdas/domain/ports.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import type { CaTools } from '../../lambdas/providers/kind.ts';
import { parseAnswer, type VerifiedPair, verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { constraintBase, nameConstraintsOf } from '../../lambdas/x509/extension-values.ts';
import { extendedKeyUsages } from '../../lambdas/x509/extensions.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { formatName } from '../../lambdas/x509/names.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { type PemHierarchy, pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import { jwkProvisioner, type LocalCa, startStepCa } from '../../testkit/cas/step-ca.ts';
import { type KeyKind, makeKey, pkcs8Pem, signCertificate } from '../../testkit/certificates/index.ts';
import { providerFor, rekeyWith, renewWith } from '../../testkit/fakes/asking.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { stepCa } from '../../testkit/tools/go-tools.ts';
import { declared, issueWith, wantedAs } from '../providers/step-ca/declared.ts';
import { describeFound } from '../support/local.ts';
import { caIssuingSuite } from './ca-issuing.ts';

const hour = 3_600_000;
const realClock: Clock = { now: () => Date.now(), sleep: setTimeout };
const entropy = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** step-ca's own template with one changed line. */
const template = (subject: string, usages: string) =>
  `{ "subject": ${subject}, "sans": {{ toJson .SANs }}, "keyUsage": ["digitalSignature"], "extKeyUsage": ${usages} }`;
const both = '["serverAuth", "clientAuth"]';

const keys = {
  'P-256': makeKey('P-256'),
  'P-384': makeKey('P-384'),
  'P-521': makeKey('P-521'),
  'RSA-2048': makeKey('RSA-2048'),
  Ed25519: makeKey('Ed25519'),
} as const satisfies Partial<Record<KeyKind, KeyObject>>;

async function start(more: Parameters<typeof startStepCa>[0] = {}): Promise<LocalCa> {
  const key = keys['P-256'];
  return startStepCa({
    provisioners: await Promise.all([
      ...Object.entries(keys).map(([kind, own]) => jwkProvisioner(kind, own)),
      jwkProvisioner('named', makeKey('P-256')),
      jwkProvisioner('own kid', key, { kid: 'our own' }),
      jwkProvisioner('a day', key, { claims: { minTLSCertDuration: '5m', maxTLSCertDuration: '24h' } }),
      jwkProvisioner('whole subject', key, { template: template('{{ toJson .Insecure.CR.Subject }}', both) }),
      jwkProvisioner('no subject', key, { template: template('{}', both) }),
      jwkProvisioner('other subject', key, { template: template('{"commonName": "another"}', both) }),
      jwkProvisioner('servers', key, { template: template('{{ toJson .Subject }}', '["serverAuth"]') }),
      jwkProvisioner('any use', key, { template: template('{{ toJson .Subject }}', '["any"]') }),
      jwkProvisioner('broken', key, { template: '{ "subject": 5 }' }),
      jwkProvisioner('refusing', key, { template: '{{ fail "not you" }}' }),
    ]),
    ...more,
  });
}

interface Asking extends Partial<CaTools> {
  /** Default: P-256. */
  readonly provisioner?: string;
  /** The key as a secret holds it. Default: that of the provisioner, or P-256 for another name. */
  readonly secret?: string;
  readonly url?: string;
}

function providerAt(ca: LocalCa, asking: Asking = {}): Promise<CaProvider> {
  const { provisioner: name = 'P-256', secret, url = ca.url, ...tools } = asking;
  const store = new FakeStore();
  const own = Object.entries(keys).find(([kind]) => kind === name)?.[1] ?? keys['P-256'];
  store.add({ name: 'provisioner', value: secret ?? pkcs8Pem(own) });
  const configured = { type: 'step-ca', url, root: ca.rootPem, provisioner: { name, keySecretId: 'provisioner' } };
  return providerFor(configured, { clock: realClock, entropy, store, ...tools });
}

/** The proof before a certificate is promoted. */
async function proven(
  provider: CaProvider,
  content: DeclaredContent,
  key: Signer,
  { certificates }: IssuedChain,
): Promise<VerifiedPair> {
  const roots = (await provider.roots()).map(parseCertificate);
  return verifyIssued(parseAnswer(certificates), { wanted: wantedAs(content, key), spki: key.spki, roots }, Date.now());
}

async function issued(
  ca: LocalCa,
  more: Parameters<typeof declared>[0] = {},
  asking: Asking = {},
  key = signerFor(makeKey('P-256')),
): Promise<VerifiedPair> {
  const provider = await providerAt(ca, asking);
  const content = declared(more);
  return proven(provider, content, key, await issueWith(provider, content, key));
}

const found = await stepCa();

describeFound([found], 'declared certificates by a real step-ca', () => {
  let ca: LocalCa;
  beforeAll(async () => {
    ca = await start();
  });
  afterAll(() => ca?.close());

  describe('are issued', () => {
    test.each(Object.entries(keys))('for a provisioner key %s, in a secret and in KMS', async (name, key) => {
      await issued(ca, {}, { provisioner: name });
      const vault = new FakeKeyVault();
      const kmsKeyArn = vault.add({ spec: signerFor(key).keySpec, privateKey: key });
      const configured = { type: 'step-ca', url: ca.url, root: ca.rootPem, provisioner: { name, kmsKeyArn } };
      const provider = await providerFor(configured, { clock: realClock, entropy, vault });
      const own = signerFor(makeKey('P-256'));
      await proven(provider, declared(), own, await issueWith(provider, declared(), own));
    });

    test('for a JWK with the provisioner’s name as its kid', async () => {
      const secret = JSON.stringify({ ...keys['P-256'].export({ format: 'jwk' }), kid: 'our own' });
      await issued(ca, {}, { provisioner: 'own kid', secret });
      await expect(issued(ca, {}, { provisioner: 'own kid' })).rejects.toMatchObject({ code: 'CaRejected' });
    });

    test.each<KeyKind>(['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'Ed25519'])(
      'for a key %s, at hand and in KMS',
      async (kind) => {
        const key = makeKey(kind);
        for (const inKms of [false, true]) {
          const { leaf, warnings } = await issued(ca, {}, {}, signerFor(key, { inKms }));
          expect(Buffer.compare(leaf.spki, signerFor(key).spki)).toBe(0);
          expect(warnings).toEqual([]);
        }
      },
    );

    test.each([
      ['dns:a.example'],
      ['dns:*.a.example'],
      ['dns:xn--bcher-kva.example'],
      ['ip:192.0.2.1'],
      ['ip:2001:db8::1'],
      ["email:O'ps+a%b@example.com"],
      ['uri:spiffe://example.com/a'],
      ['uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
      ['uri:https://host.example:8443/a?b=c#d'],
      [`dns:${'a'.repeat(60)}.${'b'.repeat(60)}.example`],
    ])('with the name %s alone, and beside another', async (name) => {
      for (const names of [[name], ['dns:web.example', name]]) {
        const { leaf } = await issued(ca, { names });
        expect(subjectAltNames(leaf).toSorted()).toEqual(names.toSorted());
      }
    });

    test('with names of every kind', async () => {
      const names = ['dns:a.example', 'dns:*.a.example', 'ip:192.0.2.1', 'ip:2001:db8::1', 'email:a@example.com'];
      const { leaf } = await issued(ca, { names: [...names, 'uri:spiffe://example.com/a'] });
      expect(subjectAltNames(leaf)).toHaveLength(6);
      expect(formatName(leaf.subject)).toBe('CN=a.example');
    });

    test('with many names', async () => {
      const names = Array.from({ length: 100 }, (_, at) => `dns:host-${at}.example`);
      expect(subjectAltNames((await issued(ca, { names })).leaf)).toHaveLength(100);
    });

    test.each([
      ['a common name', 'CN=web.example', 'P-256', 'CN=web.example'],
      ['one that is no name of the certificate', 'CN=The web', 'P-256', 'CN=The web'],
      [
        'a whole subject, by a template that keeps it',
        'CN=web.example,O=Example',
        'whole subject',
        'CN=web.example,O=Example',
      ],
      ['one without a common name, by such a template', 'O=Example,C=CH', 'whole subject', 'O=Example,C=CH'],
      ['a common name that the template leaves out', 'CN=web.example', 'no subject', ''],
    ])('with %s', async (_, subject, provisioner, expected) => {
      const { leaf } = await issued(ca, { subject: parseName(subject, 'It') }, { provisioner });
      expect(formatName(leaf.subject)).toBe(expected);
    });

    test('for the declared duration, or else the CA’s default', async () => {
      for (const [duration, provisioner] of [
        [10 * 60_000, 'P-256'],
        [90 * 24 * hour, 'P-256'],
        [12 * hour, 'a day'],
      ] as const) {
        const before = Math.floor(Date.now() / 1000) * 1000;
        const { leaf, warnings } = await issued(ca, { duration }, { provisioner });
        expect(leaf.notAfter - before).toBeGreaterThanOrEqual(duration);
        expect(leaf.notAfter - Date.now()).toBeLessThanOrEqual(duration);
        expect(warnings).toEqual([]);
      }
      const { leaf } = await issued(ca);
      expect(leaf.notAfter - leaf.notBefore).toBe(24 * hour + 60_000);
    });

    test('with one usage less than declared: a warning', async () => {
      const { leaf, warnings } = await issued(ca, {}, { provisioner: 'servers' });
      expect(extendedKeyUsages(leaf)).toEqual([oids.serverAuth]);
      expect(warnings).toMatchObject([{ code: 'UsageMissing', message: expect.stringMatching(/clientAuth/) }]);
    });

    test('at a url that ends in /1.0', async () => {
      await issued(ca, {}, { url: `${ca.url}/1.0/` });
    });

    test('and are renewed and rekeyed by the same CA', async () => {
      const key = signerFor(makeKey('P-256'));
      const { leaf, chain } = await issued(ca, { duration: hour }, {}, key);
      const provider = await providerAt(ca);
      await setTimeout(1_000); // so that the end is later by a second
      expect((await renewWith(provider, { leaf, chain, key })).certificates).toHaveLength(2);
      const next = signerFor(makeKey('P-256'));
      expect((await rekeyWith(provider, { leaf, chain, key }, next)).certificates).toHaveLength(2);
    });

    test('by a CA that was just restarted', async () => {
      await ca.start();
      await issued(ca);
    });
  });

  describe('are refused by the CA', () => {
    const rejected = (message: RegExp) => ({
      code: 'CaRejected',
      retryable: false,
      message: expect.stringMatching(message),
    });

    test.each<[string, Parameters<typeof declared>[0], Asking, RegExp]>([
      ['a duration above the claim', { duration: 25 * hour }, { provisioner: 'a day' }, /maxTLSCertDuration.*"a day"/],
      ['a duration below the claim', { duration: 60_000 }, { provisioner: 'a day' }, /minTLSCertDuration.*"a day"/],
      ['an unknown provisioner', {}, { provisioner: 'unknown' }, /"unknown"/],
      ["another provisioner's key", {}, { provisioner: 'P-384', secret: pkcs8Pem(keys['P-256']) }, /kid/],
      ['a wrong key', {}, { provisioner: 'named' }, /"named".*kid/],
      ['a provisioner of no key', {}, { provisioner: 'local' }, /JWK/],
      ['a template that is broken', {}, { provisioner: 'broken' }, /template/],
      ['a template that refuses', {}, { provisioner: 'refusing' }, /not you/],
      ['a wrong path', {}, { url: 'pki' }, /404/],
    ])('for %s', async (_, more, asking, message) => {
      const { url } = asking;
      const answer = issued(ca, more, url === undefined ? asking : { url: `${ca.url}/${url}` });
      await expect(answer).rejects.toMatchObject(rejected(message));
    });

    test('for a signature of another key', async () => {
      const own = keys['P-256'];
      // The kid of one key with the signature of another, as in a wrongly copied JWK.
      const { kid } = (await jwkProvisioner('x', own))['key'] as { kid: string };
      const secret = JSON.stringify({ ...makeKey('P-256').export({ format: 'jwk' }), kid });
      await expect(issued(ca, {}, { secret })).rejects.toMatchObject(rejected(/"P-256"/));
    });

    test('for a token that was used before; the next try has another', async () => {
      const same = (length: number) => new Uint8Array(length).fill(7);
      await issued(ca, {}, { entropy: same });
      await expect(issued(ca, {}, { entropy: same })).rejects.toMatchObject(rejected(/401/));
      await issued(ca);
    });

    test('for a token from five minutes ago, but not for a clock that differs by half a minute', async () => {
      const shifted = (by: number): Asking => ({ clock: { ...realClock, now: () => Date.now() + by } });
      await expect(issued(ca, {}, shifted(-7 * 60_000))).rejects.toMatchObject(rejected(/clock/));
      await issued(ca, {}, shifted(30_000));
    });

    test('for a weak key', async () => {
      const weak = signerFor(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
      await expect(issued(ca, {}, {}, weak)).rejects.toMatchObject(rejected(/2048/));
    });

    test("for a name outside of the CA's policy", async () => {
      const strict = await start({ policy: { x509: { allow: { dns: ['*.example'] } } } });
      try {
        await issued(strict);
        for (const name of ['dns:web.other', 'ip:192.0.2.1', 'uri:https://web.example/']) {
          await expect(issued(strict, { names: ['dns:web.example', name] })).rejects.toMatchObject(rejected(/policy/));
        }
      } finally {
        await strict.close();
      }
    });

    test('for a name outside of its name constraints', async () => {
      const constrained = await start({
        hierarchy: withConstraints('dns:example', 'dns:localhost', 'ip:127.0.0.1/32'),
      });
      try {
        await issued(constrained);
        for (const name of ['dns:web.other', 'ip:192.0.2.1']) {
          const answer = issued(constrained, { names: ['dns:web.example', name] });
          await expect(answer).rejects.toMatchObject(rejected(/name constraints/));
        }
      } finally {
        await constrained.close();
      }
    });
  });

  describe('are refused by the proof', () => {
    test.each<[string, Parameters<typeof declared>[0], string, RegExp]>([
      ['a usage that was not declared', { usages: ['serverAuth'] }, 'P-256', /extendedKeyUsage: clientAuth.*template/],
      ['every usage', {}, 'any use', /extendedKeyUsage.*template/],
      [
        'a subject that the template drops',
        { subject: parseName('CN=web.example,O=Example', 'It') },
        'P-256',
        /subject.*O=Example.*template/,
      ],
      ["a subject of the template's own", {}, 'other subject', /subject: "CN=another".*template/],
    ])('for %s', async (_, more, provisioner, message) => {
      await expect(issued(ca, more, { provisioner })).rejects.toMatchObject({
        code: 'CertificateRejected',
        message: expect.stringMatching(message),
      });
    });
  });
});

/** A hierarchy whose intermediate has these constraints. */
function withConstraints(...permitted: string[]): PemHierarchy {
  const { root, intermediate } = pemHierarchy();
  const parsed = ({ certificatePem }: { certificatePem: string }) =>
    parseCertificate(pemBlocks(certificatePem)[0]?.der ?? new Uint8Array());
  const bases = permitted.map(constraintBase).filter((base) => base !== undefined);
  const plain = parsed(intermediate);
  const der = signCertificate(
    {
      ...plain,
      serialNumber: new Uint8Array(randomBytes(16)),
      extensions: [...plain.extensions, nameConstraintsOf(bases, [])],
    },
    { subject: parsed(root).subject, key: createPrivateKey(root.keyPem) },
  );
  return { root, intermediate: { ...intermediate, certificatePem: `${encodePem('CERTIFICATE', der)}\n` } };
}

describeFound([found], 'the suite of all CAs that issue, by a real step-ca', () => {
  caIssuingSuite('step-ca', async () => {
    const ca = await start();
    return {
      now: () => Date.now(),
      provider: await providerAt(ca),
      // step-ca's own template: a common name at most, and both usages, for any declaration.
      ownWays: {
        codes: { weak: 'CaRejected' },
        subject: 'common name',
        usages: ['serverAuth', 'clientAuth'],
        usagesTogether: true,
        tolerance: 5_000,
      },
      close: () => ca.close(),
    };
  });
});
