/** Compares the OpenAPI document of the API and its handler: every status of every route, its body and its headers. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { afterAll, describe, expect, test, vi } from 'vitest';
import document from '../../../docs/ca-api.openapi.json' with { type: 'json' };
import type { CaApi } from '../../../lambdas/authority/http/api.ts';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import { scene, tokens } from './scene.ts';

const { current, begun } = vi.hoisted(() => ({ current: { api: undefined as unknown }, begun: [] as string[] }));
// compose.ts reads the environment and builds clients of AWS. The test replaces it for the handler.
vi.mock('../../../lambdas/compose.ts', () => ({
  shortPolicyFor: () => ({}),
  composeCaApi: async () => ({ journal: { begin: (id: string) => begun.push(id) }, api: () => current.api }),
}));
const { handler: invoke } = await import('../../../lambdas/functions/ca-api.ts');

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
const handler = (event: APIGatewayProxyEventV2) => invoke(event, context);
const install = (api: CaApi): void => {
  current.api = api;
};

const good = { type: 'existing', notAfter: '2031-01-01T00:00:00.000Z' };

interface Asked {
  readonly path: string;
  readonly body?: string;
  readonly base64?: boolean;
  readonly headers?: Record<string, string>;
  readonly stage?: string;
  readonly method?: string;
  readonly routeKey?: string;
}

function eventOf({ path, body = JSON.stringify(good), headers, ...more }: Asked): APIGatewayProxyEventV2 {
  const { base64 = false, stage = '$default', method = 'POST', routeKey = 'POST /api' } = more;
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers: headers ?? { authorization: `Bearer ${tokens.issuing}`, 'content-type': 'application/json' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'api.execute-api.us-east-1.amazonaws.com',
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      routeKey,
      stage,
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_795_348_800_000,
    },
    ...(body === '' ? {} : { body: base64 ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: base64,
  };
}

const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, discriminator: false });
ajv.addSchema(document, 'api');

/** Returns the schema of an answer, through its reference. */
function judgeOf(path: string, status: number) {
  const operation = document.paths[path as keyof typeof document.paths].post;
  const { $ref } = operation.responses[String(status) as keyof typeof operation.responses];
  const pointer = `api${$ref}/content/application~1json/schema`;
  return ajv.compile({ $ref: pointer });
}

const cases: readonly [number, string, (path: string) => Asked, { failing?: true }?][] = [
  [200, 'issuing', (path) => ({ path })],
  [400, 'issuing', (path) => ({ path, body: '{' })],
  [400, 'issuing', (path) => ({ path, body: '' })],
  [400, 'issuing', (path) => ({ path, body: JSON.stringify({ ...good, notAfter: '2020-01-01T00:00:00.000Z' }) })],
  [401, 'issuing', (path) => ({ path, headers: {} })],
  [403, 'root', (path) => ({ path })],
  [404, 'none', (path) => ({ path })],
  [422, 'issuing', (path) => ({ path, body: '{"type":"new","more":1}' })],
  [500, 'issuing', (path) => ({ path }), { failing: true }],
];

const produced = new Set<string>();

describe.each(Object.keys(document.paths))('%s', (route) => {
  test.each(cases)('%i', async (status, caId, ask, { failing } = {}) => {
    const api = await scene();
    if (failing) api.stack.vault.faults.failBefore('sign', new RenewalError('KmsDenied', 'x'), { times: 9 });
    install(api);
    const event = eventOf(ask(route.replace('{caId}', caId)));
    const { statusCode, headers, body } = await handler(event);
    const answer = JSON.parse(body ?? '');
    expect({ statusCode, answer }).toMatchObject({ statusCode: status });
    expect(headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    });
    if (status !== 200) expect(answer.reqId).toBe('c6af9ac6-7b61-11e6-9a41-93e8deadbeef');
    const judge = judgeOf(route, status);
    expect({ valid: judge(answer), errors: judge.errors }).toMatchObject({ valid: true });
    expect(judge({ ...answer, more: 1 })).toBe(false);
    expect(judge({ ...answer, statusCode: 418 })).toBe(false);
    produced.add(`${route} ${status}`);
  });

  afterAll(() => {
    const statuses = Object.keys(document.paths[route as keyof typeof document.paths].post.responses);
    expect(statuses.filter((status) => !produced.has(`${route} ${status}`))).toEqual([]);
  });
});

test('the document accepts a valid request and rejects others', () => {
  const judge = ajv.compile({ $ref: 'api#/components/schemas/Renewal' });
  expect(judge(good)).toBe(true);
  expect(judge(document.components.schemas.Renewal.example)).toBe(true);
  for (const bad of [
    {},
    { ...good, type: 'new' },
    { ...good, more: 1 },
    { ...good, notAfter: '2031-01-01T00:00:00Z' },
  ]) {
    expect(judge(bad)).toBe(false);
  }
});

describe('the event', () => {
  const path = '/api/v1/pki/ca/issuing/renew';
  test.each<[string, Asked, number]>([
    ['a body in base64', { path, base64: true }, 200],
    ['no content type', { path, headers: { authorization: `Bearer ${tokens.issuing}` } }, 200],
    ['a stage in front of the path', { path: `/prod${path}`, stage: 'prod' }, 200],
    ["another stage's name in front", { path: `/prod${path}`, stage: 'test' }, 404],
    ['another method', { path, method: 'GET', body: '' }, 404],
    [
      'any other path, by $default',
      { path: '/favicon.ico', method: 'GET', body: '', headers: {}, routeKey: '$default' },
      404,
    ],
  ])('%s', async (_, asked, status) => {
    install(await scene());
    const { statusCode, body } = await handler(eventOf(asked));
    expect(statusCode).toBe(status);
    if (status === 404) expect(JSON.parse(body ?? '')).toMatchObject({ statusCode: 404, error: 'NotFound' });
  });

  test('a body over 16 KiB is read if it is shorter when decoded', async () => {
    install(await scene());
    const padded = (length: number) => JSON.stringify(good).padEnd(length);
    expect((await handler(eventOf({ path, base64: true, body: padded(16 * 1024) }))).statusCode).toBe(200);
    expect((await handler(eventOf({ path, base64: true, body: padded(16 * 1024 + 1) }))).statusCode).toBe(400);
  });

  test("begins the log's lines with its id", async () => {
    expect(new Set(begun)).toEqual(new Set(['c6af9ac6-7b61-11e6-9a41-93e8deadbeef']));
  });
});
