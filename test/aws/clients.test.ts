import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { observerOf } from '../../cli/aws/observe.ts';
import { queuesOf } from '../../cli/aws/queues.ts';
import { type AwsOptions, once, pauseBefore } from '../../lambdas/aws/clients.ts';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';
import { sqsQueue } from '../../lambdas/aws/sqs.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

describe('a client', () => {
  let server: Server;
  let connections = 0;
  let requests = 0;
  let answer: RequestListener;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const open = (options: AwsOptions = { region: 'eu-central-1', credentials }) => {
    const { port } = server.address() as AddressInfo;
    return secretsManagerStore({ endpoint: `http://127.0.0.1:${port}`, ...options })(noLimits);
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

  test('does not repeat a call that would fail again', async () => {
    answer = (_, response) => response.writeHead(400).end(JSON.stringify({ __type: 'ResourceNotFoundException' }));
    await expect(open().describe('x')).rejects.toMatchObject({ code: 'SecretNotFound' });
    expect(requests).toBe(1);
  });

  test('takes a cut connection as a temporary error', async () => {
    answer = (_, response) => response.socket?.destroy();
    await expect(open().describe('x')).rejects.toMatchObject({ code: 'Throttled' });
    expect(requests).toBe(3);
  });

  describe('without options, as in a Lambda', () => {
    beforeEach(() => {
      vi.stubEnv('AWS_REGION', 'eu-west-3');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key');
      vi.stubEnv('AWS_SESSION_TOKEN', 'token');
      vi.stubEnv('AWS_PROFILE', undefined);
      vi.stubEnv('AWS_CONFIG_FILE', '/dev/null/none');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null/none');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    });
    afterEach(() => vi.unstubAllEnvs());

    test('signs for the Region and with the credentials of the environment', async () => {
      let headers: IncomingHttpHeaders = {};
      answer = (request, response) => {
        headers = request.headers;
        response.end(JSON.stringify({ ARN: 'arn:x', Name: 'x' }));
      };
      await open({}).describe('x');
      expect(headers.authorization).toMatch(/ Credential=id\/\d{8}\/eu-west-3\/secretsmanager\//);
      expect(headers['x-amz-security-token']).toBe('token');
    });

    test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('is AccessDenied if %s is not set', async (name) => {
      vi.stubEnv(name, '');
      await expect(open({}).describe('x')).rejects.toMatchObject({
        code: 'AccessDenied',
        message: expect.stringMatching(/^Secrets Manager refused DescribeSecret on .* \(CredentialsProviderError\)/),
      });
      expect(requests).toBe(0);
    });

    // As with a VPC endpoint, FIPS, or a local AWS: the URL of the queue has the host that AWS gives it.
    const queueUrl = 'https://sqs.eu-west-3.amazonaws.com/000000000000/dead';
    const clock = new FakeClock();
    const calls: [string, () => Promise<unknown>][] = [
      ['the worker and the scan', () => sqsQueue({ queueUrl, clock })(noLimits).changeVisibility('handle', 1)],
      ['doctor', () => observerOf({}).waiting(queueUrl)],
      ['dead-letters and redrive', () => queuesOf({}).depth(queueUrl)],
    ];
    test.each(calls)('%s: a queue is called at the endpoint that is set, without a warning', async (_who, call) => {
      const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      vi.stubEnv('AWS_ENDPOINT_URL_SQS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      answer = (_, response) => response.end(JSON.stringify({ Attributes: {} }));
      await call();
      expect({ requests, warnings: warned.mock.calls }).toEqual({ requests: 1, warnings: [] });
      warned.mockRestore();
    });
  });
});

describe('once', () => {
  test('makes one thing for all callers', async () => {
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
