/** Time limits: unfinished work is given up in order, logged and handed back, and the next try succeeds. */
import { expect, it } from 'vitest';
import { callRules } from '../../lambdas/domain/calls.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { issuing, World } from './world.ts';

/** Limits that a test can end at any time. */
function limitsByHand() {
  const controllers = { begin: new AbortController(), work: new AbortController(), answer: new AbortController() };
  const { begin, work, answer } = controllers;
  return { controllers, limits: { begin: begin.signal, work: work.signal, answer: answer.signal } };
}

const never = () => new Promise<never>(() => {});
const methods = ['describe', 'read', 'find', 'renew', 'stage', 'promote', 'publish', 'tag'] as const;

it.each(methods)('a call that hangs: %s', async (method) => {
  const world = new World();
  const arn = world.enrol({ tags: { [tags.mode]: 'renew' } });
  const { controllers, limits } = limitsByHand();
  const outOfTime = () => {
    controllers.begin.abort();
    controllers.work.abort();
    if (method === 'tag' || method === 'publish') controllers.answer.abort();
    return never();
  };
  const { faults } = { renew: world.ca, find: world.profiles }[method as string] ?? world;
  faults.meanwhile('before', method, outOfTime, { times: 1 });
  world.limitTo({ limits });
  const outcome = await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  expect(faults.count(method)).toBeGreaterThan(0);
  // A promoted version counts as renewed, even without its event and tags: the next scan makes up for these.
  if (method !== 'tag' && method !== 'publish') {
    expect(outcome).toEqual({ retryAfter: 30 });
    expect(world.journal.failures.at(0)?.error).toMatchObject({
      code: method === 'renew' ? 'CaUnavailable' : callRules[method].over,
      retryable: true,
      message: expect.stringMatching(/ran out of time/),
    });
  }
  world.limitTo({});
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
  expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  expect(world.ca.issued.length).toBeLessThanOrEqual(method === 'stage' ? 2 : 1);
  expect([undefined, world.versionOf(arn)]).toContain(world.pending(arn));
  expect(world.publisher.events.some(({ type }) => type === 'Certificate Renewed')).toBe(true);
  expect(world.store.tagsOf(arn)[tags.versionId]).toBe(world.versionOf(arn));
});

it.each(['declaration', 'issue', 'stage', 'promote'] as const)(
  'of a declared certificate, a call that hangs: %s',
  async (method) => {
    const world = new World(issuing);
    const arn = await world.declareCertificate();
    const { controllers, limits } = limitsByHand();
    const outOfTime = async () => {
      await new Promise((resolve) => setImmediate(resolve)); // until the concurrent reads have finished
      controllers.begin.abort();
      controllers.work.abort();
      return never();
    };
    const { faults } = method === 'issue' ? world.ca : world;
    faults.meanwhile('before', method, outOfTime, { times: 1 });
    world.limitTo({ limits });
    expect(await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1)).toEqual({ retryAfter: 30 });
    expect(faults.count(method)).toBeGreaterThan(0);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.publisher.events).toEqual([]);
    const error = world.journal.failures.at(0)?.error;
    const of = { declaration: 'SSM', issue: 'the CA', stage: 'Secrets Manager', promote: 'Secrets Manager' }[method];
    expect(error).toMatchObject({ code: method === 'issue' ? 'CaUnavailable' : 'Internal', retryable: true });
    expect(String(error)).toMatch(new RegExp(`ran out of time while it waited for ${of}`));
    world.limitTo({});
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
    expect(world.ca.issued.length).toBeLessThanOrEqual(method === 'stage' ? 2 : 1);
    const { [tags.declared]: declared, ...noted } = world.store.tagsOf(arn);
    expect(noted).toMatchObject({ [tags.versionId]: world.versionOf(arn), [tags.issued]: declared });
    expect(noted).not.toHaveProperty([tags.failure]);
    expect(world.publisher.of('Certificate Renewed')).toMatchObject([{ detail: { operation: 'issue' } }]);
  },
);

it('when no CA may be asked any more, nothing is issued, and the message goes back', async () => {
  const world = new World(issuing);
  const arn = await world.declareCertificate();
  const { controllers, limits } = limitsByHand();
  world.faults.meanwhile('after', 'read', () => controllers.begin.abort());
  world.limitTo({ limits });
  expect(await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1)).toEqual({ retryAfter: 30 });
  expect(world.ca.faults.calls).toEqual([]);
  expect(world.faults.count('stage')).toBe(0);
});

it('after the limit no call is started', async () => {
  const world = new World();
  const arn = world.enrol();
  const { controllers, limits } = limitsByHand();
  for (const controller of Object.values(controllers)) controller.abort();
  world.limitTo({ limits });
  const outcome = await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  expect(outcome).toEqual({ retryAfter: 30 });
  expect(world.faults.calls).toEqual([]);
});

it('a time-out at the last delivery is reported with its code', async () => {
  const world = new World();
  const arn = world.enrol();
  const { controllers, limits } = limitsByHand();
  world.faults.meanwhile('before', 'read', () => {
    controllers.work.abort();
    return never();
  });
  world.limitTo({ limits });
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 3);
  const [event] = world.publisher.of('Certificate Renewal Failed');
  expect(event?.detail).toMatchObject({ code: 'Internal', retryable: true });
});
