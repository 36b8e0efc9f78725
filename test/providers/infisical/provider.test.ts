import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openInfisical } from '../../../lambdas/providers/infisical/index.ts';
import { infisical } from '../../../lambdas/providers/infisical/kind.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { commonNameOnly, makeKey, makeLeaf, pem } from '../../../testkit/certificates/index.ts';
import { providerOf, rekeyWith, renewWith } from '../../../testkit/fakes/asking.ts';
import {
  type Answer,
  ca,
  credential,
  day,
  type FakeInfisical,
  login,
  loginPath,
  newPath,
  now,
  oldPath,
  success,
} from '../../../testkit/fakes/infisical.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { rootPem } from '../../../testkit/fakes/tls-server.ts';
import { renew, servers } from './servers.ts';

const { started } = servers();

test("the calls of a renewal have ten seconds together, by the system's clock", async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout');
  onTestFinished(() => timeout.mockRestore());
  const fake = await started();
  const store = { read: async () => ({ versionId: 'v1', value: fake.secret, createdAt: now }) };
  const ca = { url: fake.url, caId: 'ca-1', root: rootPem, authSecretId: 'infisical/auth' };
  await renew(providerOf(infisical, openInfisical(ca), { store }));
  expect(fake.paths()).toEqual([loginPath, newPath]);
  expect(timeout.mock.calls).toEqual([[10_000]]);
});

test('the check logs in, and nothing is renewed', async () => {
  const fake = await started();
  await fake.provider().answers?.();
  expect(fake.paths()).toEqual([loginPath]);
  fake.secret = { kind: 'string', text: JSON.stringify({ ...login, clientSecret: 'another' }) };
  await expect(fake.provider().answers?.()).rejects.toMatchObject({ code: 'CaRejected' });
});

test('a permanent refusal is reported in advance, with the same code and without a request', async () => {
  const fake = await started();
  const provider = fake.provider();
  const key = makeKey('P-256');
  const dates = { notBefore: now - day, notAfter: now + day };
  const leaf = parseCertificate(makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...dates }, ca));
  const ofLeaf = { leaf, chain: [], key: signerFor(key) };
  const options = { now, lasting: true };
  for (const [current, operation] of [
    [ofLeaf, 'renew'],
    [ofLeaf, 'rekey'],
    [credential(), 'rekey'],
  ] as const) {
    const real = operation === 'renew' ? renewWith(provider, current) : rekeyWith(provider, current, signerFor(key));
    await expect(real).rejects.toMatchObject({ code: 'InvalidRequest' });
    await expect(provider.checkFitness?.(current, operation, options)).rejects.toMatchObject({
      code: 'InvalidRequest',
    });
  }
  await provider.checkFitness?.(credential(), 'renew', options);
  expect(fake.asked).toEqual([]);
});

describe('a renewal', () => {
  test('logs in, and asks for the present certificate’s validity again, in milliseconds and Z', async () => {
    const fake = await started();
    const { certificates } = await renew(fake.provider());
    const notAfter = new Date(now + 365 * day).toISOString();
    expect(notAfter).toMatch(/\.123Z$/);
    expect(fake.asked).toMatchObject([
      { method: 'POST', path: loginPath, body: login },
      { method: 'POST', path: newPath, body: { type: 'existing', notAfter } },
    ]);
    expect(Object.keys(fake.asked[1]?.body ?? {})).toEqual(['type', 'notAfter']);
    expect(fake.asked[0]?.headers.authorization).toBeUndefined();
    expect(fake.asked[1]?.headers).toMatchObject({
      authorization: 'Bearer access-token-1',
      'content-type': 'application/json',
    });
    const [leaf, root, ...more] = certificates.map(parseCertificate);
    expect(leaf?.notAfter).toBe(now + 365 * day - 123);
    expect(leaf?.spki).toEqual(credential().leaf.spki);
    expect(root?.der).toEqual(ca.root);
    expect(more).toEqual([]);
  });

  test('of a root has an empty chain', async () => {
    const fake = await started();
    const own = pem(ca.root);
    fake.answers = ({ path }) => (path === loginPath ? undefined : [200, { certificate: own, certificateChain: '' }]);
    expect((await renew(fake.provider())).certificates).toEqual([ca.root]);
  });

  test.each<[string, Partial<Parameters<FakeInfisical['provider']>[0]>, string]>([
    ['the new path', {}, newPath],
    ['the old path', { apiPath: '/api/v1/pki/ca/{caId}/renew' }, oldPath],
    ['the old path, its beginning', { apiPath: '/api/v1/pki/ca' }, oldPath],
    ['the new path, its beginning', { apiPath: '/api/v1/cert-manager/ca/internal/' }, newPath],
  ])('by %s', async (_, options, path) => {
    const fake = await started();
    await renew(fake.provider(options));
    expect(fake.paths()).toEqual([loginPath, path]);
  });

  test('with the old path if the new one is unknown; but an unknown apiPath is an error', async () => {
    const fake = await started({ knows: [oldPath] });
    await renew(fake.provider());
    expect(fake.paths()).toEqual([loginPath, newPath, oldPath]);
    const chosen = fake.provider({ apiPath: '/api/v1/cert-manager/ca/internal/{caId}/renew' });
    await expect(renew(chosen)).rejects.toMatchObject({
      code: 'CaRejected',
      message: expect.stringMatching(/Route POST/),
    });
    expect(fake.paths().slice(3)).toEqual([loginPath, newPath]);
  });

  test('of an unknown CA reports Infisical’s message about the CA, not about the route', async () => {
    const fake = await started({ knows: [newPath] });
    fake.answers = ({ path }) => (path === newPath ? [404, { message: "CA with ID 'ca-1' not found" }] : undefined);
    await expect(renew(fake.provider())).rejects.toMatchObject({ message: expect.stringMatching(/CA with ID/) });
  });

  test.each([
    ['a/../../auth', 'a%2F..%2F..%2Fauth'],
    ['ä ?#%', '%C3%A4%20%3F%23%25'],
    ['$&', '%24%26'],
  ])('encodes the caId %j', async (caId, encoded) => {
    const path = oldPath.replace('ca-1', encoded);
    const fake = await started({ knows: [`/proxied${path}`] });
    fake.answers = ({ path: asked }) => (asked.endsWith(loginPath) ? [200, { accessToken: 't' }] : [200, success(now)]);
    const apiPath = '/api/v1/pki/ca/{caId}/renew';
    await renew(fake.provider({ caId, apiPath, url: `${fake.url}/proxied/` }));
    expect(fake.paths()).toEqual([`/proxied${loginPath}`, `/proxied${path}`]);
  });

  test('of something that is no CA certificate sends no request', async () => {
    const fake = await started();
    const key = makeKey('P-256');
    const dates = { notBefore: now - day, notAfter: now + day };
    const leaf = parseCertificate(makeLeaf({ key, subject: commonNameOnly('leaf'), ...dates }, ca));
    const current = { leaf, chain: [], key: signerFor(key) };
    await expect(renewWith(fake.provider(), current)).rejects.toMatchObject({ code: 'InvalidRequest' });
    await expect(rekeyWith(fake.provider(), current, signerFor(key))).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(/mode renew/),
    });
    expect(fake.asked).toEqual([]);
  });
});

describe('the access token', () => {
  test('is kept until its end, with a margin', async () => {
    const fake = await started();
    const provider = fake.provider();
    const minute = 60_000;
    for (const at of [now, now + minute, now + 119 * minute - 1]) {
      fake.clock.set(at);
      await renew(provider);
    }
    expect(fake.paths()).toEqual([loginPath, newPath, newPath, newPath]);
    fake.clock.set(now + 119 * minute);
    await renew(provider);
    expect(fake.paths().slice(4)).toEqual([loginPath, newPath]);
  });

  test.each([
    ['is missing', undefined],
    ['is zero', 0],
    ['is negative', -5],
    ['is a text', '7200'],
  ])('whose lifetime %s is good for one renewal', async (_, expiresIn) => {
    const fake = await started();
    fake.expiresIn = expiresIn;
    const provider = fake.provider();
    await renew(provider);
    fake.clock.advance(1);
    await renew(provider);
    expect(fake.paths()).toEqual([loginPath, newPath, loginPath, newPath]);
  });

  test('is requested once by ten concurrent renewals', async () => {
    const fake = await started();
    const provider = fake.provider();
    await Promise.all(Array.from({ length: 10 }, () => renew(provider)));
    expect(fake.paths().filter((path) => path === loginPath)).toHaveLength(1);
    expect(fake.reads).toEqual(['infisical/auth']);
  });

  test('that is refused is replaced by another, once', async () => {
    const fake = await started();
    const provider = fake.provider();
    await renew(provider);
    fake.tokens.clear();
    await renew(provider);
    expect(fake.paths().slice(2)).toEqual([newPath, loginPath, newPath]);
    expect(fake.asked.at(-1)?.headers.authorization).toBe('Bearer access-token-2');
  });

  test('that is refused again is CaRejected, and the next renewal logs in again', async () => {
    const fake = await started();
    const refused: Answer = [401, { reqId: 'r', statusCode: 401, message: 'Token is revoked', error: 'Unauthorized' }];
    fake.answers = ({ path }) => (path === loginPath ? undefined : refused);
    const provider = fake.provider();
    await expect(renew(provider)).rejects.toMatchObject({
      code: 'CaRejected',
      retryable: false,
      message: expect.stringMatching(/401: "Token is revoked"/),
    });
    expect(fake.paths()).toEqual([loginPath, newPath, loginPath, newPath]);
  });

  test('in the auth secret itself is sent as it is, and read again after a refusal', async () => {
    const fake = await started();
    fake.tokens.add('made-by-hand-1').add('made-by-hand-2');
    fake.secret = { kind: 'string', text: '{"token":"made-by-hand-1"}' };
    const provider = fake.provider();
    await renew(provider);
    fake.clock.advance(1000 * day);
    await renew(provider);
    expect(fake.reads).toHaveLength(1);
    fake.tokens.delete('made-by-hand-1');
    fake.secret = { kind: 'string', text: '{"token":"made-by-hand-2"}' };
    await renew(provider);
    expect(fake.paths()).toEqual([newPath, newPath, newPath, newPath]);
    expect(fake.asked.at(-1)?.headers.authorization).toBe('Bearer made-by-hand-2');
  });
});
