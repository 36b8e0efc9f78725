import { expect, test } from 'vitest';
import type { ApiRequest } from '../../../lambdas/authority/http/api.ts';
import { oldPath, type Prepare, scene, wanted } from './scene.ts';

const issuing = { path: oldPath('issuing'), body: wanted('2031-01-01T00:00:00.000Z') };

const empty =
  (name: string): Prepare =>
  ({ store }) =>
    store.write(`pki/${name}`, '{}');

const change =
  (name: string, more: { disabled?: true; parent?: undefined }): Prepare =>
  ({ authorities }) => {
    const present = authorities.all.get(name);
    if (!present) throw new Error(`no authority ${name}`);
    const { parent, ...rest } = present;
    authorities.set({
      ...rest,
      ...(parent !== undefined && !('parent' in more) && { parent }),
      ...(more.disabled && { disabled: true }),
    });
  };

test.each<[string, Partial<ApiRequest>, RegExp, Prepare?]>([
  ['no certificate yet', {}, /root has no certificate yet/, empty('root')],
  [
    'a secret that never had a value',
    {},
    /root has no certificate yet/,
    (stack) => {
      const present = stack.authorities.all.get('root');
      if (present) stack.authorities.set({ ...present, secretId: stack.store.add({ name: 'pki/empty' }) });
    },
  ],
  ['no certificate of the parent yet', issuing, /authority root has no certificate yet/, empty('root')],
  ['disabled', {}, /root is disabled/, change('root', { disabled: true })],
  ['the parent disabled', issuing, /parent authority root is disabled/, change('root', { disabled: true })],
  ['notAfter past', { body: wanted('2020-01-01T00:00:00.000Z') }, /not later than now/],
  ['notAfter now', { body: wanted('2026-11-22T12:00:00.999Z') }, /not later than now/],
  ["notAfter before today's", { body: wanted('2030-01-01T00:00:00.000Z') }, /not later than that of the current/],
  [
    "notAfter beyond the parent's",
    { ...issuing, body: wanted('2039-01-01T00:00:00.000Z') },
    /beyond the end of the parent/,
  ],
  [
    'a parent outside of the stack',
    issuing,
    /issued by a CA outside of this stack/,
    change('issuing', { parent: undefined }),
  ],
])('%s is 400, and nothing is signed or written', async (_, request, message, prepare = () => undefined) => {
  const { stack, ask } = await scene({ prepare });
  const writes = () => stack.faults.count('stage') + stack.faults.count('sign');
  const before = writes();
  expect(await ask(request)).toEqual({
    status: 400,
    body: { reqId: 'request-1', statusCode: 400, message: expect.stringMatching(message), error: 'BadRequest' },
  });
  expect(writes()).toBe(before);
});

test.each([
  ["at today's own end", 0, 400],
  ['a second later', 1000, 200],
  ['less than a second later', 999, 400],
])('the least notAfter: %s', async (_, more, status) => {
  const { stack, ask } = await scene();
  const end = stack.certificateOf('root').notAfter;
  expect((await ask({ body: wanted(new Date(end + more).toISOString()) })).status).toBe(status);
});

test.each([
  ["at the parent's end", 0, 200],
  ['a second later', 1000, 400],
])('the latest notAfter: %s', async (_, more, status) => {
  const { stack, ask } = await scene();
  const end = stack.certificateOf('root').notAfter;
  expect((await ask({ ...issuing, body: wanted(new Date(end + more).toISOString()) })).status).toBe(status);
});
