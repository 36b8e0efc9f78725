import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { CaProvider, Credential } from '../../../lambdas/domain/ports.ts';
import { openStepCa } from '../../../lambdas/providers/step-ca/index.ts';
import { stepCa } from '../../../lambdas/providers/step-ca/kind.ts';
import {
  extendedKeyUsage,
  keyUsage,
  makeHierarchy,
  makeKey,
  pem,
  serverAuth,
  subjectAltName,
} from '../../../testkit/certificates/index.ts';
import { providerOf, rekeyWith, renewWith } from '../../../testkit/fakes/asking.ts';
import { FakeClock } from '../../../testkit/fakes/clock.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { hierarchy, rootPem } from '../../../testkit/fakes/tls-server.ts';
import {
  type Answer,
  credential,
  expired,
  hour,
  type MockCa,
  mockCa,
  now,
  type Question,
  success,
  type Wanted,
} from './mock-ca.ts';

const open: MockCa[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((ca) => ca.close()));
});

async function started(answers: Parameters<typeof mockCa>[0]): Promise<MockCa> {
  const ca = await mockCa(answers);
  open.push(ca);
  return ca;
}

const newKey = signerFor(makeKey('P-256'));
const renew = renewWith;
const rekey = (provider: CaProvider, current: Credential) => rekeyWith(provider, current, newKey);
const generic =
  'The request lacked necessary authorization to be completed. Please see the certificate authority logs for more info.';
const refused = (status: number, message: string): Answer => [status, { status, message }];

test("the calls of a renewal and of a rekey have ten seconds each, by the system's clock", async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout');
  onTestFinished(() => timeout.mockRestore());
  const ca = await started([[201, success(makeKey('P-256'))]]);
  const provider = providerOf(stepCa, openStepCa({ url: ca.url, root: rootPem }), { clock: new FakeClock(now) });
  await renew(provider, credential());
  await rekey(provider, credential());
  expect(timeout.mock.calls).toEqual([[10_000], [10_000]]);
});

describe('renew', () => {
  test('sends one request, by token, to the url with its path', async () => {
    const ca = await started([[201, success(makeKey('P-256'))]]);
    await renew(ca.provider({ path: '/pki/ca/?q#f' }), credential());
    expect(ca.asked).toMatchObject([{ path: '/pki/ca/renew', body: '', client: undefined }]);
    expect(ca.asked[0]?.token?.claims).toMatchObject({ aud: `${ca.url}/renew`, sub: 'leaf.example' });
  });

  test('on a kept connection that has died sends the request again, with a new token', async () => {
    const answer = success(makeKey('P-256'));
    const ca = await started([[201, answer], (response) => response.socket?.destroy(), [201, answer]]);
    const provider = ca.provider();
    await renew(provider, credential());
    await renew(provider, credential());
    expect(new Set(ca.asked.map(({ token }) => token?.claims['jti'])).size).toBe(3);
  });

  test('on a new connection that breaks sends one request only', async () => {
    const ca = await started([(response) => response.socket?.destroy()]);
    await expect(renew(ca.provider(), credential())).rejects.toMatchObject({ code: 'CaUnavailable' });
    expect(ca.asked).toHaveLength(1);
  });

  describe('with a refused token and the key at hand', () => {
    const byTls = (answer: Answer) => (question: Question) => (question.token ? refused(401, generic) : answer);

    test('continues by TLS', async () => {
      const ca = await started(byTls([201, success(makeKey('P-256'))]));
      await renew(ca.provider(), credential({ name: 'by-tls' }));
      expect(ca.asked).toMatchObject([{ client: undefined }, { path: '/renew', client: 'by-tls', token: undefined }]);
    });

    test.each<[string, Answer, string, RegExp]>([
      ['refused there too: the first refusal counts', refused(400, 'missing client certificate'), 'CaRejected', /401/],
      ['unavailable there: temporary', [503, ''], 'CaUnavailable', /503/],
    ])('%s', async (_, answer, code, message) => {
      const ca = await started(byTls(answer));
      const failure = { code, message: expect.stringMatching(message) };
      await expect(renew(ca.provider(), credential())).rejects.toMatchObject(failure);
    });
  });

  test.each<[string, Wanted]>([
    ['without digitalSignature', { extensions: [keyUsage('keyEncipherment'), subjectAltName('dns:a')] }],
    ['without a provisioner', { provisioner: null }],
  ])('of a certificate %s uses TLS at once', async (_, wanted) => {
    const ca = await started([[201, success(makeKey('P-256'))]]);
    await renew(ca.provider(), credential(wanted));
    expect(ca.asked).toMatchObject([{ token: undefined, client: 'leaf.example' }]);
  });

  test('of a certificate without clientAuth names that when it is refused', async () => {
    const ca = await started([refused(401, generic)]);
    const current = credential({ extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth)] });
    await expect(renew(ca.provider(), current)).rejects.toMatchObject({
      code: 'CaRejected',
      message: expect.stringMatching(/clientAuth/),
    });
    expect(ca.asked).toHaveLength(1);
  });

  test.each([
    ['lists it', [201, { crts: [pem(makeHierarchy(now - hour, now + hour).root), pem(hierarchy.intermediate)] }], 2],
    ['lists strangers', [201, { crts: [pem(makeHierarchy(now - hour, now + hour).intermediate)] }], 1],
    ['has no list', [404, '404 page not found'], 1],
    [
      'lists what is no certificate',
      [201, { crts: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'] }],
      1,
    ],
  ] as const)('of a leaf without a chain gets its intermediate from the CA: the CA %s', async (_, list, length) => {
    const ca = await started((question) => (question.token ? [201, success(makeKey('P-256'))] : list));
    await renew(ca.provider(), credential({ alone: true, inKms: true }));
    expect(ca.asked.map(({ path }) => path)).toEqual(['/intermediates', '/renew']);
    expect(ca.asked[1]?.token?.header.x5cInsecure).toHaveLength(length);
  });

  test('shares one time limit among its calls', async () => {
    // The limit began with the first call and ends during the second.
    const ca = await started([[201, { crts: [pem(hierarchy.intermediate)] }], () => ca.limits.pass()]);
    const current = credential({ alone: true, inKms: true });
    const never = new AbortController().signal; // the caller's own, which is never aborted
    const policy = { limits: { begin: never, work: never, answer: never } };
    await expect(renew(ca.provider({}, { policy }), current)).rejects.toMatchObject({ code: 'CaUnavailable' });
    expect(ca.asked).toHaveLength(2);
    expect(ca.limits.asked).toHaveLength(1);
  });

  test("passes on the error of the key's own vault", async () => {
    const ca = await started([[500, '']]);
    const denied = new RenewalError('KmsDenied', 'denied');
    const { key, ...rest } = credential({ inKms: true });
    if (key === undefined) throw new Error('there is a key');
    const current = { ...rest, key: { ...key, sign: () => Promise.reject(denied) } };
    await expect(renew(ca.provider(), current)).rejects.toBe(denied);
    expect(ca.asked).toHaveLength(0);
  });
});

describe('rekey', () => {
  test('sends one request, by TLS with the old key, with a CSR of the new one', async () => {
    const ca = await started([[201, success(makeKey('P-256'))]]);
    await rekey(ca.provider({ path: '/pki' }), credential());
    expect(ca.asked).toMatchObject([{ path: '/pki/rekey', token: undefined, client: 'leaf.example' }]);
    expect(JSON.parse(ca.asked[0]?.body ?? '')).toEqual({
      csr: expect.stringMatching(/^-----BEGIN CERTIFICATE REQUEST-----\n[\s\S]*-----END CERTIFICATE REQUEST-----\n?$/),
    });
  });

  test('of an expired certificate renews by token first, and never returns that renewal', async () => {
    const key = makeKey('P-256');
    const forTls = success(key, 'for-tls-only');
    const final = success(makeKey('P-256'));
    const ca = await started(({ path }) => [201, path === '/renew' ? forTls : final]);
    const { certificates } = await rekey(ca.provider(), credential({ ...expired, key }));
    expect(ca.asked).toMatchObject([
      { path: '/renew', client: undefined },
      { path: '/rekey', client: 'for-tls-only' },
    ]);
    expect(pem(...certificates)).toBe(final.certChain.join(''));
  });

  test('of an expired certificate stops if the CA renews it for another key', async () => {
    const ca = await started([[201, success(makeKey('P-256'))]]);
    await expect(rekey(ca.provider(), credential(expired))).rejects.toMatchObject({ code: 'CaRejected' });
    expect(ca.asked).toHaveLength(1);
  });

  test.each<[string, Wanted, RegExp]>([
    ['a key in KMS', { inKms: true }, /mode renew/],
    [
      'a certificate without clientAuth',
      { extensions: [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth)] },
      /neither by TLS nor by a token/,
    ],
  ])('of %s is refused before any request, with the alternative', async (_, wanted, says) => {
    const ca = await started([[500, '']]);
    await expect(rekey(ca.provider(), credential(wanted))).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(says),
    });
    expect(ca.asked).toHaveLength(0);
  });
});

describe('the provider', () => {
  test("has all of the profile's roots, and sends no request for them", async () => {
    const other = makeHierarchy(now - hour, now + hour).root;
    const root = `text\n${rootPem}\n${pem(other)}`;
    const provider = providerOf(stepCa, openStepCa({ url: 'https://ca.invalid', root }));
    expect(pem(...(await provider.roots()))).toBe(rootPem + pem(other));
  });

  test.each([
    ['http://ca.example', rootPem],
    ['ca.example:9000', rootPem],
    ['', rootPem],
    ['https://ca.example', ''],
    ['https://ca.example', 'root_ca.crt'],
    ['https://ca.example', '-----BEGIN CERTIFICATE-----\nAAAA'],
  ])('can’t be made with the url %j and the root %j', (url, root) => {
    expect(() => openStepCa({ url, root })).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  test('sends no request without a key, or with another certificate’s key', async () => {
    const ca = await started([[500, '']]);
    const { leaf, chain } = credential();
    for (const call of [renew, rekey]) {
      await expect(call(ca.provider(), { leaf, chain, key: undefined })).rejects.toMatchObject({
        code: 'InvalidRequest',
      });
      await expect(call(ca.provider(), { leaf, chain, key: newKey })).rejects.toMatchObject({ code: 'KeyMismatch' });
    }
    expect(ca.asked).toHaveLength(0);
  });
});

describe('the check of the CA', () => {
  test.each<[string, Answer, string | undefined]>([
    ['well', [200, { status: 'ok' }], undefined],
    ['with a page of another server', [200, '<html>'], 'CaRejected'],
    ['that it is not there', [404, ''], 'CaRejected'],
    ['that it is not in order', [503, ''], 'CaUnavailable'],
  ])('%s, uses /health and nothing else', async (_, answer, code) => {
    const ca = await mockCa([answer]);
    const asking = ca.provider().answers?.() ?? Promise.reject(new Error('it can not be asked'));
    if (code === undefined) await asking;
    else await expect(asking).rejects.toMatchObject({ code });
    expect(ca.asked.map(({ path }) => path)).toEqual(['/health']);
    await ca.close();
  });
});
