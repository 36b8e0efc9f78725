import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ApiAnswer, ApiRequest, RenewalBody } from '../../../lambdas/authority/http/api.ts';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import { tags } from '../../../lambdas/domain/tags.ts';
import type { Stack } from '../world.ts';
import { json, newPath, oldPath, problemOf, scene, tokens, wanted } from './scene.ts';

const issuing = { path: oldPath('issuing'), body: wanted('2031-01-01T00:00:00.000Z') };

function renewalOf({ status, body }: ApiAnswer): RenewalBody {
  if (status !== 200 || !('certificate' in body)) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

describe('200', () => {
  test.each([
    ['the old path', oldPath('root')],
    ['the new path', newPath('root')],
  ])('a root by %s: without a chain, and stored', async (_, path) => {
    const { stack, ask } = await scene();
    const before = stack.certificateOf('root');
    const body = renewalOf(await ask({ path }));
    const certificate = new X509Certificate(body.certificate);
    expect(Object.keys(body)).toEqual(['certificate', 'certificateChain', 'serialNumber']);
    expect(body.certificateChain).toBe('');
    expect(Date.parse(certificate.validTo)).toBe(Date.parse('2040-01-01T00:00:00Z'));
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(Buffer.from(stack.certificateOf('root').der)).toEqual(certificate.raw);
    expect(stack.certificateOf('root')).toMatchObject({ spki: before.spki, serialNumber: body.serialNumber });
    expect(body.serialNumber).toMatch(/^(?!00)(?:[0-9a-f]{2})+$/);
    expect(body.serialNumber).not.toBe(before.serialNumber);
  });

  test('an intermediate: with its parents, the root included', async () => {
    const { stack, ask } = await scene();
    const body = renewalOf(await ask(issuing));
    const certificate = new X509Certificate(body.certificate);
    const root = new X509Certificate(body.certificateChain);
    expect(root.raw).toEqual(Buffer.from(stack.certificateOf('root').der));
    expect(certificate.verify(root.publicKey)).toBe(true);
  });

  test('with IAM, which API Gateway has checked', async () => {
    const { ask } = await scene({ auth: 'iam' });
    expect((await ask({ authorization: undefined })).status).toBe(200);
  });

  test('ignores the schedule: paused, and renewed a moment ago', async () => {
    const { stack, ask } = await scene({
      prepare: (stack) => stack.store.setTags('pki/root', { [tags.paused]: 'true' }),
    });
    expect((await ask()).status).toBe(200);
    stack.clock.advance(1000);
    expect((await ask({ body: wanted('2041-01-01T00:00:00.000Z') })).status).toBe(200);
  });

  test('to the second: a fraction is cut off', async () => {
    const { ask } = await scene();
    const { certificate } = renewalOf(await ask({ body: wanted('2040-01-01T00:00:00.999Z') }));
    expect(Date.parse(new X509Certificate(certificate).validTo)).toBe(Date.parse('2040-01-01T00:00:00Z'));
  });
});

/** Errors in the order of the checks: each request also has all faults of the rows below it. */
const broken = json({ type: 'new', notAfter: 'soon' });
const inOrder: readonly [string, Partial<ApiRequest>, number, string][] = [
  ['route', { path: '/api/v1/pki/ca/none', authorization: undefined, body: Buffer.from('{') }, 404, 'NotFound'],
  ['credentials', { path: oldPath('none'), authorization: undefined, body: Buffer.from('{') }, 401, 'Unauthorized'],
  [
    'JSON',
    { path: oldPath('none'), authorization: `Bearer ${tokens.issuing}`, body: Buffer.from('{') },
    400,
    'BadRequest',
  ],
  [
    'schema',
    { path: oldPath('none'), authorization: `Bearer ${tokens.issuing}`, body: broken },
    422,
    'ValidationFailure',
  ],
  [
    'authority',
    { path: oldPath('none'), authorization: `Bearer ${tokens.issuing}`, body: wanted('2020-01-01T00:00:00.000Z') },
    404,
    'NotFound',
  ],
  [
    'permission',
    { path: oldPath('root'), authorization: `Bearer ${tokens.issuing}`, body: wanted('2020-01-01T00:00:00.000Z') },
    403,
    'PermissionDenied',
  ],
  ['rules', { path: oldPath('root'), body: wanted('2020-01-01T00:00:00.000Z') }, 400, 'BadRequest'],
];

test.each(inOrder)('the order: %s', async (_, request, status, error) => {
  const { ask } = await scene();
  expect(await ask(request)).toMatchObject({ status, body: { reqId: 'request-1', statusCode: status, error } });
});

describe('404', () => {
  test.each<[string, Partial<ApiRequest>]>([
    ['GET', { method: 'GET' }],
    ['lower case', { method: 'post' }],
    ['another path', { path: '/' }],
    ['a trailing slash', { path: `${newPath('root')}/` }],
    ['a doubled slash', { path: `/${newPath('root')}` }],
    ['no caId', { path: '/api/v1/pki/ca//renew' }],
    ['a path in front', { path: `/x${newPath('root')}` }],
    ['an unknown caId', { path: newPath('other') }],
    ['a caId of another case', { path: newPath('ROOT') }],
    ['an encoded caId', { path: newPath('%72oot') }],
    ['a name that every object has', { path: newPath('__proto__') }],
    ['a long one', { path: newPath('a'.repeat(100_000)) }],
  ])('%s', async (_, request) => {
    const { ask } = await scene();
    expect(await ask(request)).toMatchObject({ status: 404, body: { statusCode: 404, error: 'NotFound' } });
  });

  test('with IAM, for any path that API Gateway sent to $default without authorization', async () => {
    const { stack, ask } = await scene({ auth: 'iam' });
    const before = stack.certificateOf('root');
    expect((await ask({ isRouted: false, authorization: undefined })).status).toBe(404);
    expect(stack.certificateOf('root')).toEqual(before);
  });
});

describe('the body', () => {
  test.each<[string, Uint8Array]>([
    ['nothing', Buffer.from('')],
    ['no JSON', Buffer.from('type=existing')],
    ['cut JSON', Buffer.from('{"type":"existing"')],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['nested without end', Buffer.from('['.repeat(16_000))],
    [
      'over 16 KiB, if good',
      Buffer.concat([wanted('2040-01-01T00:00:00.000Z'), Buffer.alloc(16 * 1024)].map((part) => Buffer.from(part))),
    ],
  ])('%s is 400', async (_, body) => {
    const { ask } = await scene();
    expect(await ask({ body })).toMatchObject({ status: 400, body: { error: 'BadRequest' } });
  });

  test('of 16 KiB is read', async () => {
    const { ask } = await scene();
    const good = Buffer.from(wanted('2040-01-01T00:00:00.000Z'));
    const padded = (length: number) => Buffer.concat([good, Buffer.alloc(length - good.length, ' ')]);
    expect((await ask({ body: padded(16 * 1024 + 1) })).status).toBe(400);
    expect((await ask({ body: padded(16 * 1024) })).status).toBe(200);
  });

  const date = '"notAfter":"2040-01-01T00:00:00.000Z"';
  test.each<[string, string, string]>([
    ['null', 'null', 'invalid_type'],
    ['a list', `[{"type":"existing",${date}}]`, 'invalid_type'],
    ['a text', '"existing"', 'invalid_type'],
    ['no type', `{${date}}`, 'invalid_type'],
    ['another type', `{"type":"new-key-pair",${date}}`, 'invalid_value'],
    ['type is no text', `{"type":["existing"],${date}}`, 'invalid_type'],
    ['no notAfter', '{"type":"existing"}', 'invalid_type'],
    ['notAfter is a number', '{"type":"existing","notAfter":2208988800000}', 'invalid_type'],
    ['an unknown field', `{"type":"existing",${date},"force":true}`, 'unrecognized_keys'],
    ['__proto__', `{"type":"existing",${date},"__proto__":{}}`, 'unrecognized_keys'],
    ['__proto__ with what is wanted', `{"__proto__":{"type":"existing",${date}}}`, 'unrecognized_keys'],
    ['type twice', `{"type":"existing","type":"existing",${date}}`, 'duplicate_key'],
    [
      'notAfter twice, one in other letters',
      `{"type":"existing",${date},"not\\u0041fter":"2041-01-01T00:00:00.000Z"}`,
      'duplicate_key',
    ],
    ...[
      '2040-01-01T00:00:00Z',
      '2040-01-01T00:00:00.00Z',
      '2040-01-01T00:00:00.0000Z',
      '2040-01-01T00:00:00.000',
      '2040-01-01T00:00:00.000z',
      '2040-01-01T00:00:00.000+00:00',
      '2040-01-01 00:00:00.000Z',
      '2040-1-1T00:00:00.000Z',
      '2040-02-30T00:00:00.000Z',
      '2041-02-29T00:00:00.000Z',
      '2040-01-01T24:00:00.000Z',
      '2040-01-01T00:00:60.000Z',
      '+012040-01-01T00:00:00.000Z',
      ' 2040-01-01T00:00:00.000Z',
      '2040-01-01T00:00:00.000Z\\n',
      '',
      '٢٠٤٠-01-01T00:00:00.000Z',
    ].map((text): [string, string, string] => [
      `notAfter ${JSON.stringify(text)}`,
      `{"type":"existing","notAfter":"${text}"}`,
      'invalid_format',
    ]),
  ])('%s is 422', async (_, text, code) => {
    const { ask } = await scene();
    const answered = await ask({ body: Buffer.from(text) });
    expect(answered).toMatchObject({ status: 422, body: { statusCode: 422, error: 'ValidationFailure' } });
    expect(problemOf(answered).message).toContainEqual({ code, path: expect.any(Array), message: expect.any(String) });
  });

  test('has all problems in one answer', async () => {
    const { ask } = await scene();
    const { message } = problemOf(await ask({ body: json({ type: 1, notAfter: 'x', more: 1 }) }));
    expect(Array.isArray(message) && message.map(({ code }) => code)).toEqual([
      'invalid_type',
      'invalid_format',
      'unrecognized_keys',
    ]);
  });

  test('may have several lines, a byte order mark and any order of fields', async () => {
    const { ask } = await scene();
    const body = Buffer.from(`\uFEFF{\r\n  ${date},\n "t\\u0079pe" : "existing" }\n`);
    expect((await ask({ body })).status).toBe(200);
  });
});

describe('a lost promotion', () => {
  test.each([
    ['to a longer one: there is nothing left to do', '2041-01-01T00:00:00.000Z', 400],
    ['to a shorter one: it is done anew', '2039-01-01T00:00:00.000Z', 200],
  ])('%s', async (_, theirs, status) => {
    const { stack, ask } = await scene();
    const others: ApiAnswer[] = [];
    stack.faults.meanwhile('before', 'promote', async () => others.push(await ask({ body: wanted(theirs) })));
    expect((await ask()).status).toBe(status);
    expect(others).toMatchObject([{ status: 200 }]);
    const latest = status === 200 ? '2040-01-01T00:00:00Z' : '2041-01-01T00:00:00Z';
    expect(stack.certificateOf('root').notAfter).toBe(Date.parse(latest));
    expect([undefined, stack.versionOf('pki/root')]).toContain(stack.pending('pki/root'));
  });

  test('again and again is 400 in the end, and no failure of the certificate', async () => {
    const { stack, ask } = await scene({
      renewal: (real) => ({ ...real, renewCa: () => Promise.reject(new RenewalError('SecretChanged', 'lost')) }),
    });
    expect(problemOf(await ask())).toMatchObject({
      statusCode: 400,
      message: expect.stringMatching(/try again later/),
    });
    expect(stack.publisher.events).toEqual([]);
  });

  test('concurrent requests leave one new version of each, and none gets 500', async () => {
    const { stack, ask } = await scene();
    const ends = ['2040-01-01', '2041-01-01', '2042-01-01', '2040-01-01'];
    const answers = await Promise.all(ends.map((end) => ask({ body: wanted(`${end}T00:00:00.000Z`) })));
    expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
    expect(stack.certificateOf('root').notAfter).toBe(Date.parse('2042-01-01T00:00:00Z'));
  });
});

describe('500', () => {
  const secret = 'the-secret-that-nobody-must-see';
  test.each<[string, (stack: Stack) => unknown]>([
    ['KMS denies', ({ vault }) => vault.faults.failBefore('sign', new RenewalError('KmsDenied', secret), { times: 9 })],
    [
      'KMS is down',
      ({ vault }) => vault.faults.failBefore('sign', new RenewalError('KmsUnavailable', secret), { times: 9 }),
    ],
    ['a bug', ({ vault }) => vault.faults.failBefore('sign', new TypeError(secret), { times: 9 })],
    [
      'the store is throttled',
      ({ store }) => store.faults.failBefore('read', new RenewalError('Throttled', secret), { times: 9 }),
    ],
    ['the token secret is gone', ({ store }) => store.delete('api/tokens')],
    ['the token secret is no JSON', ({ store }) => store.write('api/tokens', `{"${secret}`)],
    [
      'the secret of the authority holds something else',
      ({ store }) => store.write('pki/root', JSON.stringify({ secret })),
    ],
  ])('%s: the answer has nothing internal, and the log has it', async (_, prepare) => {
    const { stack, ask } = await scene({ prepare });
    expect(await ask()).toEqual({
      status: 500,
      body: { reqId: 'request-1', statusCode: 500, message: 'Something went wrong.', error: 'InternalServerError' },
    });
    expect(stack.journal.failures).toContainEqual(expect.objectContaining({ reqId: 'request-1', status: 500 }));
  });
});
