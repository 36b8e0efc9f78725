/**
 * Prism, an independent tool, makes a server from the OpenAPI text of Infisical's own documentation. It checks our requests,
 * and answers by the document. A TLS proxy is in front of it, because Prism has no TLS.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createLogger } from '@stoplight/prism-core';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { createServer } from '@stoplight/prism-http-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { ca, day, fakeInfisical, now, oldPath, success } from '../../../testkit/fakes/infisical.ts';
import { tlsServer } from '../../../testkit/fakes/tls-server.ts';
import document from '../../golden/providers/infisical/ca-renew.openapi.json' with { type: 'json' };
import { renew } from './servers.ts';

const apiPath = '/api/v1/pki/ca/{caId}/renew';

/** Infisical's document with an example of an answer. Without it Prism would answer with random words. */
function withExample(example: unknown) {
  const copy = structuredClone(document);
  const response: { content: Record<string, { schema: unknown; example?: unknown }> } =
    copy.paths[apiPath].post.responses['200'];
  const json = response.content['application/json'];
  if (json) json.example = example;
  return copy;
}

/** The status that Prism must answer with; undefined: the one that fits the request. */
let wanted: string | undefined;
let prism: { listen(port: number, host?: string): Promise<string>; close(): Promise<void> };
let proxy: Awaited<ReturnType<typeof tlsServer>>;
const violations: unknown[] = [];

beforeAll(async () => {
  const operations = await getHttpOperationsFromSpec(withExample(success(now + 365 * day)));
  const config = { mock: { dynamic: false }, checkSecurity: false, validateRequest: true, validateResponse: true };
  prism = createServer(operations, {
    config: { ...config, isProxy: false, errors: true, upstreamProxy: undefined },
    components: { logger: createLogger('test', { level: 'silent' }) },
    cors: false,
  });
  const upstream = new URL(await prism.listen(0, '127.0.0.1'));
  proxy = await tlsServer((question: IncomingMessage, answer: ServerResponse) => {
    const { url, method, headers } = question;
    const prefer = wanted === undefined ? {} : { prefer: `code=${wanted}` };
    const options = {
      host: upstream.hostname,
      port: upstream.port,
      path: url,
      method,
      headers: { ...headers, ...prefer },
    };
    const passed = httpRequest(options, async (response) => {
      const body = Buffer.concat(await response.toArray());
      if (response.headers['sl-violations']) violations.push(response.headers['sl-violations']);
      answer.writeHead(response.statusCode ?? 500, { 'content-type': 'application/json' }).end(body);
    });
    question.pipe(passed);
  });
}, 30_000);
beforeEach(() => {
  wanted = undefined;
  violations.length = 0;
});
afterAll(async () => {
  await proxy?.close();
  await prism?.close();
});

async function provider() {
  const fake = await fakeInfisical();
  await fake.close(); // only its settings are used
  fake.secret = { kind: 'string', text: '{"token":"made-by-hand"}' };
  return fake.provider({ url: proxy.url.origin, apiPath });
}

test('our request follows the document, and its answer is understood', async () => {
  const { certificates } = await renew(await provider());
  expect(violations).toEqual([]);
  const [leaf, root] = certificates.map(parseCertificate);
  expect(leaf?.notAfter).toBe(Math.floor((now + 365 * day) / 1000) * 1000);
  expect(root?.der).toEqual(ca.root);
});

describe('every other answer of the document', () => {
  const statuses = Object.keys(document.paths[apiPath].post.responses).filter((status) => status !== '200');
  test.each(statuses)('%s', async (status) => {
    wanted = status;
    const renewal = renew(await provider());
    await expect(renewal).rejects.toMatchObject({
      code: status === '500' ? 'CaUnavailable' : 'CaRejected',
      message: expect.stringMatching(new RegExp(`answered the renewal with ${status}:`)),
    });
  });
});

test('Prism refuses requests outside of the document, so its acceptance is a proof', async () => {
  const { httpsRequest } = await import('../../../lambdas/net/https.ts');
  const { rootPem } = await import('../../../testkit/fakes/tls-server.ts');
  const bodies = [
    {},
    { type: 'new', notAfter: 'x' },
    { type: 'existing', notAfter: 'x', more: 1 },
    { type: 'existing' },
  ];
  for (const body of bodies) {
    const url = new URL(oldPath, proxy.url);
    const headers = { 'content-type': 'application/json' };
    const answer = await httpsRequest({ method: 'POST', url, headers, body: JSON.stringify(body), ca: [rootPem] });
    expect(answer.status).toBe(422);
  }
});
