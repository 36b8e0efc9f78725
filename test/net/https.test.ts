import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { defaultTimeoutMs, type HttpsRequest, httpsRequest } from '../../lambdas/net/https.ts';
import { TransportError } from '../../lambdas/net/transport-error.ts';
import { commonNameOnly, makeHierarchy, makeKey, makeLeaf, pem } from '../../testkit/certificates/index.ts';
import { TimeLimits } from '../../testkit/fakes/time-limits.ts';
import {
  hierarchy,
  rootPem,
  serverIdentity,
  type TestServer,
  tcpServer,
  tlsServer,
} from '../../testkit/fakes/tls-server.ts';

const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3_600_000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function started<S>(server: Promise<S & { close(): Promise<void> }>): Promise<S> {
  const running = await server;
  open.push(running);
  return running;
}

const get = (server: Pick<TestServer<never>, 'url'>, options: Partial<HttpsRequest> = {}) =>
  httpsRequest({ method: 'GET', url: server.url, ca: [rootPem], ...options });

const post = (server: Pick<TestServer<never>, 'url'>, options: Partial<HttpsRequest> = {}) =>
  get(server, { method: 'POST', body: '{}', headers: { authorization: 'Bearer token-of-the-test' }, ...options });

/** Returns the error of a call that must fail, and checks that it contains nothing that was sent or answered. */
async function failure(call: Promise<unknown>): Promise<TransportError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TransportError)) throw new Error(`expected a TransportError, got ${String(error)}`);
  expect(error.message).not.toMatch(/token-of-the-test|PRIVATE|secret answer/);
  return error;
}

const allClosed = (server: Pick<TestServer<never>, 'connections'>): Promise<void> =>
  vi.waitFor(() => expect(server.connections().open).toBe(0), { timeout: 9_000 });

describe('an answer', () => {
  test.each([200, 201, 204, 302, 401, 404, 429, 500, 503])('with %i is returned unchanged', async (status) => {
    const server = await started(
      tlsServer((_, answer) =>
        answer.writeHead(status, { 'x-test': 'yes' }).end(status === 204 ? undefined : '<html>'),
      ),
    );
    const answer = await post(server);
    expect(answer.status).toBe(status);
    expect(answer.headers['x-test']).toBe('yes');
    expect(answer.body.toString()).toBe(status === 204 ? '' : '<html>');
  });

  test('with a redirect is not followed', async () => {
    const asked: (string | undefined)[] = [];
    const server = await started(
      tlsServer((question, answer) => {
        asked.push(question.url);
        answer.writeHead(307, { location: '/elsewhere' }).end();
      }),
    );
    expect((await post(server)).status).toBe(307);
    expect(asked).toEqual(['/']);
  });

  test('echoes method, headers and a body beyond ASCII', async () => {
    const server = await started(
      tlsServer(async (question, answer) => {
        const parts = await question.toArray();
        const { authorization, 'content-length': length } = question.headers;
        answer.end(
          JSON.stringify([question.method, question.url, authorization, length, Buffer.concat(parts).toString()]),
        );
      }),
    );
    const { body } = await post(server, { url: new URL('/a/b?c', server.url), body: '{"é":1}' });
    expect(JSON.parse(body.toString())).toEqual(['POST', '/a/b?c', 'Bearer token-of-the-test', '8', '{"é":1}']);
  });

  test.each([
    ['exactly as long as allowed', 1_000, true],
    ['one byte longer', 1_001, false],
  ])('%s', async (_, length, passes) => {
    const server = await started(tlsServer((__, answer) => answer.end('x'.repeat(length))));
    const call = get(server, { maxBytes: 1_000 });
    if (passes) expect((await call).body).toHaveLength(length);
    else expect(await failure(call)).toMatchObject({ kind: 'tooLarge', status: 200 });
  });

  test('to HEAD has headers and no body, and its connection is kept', async () => {
    const headers = { 'replay-nonce': 'n', 'content-length': '0' }; // without a length Node ends the connection
    const server = await started(tlsServer((_, answer) => answer.writeHead(200, headers).end()));
    for (let call = 0; call < 3; call++) {
      const answer = await httpsRequest({ method: 'HEAD', url: server.url, ca: [rootPem] });
      expect([answer.status, answer.headers['replay-nonce'], answer.body.length]).toEqual([200, 'n', 0]);
    }
    expect(server.connections().all).toBe(1);
  });

  test('of 50 MB is cut after 1 MiB', async () => {
    let sent = 0;
    const flood = function* (): Generator<Buffer> {
      for (const part = Buffer.alloc(65_536, 'x'); sent < 50_000_000; sent += part.length) yield part;
    };
    const server = await started(tlsServer((_, answer) => Readable.from(flood()).pipe(answer)));
    expect(await failure(get(server))).toMatchObject({ kind: 'tooLarge', status: 200 });
    await allClosed(server);
    expect(sent).toBeLessThan(25_000_000);
  });
});

describe('a server that breaks the connection', () => {
  test.each([
    ['with a content-length', { 'content-length': '1000' }],
    ['with chunks', {}],
  ])('in its body, %s', async (_, headers) => {
    const server = await started(
      tlsServer((__, answer) => {
        answer.writeHead(201, headers).write('{"crt":"secret answer');
        setTimeout(() => answer.socket?.destroy(), 20);
      }),
    );
    expect(await failure(post(server))).toMatchObject({ kind: 'cut', status: 201, stale: false });
  });

  test('before it answers', async () => {
    const server = await started(tlsServer((_, answer) => answer.socket?.destroy()));
    expect(await failure(post(server))).toMatchObject({ kind: 'unreachable', stale: false });
  });

  test('before TLS', async () => {
    const server = await started(tcpServer((socket) => socket.destroy()));
    expect(await failure(post(server))).toMatchObject({ kind: 'unreachable', stale: false });
  });

  test('because nothing listens', async () => {
    const server = await tcpServer(() => {});
    await server.close();
    const error = await failure(post(server));
    expect(error).toMatchObject({ kind: 'unreachable', message: expect.stringContaining(server.url.host) });
    expect(error.message).toContain('ECONNREFUSED');
  });

  test('because its name does not exist', async () => {
    const url = new URL('https://no-such-host.invalid');
    expect((await failure(httpsRequest({ method: 'GET', url, timeoutMs: 5_000 }))).kind).toMatch(/unreachable|timeout/);
  });
});

describe('the time limit', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Writes without end; `heard` is called at the fifth time. */
  function drip(write: (text: string) => unknown, heard: () => void): NodeJS.Timeout {
    let times = 0;
    return setInterval(() => {
      write(' ');
      if (++times === 5) heard();
    }, 5);
  }

  test.each<[string, (heard: () => void) => Promise<TestServer<never>>]>([
    [
      'says nothing at all',
      (heard) => tcpServer((socket) => socket.once('data', heard).resume()) as Promise<TestServer<never>>,
    ],
    ['says nothing after TLS', (heard) => tlsServer(() => heard()) as Promise<TestServer<never>>],
    [
      'drips its body',
      (heard) =>
        tlsServer((_, answer) => {
          const timer = drip((text) => answer.write(text), heard);
          answer.on('close', () => clearInterval(timer));
        }) as Promise<TestServer<never>>,
    ],
    [
      'drips its header',
      (heard) =>
        tlsServer((question) => {
          question.socket.write('HTTP/1.1 200 OK\r\nx-drip: ');
          const timer = drip((text) => question.socket.write(text), heard);
          question.socket.on('close', () => clearInterval(timer)).on('error', () => {});
        }) as Promise<TestServer<never>>,
    ],
  ])('applies to a server that %s', async (_, start) => {
    let hear = () => {};
    const heard = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const server = await started(start(() => hear()));
    const limits = new TimeLimits();
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(limits.abortedIn);
    let isOver = false;
    const call = failure(post(server)).finally(() => {
      isOver = true;
    });
    await heard;
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(isOver).toBe(false);
    limits.pass();
    expect(await call).toMatchObject({ kind: 'timeout' });
    expect(limits.asked).toEqual([defaultTimeoutMs]); // one clock for all of it
    await allClosed(server);
  });

  test('a signal ends a call, even one that was aborted before', async () => {
    const later = new AbortController();
    const server = await started(tlsServer(() => later.abort()));
    expect(await failure(post(server, { signal: later.signal }))).toMatchObject({ kind: 'aborted' });
    expect(await failure(post(server, { signal: AbortSignal.abort() }))).toMatchObject({ kind: 'aborted' });
    expect(await failure(post(server, { signal: AbortSignal.timeout(30) }))).toMatchObject({ kind: 'timeout' });
    await allClosed(server);
  });
});

describe('trust', () => {
  const answering = (options = {}) => started(tlsServer((_, answer) => answer.end('secret answer'), options));

  test.each([
    ['for another name', { names: ['dns:elsewhere.example'] }, /another name/],
    ['self-signed', { selfSigned: true }, /root of the profile/],
    ['expired', { notAfter: now - 1_000 }, /validity/],
    ['not valid yet', { notBefore: now + hour }, /validity/],
  ])("rejects a server's certificate that is %s", async (_, certificate, message) => {
    const server = await answering(serverIdentity(certificate));
    const error = await failure(post(server));
    expect(error).toMatchObject({ kind: 'untrusted', message: expect.stringMatching(message) });
    expect(error.message).toContain(server.url.host);
  });

  test('accepts the given roots only: no other, none of the system, no intermediate', async () => {
    const server = await answering();
    const other = pem(makeHierarchy(now - hour, now + hour).root);
    for (const ca of [[other], undefined, [pem(hierarchy.intermediate)]]) {
      expect(await failure(post(server, { ca }))).toMatchObject({ kind: 'untrusted' });
    }
    expect((await post(server, { ca: [other, rootPem] })).status).toBe(200);
    expect((await post(server, { ca: [other + rootPem] })).status).toBe(200);
  });

  test('is not shared: a connection that one root verified is not used for another', async () => {
    const server = await answering();
    await post(server);
    const other = pem(makeHierarchy(now - hour, now + hour).root);
    expect(await failure(post(server, { ca: [other] }))).toMatchObject({ kind: 'untrusted' });
  });

  test('can’t be switched off by the environment', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const server = await answering(serverIdentity({ selfSigned: true }));
    expect(await failure(post(server))).toMatchObject({ kind: 'untrusted' });
  });

  test('does not accept a root that is no certificate', async () => {
    const server = await answering();
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    await failure(post(server, { ca: [broken] }));
  });

  test('requires TLS 1.2 or 1.3', async () => {
    const plain = await started(tcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nsecret answer')));
    expect(await failure(post(plain))).toMatchObject({ kind: 'protocol' });
    const old = await answering({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    expect(await failure(post(old))).toMatchObject({ kind: 'protocol' });
    const strange = await started(tlsServer((question) => question.socket.end('secret answer of no HTTP\r\n\r\n')));
    expect(await failure(post(strange))).toMatchObject({ kind: 'protocol' });
  });

  test('requires an https address', async () => {
    const call = httpsRequest({ method: 'GET', url: new URL('http://localhost:1'), ca: [rootPem] });
    expect(await failure(call)).toMatchObject({ kind: 'protocol' });
  });
});

describe('connections', () => {
  test('without a client certificate are kept and reused', async () => {
    const server = await started(tlsServer((_, answer) => answer.end('{}')));
    for (let call = 0; call < 5; call++) await post(server);
    expect(server.connections()).toEqual({ all: 1, open: 1 });
  });

  test('that the server has closed meanwhile are stale, and so are their siblings', async () => {
    let resets = 0;
    const first: ServerResponse[] = [];
    const server = await started(
      tlsServer((question, answer) => {
        const reused = 'seen' in question.socket;
        Object.assign(question.socket, { seen: true });
        if (!reused) {
          first.push(answer);
          if (first.length < 3) return; // three at once, each on its own connection
          for (const each of first) if (!each.writableEnded) each.end('{}');
          return;
        }
        resets++;
        question.socket.destroy();
      }),
    );
    await Promise.all([post(server), post(server), post(server)]);
    expect(server.connections().open).toBe(3);
    expect(await failure(post(server))).toMatchObject({ kind: 'unreachable', stale: true });
    expect((await post(server)).status).toBe(200);
    expect(resets).toBe(1);
  });

  describe('with a client certificate', () => {
    const key = makeKey('P-256');
    const dates = { notBefore: now - hour, notAfter: now + hour };
    const leaf = makeLeaf({ key, subject: commonNameOnly('client'), ...dates }, hierarchy);
    const client = { certificates: pem(leaf, hierarchy.intermediate), key };
    const demanding = (options = {}) =>
      tlsServer(
        (question, answer) => answer.end((question.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'),
        { requestCert: true, rejectUnauthorized: true, ca: rootPem, ...options },
      );

    test('are not shared, and end with the answer', async () => {
      const server = await started(demanding({ rejectUnauthorized: false }));
      expect((await post(server, { client })).body.toString()).toBe('client');
      expect((await post(server, { client })).body.toString()).toBe('client');
      expect(server.connections().all).toBe(2);
      await allClosed(server);
      expect((await post(server)).body.toString()).toBe('nobody');
    });

    test('must have its own key', async () => {
      const server = await started(demanding());
      const call = post(server, { client: { ...client, key: makeKey('P-256') } });
      expect(await failure(call)).toMatchObject({ kind: 'keyMismatch' });
      expect(server.connections().open).toBe(0);
    });

    test('may have an RSA key of 1024 bits, which will be replaced', async () => {
      const weak = makeKey('RSA-1024');
      const certificates = pem(
        makeLeaf({ key: weak, subject: commonNameOnly('weak'), ...dates }, hierarchy),
        hierarchy.intermediate,
      );
      const server = await started(demanding({ ciphers: 'DEFAULT@SECLEVEL=1' }));
      expect((await post(server, { client: { certificates, key: weak } })).body.toString()).toBe('weak');
    });
  });
});
