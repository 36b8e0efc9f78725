import { describe, expect, test } from 'vitest';
import { bearerToken, parseTokens, permittedAuthorities } from '../../../lambdas/authority/http/tokens.ts';
import { problemOf, scene, sha256, tokenSecret, tokens } from './scene.ts';

describe('the Authorization header', () => {
  test.each<[string, string | undefined, number]>([
    ['a token', `Bearer ${tokens.all}`, 200],
    ['the scheme in lower case', `bearer ${tokens.all}`, 200],
    ['none', undefined, 401],
    ['an empty one', '', 401],
    ['the scheme alone', 'Bearer ', 401],
    ['the token alone', tokens.all, 401],
    ['Basic', `Basic ${tokens.all}`, 401],
    ['an unknown token', `Bearer ${tokens.unknown}`, 401],
    ['one that ended', `Bearer ${tokens.ended}`, 401],
    ['one in other letters', `Bearer ${tokens.all.toLowerCase()}`, 401],
    ['one with more behind it', `Bearer ${tokens.all}x`, 401],
    ['two', `Bearer ${tokens.all}, Bearer ${tokens.all}`, 401],
    ['a line break', `Bearer ${tokens.all}\r\n`, 401],
    ['its hash, which the secret holds', `Bearer ${sha256(tokens.all)}`, 401],
    ['an endless one', `Bearer ${'a'.repeat(1_000_000)}`, 401],
  ])('%s', async (_, authorization, status) => {
    const { stack, ask } = await scene();
    const answered = await ask({ authorization });
    expect(answered.status).toBe(status);
    if (status === 200) return;
    expect(problemOf(answered)).toMatchObject({ error: 'Unauthorized', message: expect.any(String) });
    expect(JSON.stringify([answered, stack.journal.failures])).not.toContain(tokens.all);
  });

  test('without a token nothing is read', async () => {
    const { stack, ask } = await scene();
    const reads = stack.faults.count('read');
    await ask({ authorization: undefined });
    expect(stack.faults.count('read')).toBe(reads);
  });

  test('a short token is invalid, even if the secret contains it', async () => {
    const short = 'hunter2';
    const entry = { sha256: sha256(short), authorities: ['root'] };
    const { ask } = await scene({ prepare: ({ store }) => store.write('api/tokens', JSON.stringify([entry])) });
    expect((await ask({ authorization: `Bearer ${short}` })).status).toBe(401);
    expect(bearerToken(`Bearer ${'x'.repeat(31)}`)).toBeUndefined();
    expect(bearerToken(`Bearer ${'x'.repeat(32)}`)).toBe('x'.repeat(32));
  });

  test('a token that is removed from the secret is invalid at once', async () => {
    const { stack, ask } = await scene();
    expect((await ask()).status).toBe(200);
    stack.store.write('api/tokens', '[]');
    expect((await ask()).status).toBe(401);
  });
});

test('403 names the missing permission, and not the existing ones', async () => {
  const { ask } = await scene();
  const problem = problemOf(await ask({ authorization: `Bearer ${tokens.issuing}` }));
  expect(problem).toEqual({
    reqId: 'request-1',
    statusCode: 403,
    message: expect.stringMatching(/may not renew .* root/),
    error: 'PermissionDenied',
    details: [{ action: 'renew', subject: 'certificate-authority', caId: 'root' }],
  });
});

describe('the token secret', () => {
  const text = (value: unknown) => parseTokens({ kind: 'string', text: JSON.stringify(value) });
  const entry = { sha256: sha256(tokens.all), authorities: ['root'] };
  const now = Date.parse('2026-11-22T12:00:00Z');
  const may = (entries: unknown[]) => permittedAuthorities(tokens.all, text(entries), now);

  test('a token in two entries has the permissions of both, as long as each is valid', () => {
    const other = { sha256: sha256(tokens.all).toUpperCase(), authorities: ['issuing'] };
    expect(may([entry, ...tokenSecret.slice(1), other])).toEqual(new Set(['root', 'issuing']));
    expect(may([entry, { ...other, expires: '2026-11-22T12:00:00Z' }])).toEqual(new Set(['root']));
    expect(may([{ ...entry, expires: '2026-11-22T12:00:00.500Z' }])).toEqual(new Set(['root']));
    expect(may([{ ...entry, expires: '2026-11-22T11:59:59Z' }])).toBeUndefined();
    expect(may([])).toBeUndefined();
    expect(may([{ ...entry, authorities: [] }])).toEqual(new Set());
  });

  test.each<[string, unknown]>([
    ['no list', {}],
    ['the token itself', [{ token: tokens.all, authorities: ['root'] }]],
    ['a short hash', [{ ...entry, sha256: 'abcd' }]],
    ['a hash that is none', [{ ...entry, sha256: 'g'.repeat(64) }]],
    ['no authorities', [{ sha256: entry.sha256 }]],
    ['authorities as text', [{ ...entry, authorities: 'root' }]],
    ['a field that is misspelt', [{ ...entry, expire: '2020-01-01T00:00:00Z' }]],
    ['a date that is none', [{ ...entry, expires: '2026-02-30T00:00:00Z' }]],
    ['a date without a zone', [{ ...entry, expires: '2026-02-03T00:00:00' }]],
    ['a day', [{ ...entry, expires: '2026-02-03' }]],
    ['one bad entry among good ones', [entry, null]],
  ])('%s is invalid, and its message quotes nothing', (_, value) => {
    expect(() => text(value)).toThrow(expect.objectContaining({ code: 'Internal' }));
    expect(() => text(value)).not.toThrow(new RegExp(`${tokens.all}|${entry.sha256}`));
  });

  test('binary data is invalid', () => {
    expect(() => parseTokens({ kind: 'binary', bytes: Buffer.from('[]') })).toThrow(/binary/);
  });
});
