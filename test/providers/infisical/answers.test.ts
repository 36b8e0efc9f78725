import { describe, expect, test } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import { pem } from '../../../testkit/certificates/index.ts';
import { type Answer, ca, login, loginPath, newPath, now, success } from '../../../testkit/fakes/infisical.ts';
import { failureOf, renew, servers } from './servers.ts';

const { started } = servers();

describe('an answer of Infisical', () => {
  const statuses: [number, string, boolean][] = [
    [400, 'CaRejected', false],
    [403, 'CaRejected', false],
    [404, 'CaRejected', false],
    [405, 'CaRejected', false],
    [422, 'CaRejected', false],
    [301, 'CaRejected', false],
    [429, 'CaUnavailable', true],
    [500, 'CaUnavailable', true],
    [502, 'CaUnavailable', true],
    [503, 'CaUnavailable', true],
  ];

  test.each(statuses)('%i to the renewal is %s, with its message', async (statusCode, code, retryable) => {
    const fake = await started();
    const body = { reqId: 'r', statusCode, message: 'What it says', error: 'Error' };
    fake.answers = ({ path }) => (path === loginPath ? undefined : [statusCode, body]);
    await expect(renew(fake.provider())).rejects.toMatchObject({
      code,
      retryable,
      busy: statusCode === 429,
      message: expect.stringMatching(new RegExp(`renewal with ${statusCode}: "What it says"`)),
    });
  });

  test.each([...statuses, [401, 'CaRejected', false] as const])(
    '%i to the login is %s',
    async (status, code, retryable) => {
      const fake = await started();
      fake.answers = () => [status, { message: 'What it says' }];
      await expect(renew(fake.provider())).rejects.toMatchObject({
        code,
        retryable,
        message: expect.stringMatching(/login with/),
      });
      expect(fake.paths()).toEqual([loginPath]);
    },
  );

  test('422 with a list of problems is reported', async () => {
    const fake = await started();
    const issues = [{ code: 'invalid_string', path: ['notAfter'], message: 'Invalid date' }];
    const body = { reqId: 'r', statusCode: 422, message: issues, error: 'ValidationFailure' };
    fake.answers = ({ path }) => (path === loginPath ? undefined : [422, body]);
    await expect(renew(fake.provider())).rejects.toMatchObject({ message: expect.stringMatching(/Invalid date/) });
  });

  test('is quoted on one line, cut, and without the request’s secrets', async () => {
    const fake = await started();
    const long = 'x '.repeat(500_000);
    fake.answers = ({ path, headers, body }) =>
      path === loginPath
        ? undefined
        : [403, { message: `${headers.authorization}\n${JSON.stringify(body)} ${'f'.repeat(64)} ${long}` }];
    const error = await failureOf(renew(fake.provider()));
    expect(error.message).toMatch(/403/);
    expect(error.message).not.toMatch(/access-token|fffff|\n/);
    expect(error.message.length).toBeLessThan(600);
  });

  test('that repeats the client secret is not passed on', async () => {
    const fake = await started();
    fake.answers = ({ body }) => [403, { message: `no such client: ${JSON.stringify(body)}` }];
    const error = await failureOf(renew(fake.provider()));
    expect(error).toBeInstanceOf(RenewalError);
    expect(`${error.message}${error.stack}`).not.toContain(login.clientSecret);
  });

  const certificate = pem(ca.intermediate);
  test.each<[string, Answer, string]>([
    ['200, not JSON', [200, '<html>'], 'CaRejected'],
    ['200, JSON that is no object', [200, []], 'CaRejected'],
    ['200, nested without end', [200, '['.repeat(500_000)], 'CaRejected'],
    ['200 without a certificate', [200, { certificateChain: certificate }], 'CaRejected'],
    ['200 with an empty one', [200, { certificate: '', certificateChain: certificate }], 'CaRejected'],
    ['200 with text for a certificate', [200, { certificate: 'text', certificateChain: '' }], 'CaRejected'],
    ['200 with text for a chain', [200, { certificate, certificateChain: 'text' }], 'CaRejected'],
    ['200 with a list for a chain', [200, { certificate, certificateChain: [certificate] }], 'CaRejected'],
    [
      '200 with a private key in it',
      [200, { certificate, certificateChain: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }],
      'CaRejected',
    ],
    ['200 with cut PEM', [200, { certificate: certificate.slice(0, 200), certificateChain: '' }], 'CaRejected'],
    ['201', [201, success(now)], 'CaRejected'],
    ['404, not JSON', [404, '404 page not found'], 'CaRejected'],
    ['403, not JSON', [403, '<html>'], 'CaRejected'],
    ['429, not JSON', [429, 'slow down'], 'CaUnavailable'],
    ['502, not JSON', [502, '<html>Bad Gateway'], 'CaUnavailable'],
    ['over 1 MiB', [200, ' '.repeat(1_100_000)], 'CaRejected'],
    ['over 1 MiB with 500', [500, ' '.repeat(1_100_000)], 'CaUnavailable'],
    [
      'a cut body',
      (response) => response.writeHead(200, { 'content-length': '1000' }).write('{', () => response.destroy()),
      'CaUnavailable',
    ],
    ['nothing, and hangs up', (response) => response.socket?.destroy(), 'CaUnavailable'],
    ['a redirect', (response) => response.writeHead(307, { location: newPath }).end(), 'CaRejected'],
  ])('%s', async (_, answer, code) => {
    const fake = await started();
    fake.answers = ({ path }) => (path === loginPath ? undefined : answer);
    await expect(renew(fake.provider())).rejects.toMatchObject({ code });
  });

  test.each<[string, Answer]>([
    ['no token', [200, {}]],
    ['a token that is no text', [200, { accessToken: 5 }]],
    ['a token that would be two headers', [200, { accessToken: 'a\r\nx: y' }]],
    ['not JSON', [200, '<html>']],
  ])('a login with %s is CaRejected', async (_, answer) => {
    const fake = await started();
    fake.answers = () => answer;
    await expect(renew(fake.provider())).rejects.toMatchObject({ code: 'CaRejected' });
  });

  test('that never comes: the login and the renewal share one time limit', async () => {
    const fake = await started();
    // The limit began with the login and ends during the renewal.
    fake.answers = ({ path }) => (path === loginPath ? undefined : () => fake.limits.pass());
    await expect(renew(fake.provider())).rejects.toMatchObject({ code: 'CaUnavailable' });
    expect(fake.paths()).toEqual([loginPath, newPath]);
    expect(fake.limits.asked).toHaveLength(1);
  });

  test('on a kept connection that has died: the request is repeated', async () => {
    const fake = await started();
    const provider = fake.provider();
    await renew(provider);
    const before = fake.asked.length;
    fake.answers = (_, count) => (count === before + 1 ? (response) => response.socket?.destroy() : undefined);
    await renew(provider);
    expect(fake.paths().slice(before)).toEqual([newPath, newPath]);
  });
});
