import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { once, pauseBefore } from '../../lambdas/aws/clients.ts';
import { defaultProvider } from '../../lambdas/aws/environment-credentials.ts';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';

describe('a client', () => {
  let server: Server;
  let connections = 0;
  let requests = 0;
  let answer: RequestListener;
  const open = () => {
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    return secretsManagerStore({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-central-1', credentials });
  };

  beforeEach(async () => {
    connections = 0;
    requests = 0;
    server = createServer((request, response) => {
      requests += 1;
      request.resume().on('end', () => answer(request, response));
    }).on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('keeps its connection', async () => {
    answer = (_, response) => response.end(JSON.stringify({ ARN: 'arn:x', Name: 'x' }));
    const store = open();
    for (let index = 0; index < 5; index++) await store.describe('x');
    expect([requests, connections]).toEqual([5, 1]);
  });

  test('tries three times', async () => {
    answer = (_, response) => response.writeHead(503, { 'content-type': 'text/html' }).end('<html>down</html>');
    await expect(open().describe('x')).rejects.toMatchObject({ code: 'Throttled' });
    expect(requests).toBe(3);
  });

  test('does not try again what will not change', async () => {
    answer = (_, response) => response.writeHead(400).end(JSON.stringify({ __type: 'ResourceNotFoundException' }));
    await expect(open().describe('x')).rejects.toMatchObject({ code: 'SecretNotFound' });
    expect(requests).toBe(1);
  });

  test('takes a connection that is cut for a passing trouble', async () => {
    answer = (_, response) => response.socket?.destroy();
    await expect(open().describe('x')).rejects.toMatchObject({ code: 'Throttled' });
    expect(requests).toBe(3);
  });
});

describe('once', () => {
  test('makes one thing for all who ask', async () => {
    const make = vi.fn(async () => ({}));
    const get = once(make);
    expect(await get()).toBe((await Promise.all([get(), get()]))[1]);
    expect(make).toHaveBeenCalledTimes(1);
  });

  test('does not keep a failure', async () => {
    const make = vi.fn<() => Promise<number>>().mockRejectedValueOnce(new Error('x')).mockResolvedValue(1);
    const get = once(make);
    await expect(get()).rejects.toThrow('x');
    expect(await get()).toBe(1);
  });
});

test('pauses double', () => {
  expect([2, 3, 4].map(pauseBefore)).toEqual([100, 200, 400]);
});

describe('credentials of the environment', () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each([
    ['with a session, as in a Lambda', 'token', { accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'token' }],
    ['without', '', { accessKeyId: 'id', secretAccessKey: 'key' }],
  ])('%s', async (_, token, expected) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key');
    vi.stubEnv('AWS_SESSION_TOKEN', token);
    expect(await defaultProvider()()).toEqual(expected);
  });

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('without %s there are none', async (name) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key');
    vi.stubEnv(name, '');
    await expect(defaultProvider()()).rejects.toMatchObject({ name: 'CredentialsProviderError' });
  });
});
