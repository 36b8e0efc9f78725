/**
 * The requests to step-ca for a declared certificate, and its refusals. With the real one:
 * test/conformance/ca.step-ca-sign.local.test.ts.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, jwtVerify } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { CaProvider } from '../../../lambdas/domain/ports.ts';
import type { DeclaredContent } from '../../../lambdas/domain/wanted.ts';
import { needsOf } from '../../../lambdas/providers/index.ts';
import { stepCa } from '../../../lambdas/providers/step-ca/kind.ts';
import { parseName } from '../../../lambdas/x509/name-text.ts';
import { type KeyKind, makeKey, pkcs8Pem } from '../../../testkit/certificates/index.ts';
import { providerFor } from '../../../testkit/fakes/asking.ts';
import { FakeClock } from '../../../testkit/fakes/clock.ts';
import { FakeKeyVault } from '../../../testkit/fakes/key-vault.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { FakeStore } from '../../../testkit/fakes/store.ts';
import { rootPem } from '../../../testkit/fakes/tls-server.ts';
import { declared, issueWith } from './declared.ts';
import { type Answer, type MockCa, mockCa, now, success } from './mock-ca.ts';

const open: MockCa[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((ca) => ca.close()));
});

async function started(answers: Parameters<typeof mockCa>[0]): Promise<MockCa> {
  const ca = await mockCa(answers);
  open.push(ca);
  return ca;
}

const leafKey = makeKey('P-256');
const issued: Answer = [201, success(leafKey)];
const refused = (status: number, message: string): Answer => [status, { status, message }];
const forbidden = 'The request was forbidden by the certificate authority:';
const unauthorized =
  'The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info.';

const jwkOf = async (key: KeyObject) => JSON.stringify(await exportJWK(key));
const thumbprint = async (key: KeyObject) => calculateJwkThumbprint(await exportJWK(createPublicKey(key)));

/** A provider whose provisioner's key is in a secret. */
function withSecret(ca: MockCa, value: Parameters<FakeStore['write']>[1], path = ''): CaProvider {
  const store = new FakeStore();
  store.add({ name: 'provisioner', value });
  return ca.provider({ path, provisioner: { name: 'renewer', keySecretId: 'provisioner' } }, { store });
}

const issue = (provider: CaProvider, content: DeclaredContent = declared()) =>
  issueWith(provider, content, signerFor(leafKey));

const bodyOf = (ca: MockCa, at = 0): { csr: string; ott: string; notAfter?: string } =>
  JSON.parse(ca.asked.at(at)?.body ?? '');

describe('a declared certificate is requested', () => {
  test.each<KeyKind>(['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'])(
    'with a token that a provisioner key %s has signed, in a secret and in KMS',
    async (kind) => {
      const key = makeKey(kind);
      const ca = await started([issued]);
      const vault = new FakeKeyVault();
      const kmsKeyArn = vault.add({ spec: signerFor(key).keySpec, privateKey: key });
      await issue(withSecret(ca, pkcs8Pem(key)));
      await issue(ca.provider({ provisioner: { name: 'renewer', kmsKeyArn } }, { vault }));
      expect(ca.asked).toHaveLength(2);
      for (const at of [0, 1]) {
        const { ott } = bodyOf(ca, at);
        const { payload, protectedHeader } = await jwtVerify(ott, createPublicKey(key), { currentDate: new Date(now) });
        expect(protectedHeader.kid).toBe(await thumbprint(key));
        expect(payload).toEqual({
          iss: 'renewer',
          aud: `${ca.url}/1.0/sign`,
          sub: 'web.example',
          sans: ['web.example'],
          cnf: { 'x5rt#S256': expect.stringMatching(/^[\w-]{43}$/) },
          jti: expect.stringMatching(/^[0-9a-f]{32}$/),
          iat: now / 1000,
          nbf: now / 1000 - 30,
          exp: now / 1000 + 300,
        });
      }
    },
  );

  test.each([
    ['', '/1.0/sign'],
    ['/1.0/', '/1.0/sign'],
    ['/pki', '/pki/1.0/sign'],
  ])('at a url with the path "%s" at %s', async (path, asked) => {
    const ca = await started([issued]);
    await issue(withSecret(ca, pkcs8Pem(makeKey()), path));
    expect(ca.asked).toMatchObject([{ path: asked, token: undefined, client: undefined }]);
  });

  test('until the end of its duration; without one until the CA’s default', async () => {
    const ca = await started([issued]);
    const provider = withSecret(ca, pkcs8Pem(makeKey()));
    await issue(provider, declared({ duration: 90_000_000 }));
    await issue(provider);
    expect(bodyOf(ca, 0).notAfter).toBe('25h'); // by the CA's clock, not by ours
    expect(bodyOf(ca, 1)).not.toHaveProperty('notAfter');
  });

  test.each<[string, Partial<DeclaredContent>, string]>([
    ['its common name', { subject: parseName('O=Example,CN=The web', 'It') }, 'The web'],
    ['its first name without one', { names: ['ip:192.0.2.1', 'dns:b.example'] }, '192.0.2.1'],
    ['its first name beside another subject', { subject: parseName('O=Example', 'It') }, 'web.example'],
    ['the first that fits', { names: [`dns:${'a'.repeat(60)}.example`, 'dns:b.example'] }, 'b.example'],
    ['a long one if none fits', { names: [`dns:${'a'.repeat(60)}.example`] }, `${'a'.repeat(60)}.example`],
  ])('with a token for %s', async (_, more, sub) => {
    const ca = await started([issued]);
    await issue(withSecret(ca, pkcs8Pem(makeKey())), declared(more));
    expect(payloadOf(bodyOf(ca).ott)).toMatchObject({
      sub,
      sans: declared(more).names.map((name) => name.replace(/^\w+:/, '')),
    });
  });

  test('with a new token for each try: on a connection that has died, and when the CA is busy', async () => {
    const ca = await started([issued, (response) => response.socket?.destroy(), refused(429, 'later'), issued]);
    const store = new FakeStore();
    store.add({ name: 'provisioner', value: pkcs8Pem(makeKey()) });
    const clock = new FakeClock(now);
    const policy = { patience: { clock, entropy: (length: number) => new Uint8Array(length) } };
    const provisioner = { name: 'renewer', keySecretId: 'provisioner' };
    const provider = ca.provider({ provisioner }, { store, clock, policy });
    await issue(provider);
    await issue(provider);
    expect(ca.asked).toHaveLength(4);
    expect(new Set(ca.asked.map((_, at) => payloadOf(bodyOf(ca, at).ott)['jti'])).size).toBe(4);
  });

  test('never without a provisioner', async () => {
    const ca = await started([issued]);
    await expect(issue(ca.provider())).rejects.toMatchObject({
      code: 'IssuanceNotAllowed',
      message: expect.stringMatching(/provisioner/),
    });
    expect(ca.asked).toHaveLength(0);
  });

  test("never if KMS refuses the provisioner's key", async () => {
    const ca = await started([issued]);
    const vault = new FakeKeyVault();
    const kmsKeyArn = vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    vault.setEnabled(kmsKeyArn, false);
    const provider = ca.provider({ provisioner: { name: 'renewer', kmsKeyArn } }, { vault });
    await expect(issue(provider)).rejects.toMatchObject({ code: 'KmsDenied' });
    expect(ca.asked).toHaveLength(0);
  });
});

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

describe("the provisioner's key in a secret", () => {
  const ec = makeKey('P-384');
  const rsa = makeKey('RSA-2048');
  const pem = (key: KeyObject, type: 'sec1' | 'pkcs1') => key.export({ type, format: 'pem' }).toString();

  test.each<[string, () => Promise<string> | string, KeyObject]>([
    ['PKCS#8', () => pkcs8Pem(ec), ec],
    ['SEC1', () => pem(ec, 'sec1'), ec],
    [
      'SEC1 behind its curve',
      () => `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${pem(ec, 'sec1')}`,
      ec,
    ],
    ['PKCS#1', () => pem(rsa, 'pkcs1'), rsa],
    ['PEM on one line', () => pkcs8Pem(ec).replaceAll('\n', ' '), ec],
    ['a JWK', () => jwkOf(ec), ec],
    ['a JWK of RSA, between newlines', async () => `\n${await jwkOf(rsa)}\n`, rsa],
  ])('may be %s', async (_, text, key) => {
    const ca = await started([issued]);
    await issue(withSecret(ca, await text()));
    await issue(withSecret(ca, { kind: 'binary', bytes: new Uint8Array(Buffer.from(await text())) }));
    for (const at of [0, 1]) {
      const { ott } = bodyOf(ca, at);
      await jwtVerify(ott, createPublicKey(key), { currentDate: new Date(now) });
      expect(decodeProtectedHeader(ott).kid).toBe(await thumbprint(key));
    }
  });

  test('a JWK with a kid keeps it', async () => {
    const ca = await started([issued, refused(401, unauthorized)]);
    const provider = withSecret(ca, JSON.stringify({ ...(await exportJWK(ec)), kid: 'our own' }));
    await issue(provider);
    expect(decodeProtectedHeader(bodyOf(ca).ott).kid).toBe('our own');
    await expect(issue(provider)).rejects.toMatchObject({ message: expect.not.stringMatching(/our own/) });
  });

  test('is read again for each certificate', async () => {
    const ca = await started([issued]);
    const store = new FakeStore();
    store.add({ name: 'provisioner', value: pkcs8Pem(ec) });
    const provider = ca.provider({ provisioner: { name: 'renewer', keySecretId: 'provisioner' } }, { store });
    await issue(provider);
    store.write('provisioner', pkcs8Pem(rsa));
    await issue(provider);
    expect(decodeProtectedHeader(bodyOf(ca, 1).ott)).toMatchObject({ alg: 'RS256', kid: await thumbprint(rsa) });
  });

  const encrypted = (text: string) => ({
    text,
    code: 'PasswordRequired',
    says: /encrypted.*openssl pkey.*step crypto/,
  });
  const other = (text: string, says: RegExp) => ({ text, code: 'UnsupportedSecret', says });
  const sealing = { cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  const jwe = 'eyJhbGciOiJQQkVTMiJ9.a2V5.aXY.c2VjcmV0c2VjcmV0.dGFn';

  test.each<[string, ReturnType<typeof other>]>([
    ['encrypted PKCS#8', encrypted(ec.export({ type: 'pkcs8', format: 'pem', ...sealing }).toString())],
    ['encrypted SEC1', encrypted(ec.export({ type: 'sec1', format: 'pem', ...sealing }).toString())],
    ['a JWE, compact', encrypted(jwe)],
    ['a JWE in JSON', encrypted('{"protected":"eyJ","ciphertext":"c2VjcmV0c2VjcmV0","tag":"x"}')],
    ['a public JWK', other('{"kty":"EC","crv":"P-256","x":"c2VjcmV0","y":"c2VjcmV0"}', /public half/)],
    ['a broken JWK', other('{"kty":"EC","crv":"P-256","x":"c2VjcmV0","y":"c2VjcmV0","d":"c2VjcmV0"}', /known kind/)],
    ['a symmetric JWK', other('{"kty":"oct","k":"c2VjcmV0","d":"c2VjcmV0"}', /known kind/)],
    ['another JSON', other('{"password":"c2VjcmV0"}', /not a JWK/)],
    ['broken JSON', other('{"kty":"EC","d":"c2VjcmV0"', /not a JWK/)],
    ['a word', other('c2VjcmV0', /0 private keys/)],
    ['a public key', other(createPublicKey(ec).export({ type: 'spki', format: 'pem' }).toString(), /0 private keys/)],
    ['two keys', other(pkcs8Pem(ec) + pkcs8Pem(rsa), /2 private keys/)],
    ['a broken block', other('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n', /without a key/)],
    ['a key of another kind', other(pkcs8Pem(generateKeyPairSync('ed448').privateKey), /ed448/)],
  ])('that is %s is refused, and never quoted', async (_, { text, code, says }) => {
    const ca = await started([issued]);
    const error = await issue(withSecret(ca, text)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(says), retryable: false });
    expect(String((error as RenewalError).stack)).not.toMatch(/c2VjcmV0/);
    expect(ca.asked).toHaveLength(0);
  });

  test('that is missing is not reported as the certificate’s secret', async () => {
    const ca = await started([issued]);
    const provider = ca.provider({ provisioner: { name: 'renewer', keySecretId: 'gone' } });
    await expect(issue(provider)).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/keySecretId/),
    });
  });
});

describe('a refusal', () => {
  const key = makeKey('P-256');

  test.each<[string, Answer, string, RegExp]>([
    [
      'a duration above the claim',
      refused(
        403,
        `${forbidden} requested duration of 25h1m0s is more than the authorized maximum certificate duration of 24h1m0s.`,
      ),
      'CaRejected',
      /25h1m0s.*maxTLSCertDuration.*"renewer"/,
    ],
    [
      'a duration below the claim',
      refused(
        403,
        `${forbidden} requested duration of 2m0s is less than the authorized minimum certificate duration of 5m0s.`,
      ),
      'CaRejected',
      /minTLSCertDuration/,
    ],
    [
      'a name outside of the policy',
      refused(403, `${forbidden} dns name "a.other" not allowed`),
      'CaRejected',
      /a\.other.*declaration.*policy/,
    ],
    [
      'a name outside of a constraint',
      refused(403, 'DNS name "a.other" is not permitted by any constraint'),
      'CaRejected',
      /a\.other.*name constraints/,
    ],
    ['another 403', refused(403, `${forbidden} no`), 'CaRejected', /webhook/],
    [
      'a template that fails',
      refused(500, 'error applying certificate template'),
      'CaRejected',
      /template of the provisioner "renewer"/,
    ],
    [
      'a template that refuses',
      refused(400, 'The request could not be completed: not you.'),
      'CaRejected',
      /not you.*template/,
    ],
    ['a wrong path', refused(404, 'not found'), 'CaRejected', /path in the url/],
    [
      'another 500',
      refused(500, 'The certificate authority encountered an Internal Server Error.'),
      'CaUnavailable',
      /500/,
    ],
    ['503 of a proxy', [503, '<html>'], 'CaUnavailable', /proxy/],
    ['another server', [200, '<html>'], 'CaRejected', /so it is not step-ca's/],
    ['a redirect', [302, ''], 'CaRejected', /Redirects/],
    ['an answer that breaks off', (response) => response.socket?.destroy(), 'CaUnavailable', /reached/],
  ])('%s', async (_, answer, code, message) => {
    const ca = await started([answer]);
    await expect(issue(withSecret(ca, pkcs8Pem(key)))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      retryable: code === 'CaUnavailable',
    });
  });

  test('of the token names provisioner and key, and nothing of the token', async () => {
    const ca = await started([(response) => response.writeHead(401).end(JSON.stringify({ message: bodyOf(ca).ott }))]);
    const error = await issue(withSecret(ca, pkcs8Pem(key))).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CaRejected', retryable: false });
    const { message } = error as RenewalError;
    expect(message).toMatch(/"renewer".*JWK.*dnsNames/);
    expect(message).toContain(await thumbprint(key));
    expect(message).not.toContain(bodyOf(ca).ott.slice(0, 60));
    expect(message).not.toContain(bodyOf(ca).ott.slice(-40));
  });
});

describe('the configuration', () => {
  const base = { type: 'step-ca', url: 'https://ca.example', root: rootPem };
  const kmsKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001';

  test.each<[string, unknown, RegExp]>([
    ['neither key', { name: 'renewer' }, /kmsKeyArn.*keySecretId.*not both/],
    ['both keys', { name: 'renewer', kmsKeyArn, keySecretId: 'x' }, /not both/],
    ['an alias', { name: 'renewer', kmsKeyArn: 'alias/x' }, /ARN of a KMS key/],
    ['no name', { name: '', keySecretId: 'x' }, /small|short|>=1/],
    ['another field', { name: 'renewer', keySecretId: 'x', kid: 'x' }, /kid/],
  ])('with %s is refused', (_, provisioner, says) => {
    const parsed = stepCa.schema.safeParse({ ...base, provisioner });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toMatch(says);
  });

  test('with a provisioner issues, is the same CA, and needs its key', async () => {
    const inKms = { ...base, provisioner: { name: 'renewer', kmsKeyArn } };
    const inSecret = { ...base, provisioner: { name: 'renewer', keySecretId: 'key' } };
    expect([base, inKms, inSecret].map(stepCa.issues)).toEqual([false, true, true]);
    expect((await providerFor(inSecret)).issues).toBe(true);
    expect(stepCa.identity(inKms)).toEqual(stepCa.identity(base));
    expect([base, inKms, inSecret].map(needsOf)).toEqual([
      { secrets: [], signingKeys: [] },
      { secrets: [], signingKeys: [kmsKeyArn] },
      { secrets: ['key'], signingKeys: [] },
    ]);
    expect(needsOf({ ...base, provisioner: { resolve: () => 'later' } })).toEqual({ secrets: [], signingKeys: [] });
  });
});
