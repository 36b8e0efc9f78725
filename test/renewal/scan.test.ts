import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { World } from './world.ts';
import { due, zoo } from './zoo.ts';

const all = { force: false, dryRun: false };

const expected: Record<string, string> = {
  fresh: 'skip NotDue',
  due: 'rekey Expiring',
  overdue: 'rekey Expiring',
  expired: 'rekey Expired',
  new: 'inspect Unknown',
  replaced: 'inspect Unknown',
  paused: 'skip Paused',
  resting: 'skip Paused',
  'backing-off': 'skip BackingOff',
  'bad-tag': 'skip InvalidTag',
  'unknown-profile': 'skip UnknownProfile',
  replica: 'skip Replica',
  rotated: 'skip RotationEnabled',
  managed: 'skip ManagedByService',
  deleted: 'skip SecretNotFound',
  empty: 'skip NotDue',
};

/** The members that the scan needs. The store's methods are in its class, so it can't be spread. */
const scanWorldOf = ({ store, profiles, queue, publisher, journal, clock, untilNextScan, continueLater }: World) => ({
  store,
  profiles,
  queue,
  publisher,
  journal,
  clock,
  untilNextScan,
  continueLater,
});

const counts = ({ plan: _, durationMs: __, ...rest }: ScanResult) => rest;
const seen = {
  listed: 16,
  enqueued: 5,
  notDue: 6,
  paused: 2,
  backingOff: 1,
  waiting: 0,
  invalid: 2,
  unknown: 2,
  overdue: 7,
};

describe('the scan', () => {
  it('plans without any change', async () => {
    const world = zoo();
    const result = await scan(world, { force: false, dryRun: true });
    // Every secret has its hour for the day's inspection. This one must not have it now.
    const plan = Object.fromEntries(result.plan.map(({ name, action, reason }) => [name, `${action} ${reason.code}`]));
    if (plan['fresh'] === 'inspect Unknown') plan['fresh'] = 'skip NotDue';
    expect(plan).toEqual(expected);
    for (const { secretArn, profile, reason, notAfter, renewAt } of result.plan) {
      expect(secretArn).toMatch(/^arn:/);
      expect(profile).toMatch(/^(internal|resting|nowhere)$/);
      expect(reason.message).toMatch(/\S/);
      for (const time of [notAfter, renewAt]) expect(time === null || /^\d{4}-.*Z$/.test(time)).toBe(true);
    }
    expect(world.queue.sent).toEqual([]);
    expect(world.publisher.events).toEqual([]);
    expect(world.faults.calls.map(({ method }) => method)).toEqual(['list']);
  });

  it('counts, sends and reports', async () => {
    const world = zoo();
    const result = await scan(world, all);
    const inspections = result.unknown - seen.unknown;
    expect(counts(result)).toEqual({
      ...seen,
      enqueued: seen.enqueued + inspections,
      notDue: seen.notDue - inspections,
      unknown: seen.unknown + inspections,
    });
    expect(result.plan).toEqual([]);
    expect(world.queue.sent).toHaveLength(result.enqueued);
    for (const message of world.queue.sent) expect(Object.keys(message).sort()).toEqual(['secretArn', 'versionId']);
    const byType = (type: string) => world.publisher.events.filter((event) => event.type === type);
    expect(byType('Certificate Renewal Failed')).toMatchObject([
      { detail: { code: 'InvalidTag', name: 'bad-tag', retryable: false } },
    ]);
    expect(byType('Certificate Renewal Overdue')).toHaveLength(seen.overdue);
    expect(byType('Scan Completed')).toMatchObject([{ detail: { listed: 16 } }]);
    expect(world.journal.total('Managed', 'internal')).toBe(14);
    expect(world.journal.total('Managed', 'nowhere')).toBe(0);
    expect(
      world.journal.metrics.find(({ metric, profile }) => metric === 'SecondsToExpiry' && profile === 'internal')
        ?.value,
    ).toBe(-86_400);
    expect(world.faults.count('read')).toBe(0);
  });

  it('takes one profile, or some secrets, or all with force', async () => {
    expect((await scan(zoo(), { ...all, profile: 'resting' })).listed).toBe(1);
    expect((await scan(zoo(), { ...all, secretIds: ['due', 'paused'] })).listed).toBe(2);
    const world = zoo();
    const arn = world.store.summary('due').arn;
    expect((await scan(world, { ...all, secretIds: [arn] })).enqueued).toBe(1);
    const forced = await scan(zoo(), { ...all, force: true });
    expect(counts(forced)).toMatchObject({
      listed: 16,
      enqueued: 9,
      paused: 0,
      backingOff: 0,
      waiting: 0,
      notDue: 5,
      invalid: 2,
      unknown: 0,
    });
  });

  it('reports which requested secrets are missing', async () => {
    const world = zoo();
    const arn = world.store.summary('due').arn;
    const ask = (more: object) => scan(world, { ...all, dryRun: true, ...more });
    expect((await ask({ secretIds: ['due', 'gone', 'not-ours', 'gone', `${arn}x`] })).notFound).toEqual([
      'gone',
      'not-ours',
      `${arn}x`,
    ]);
    // An enrolled secret is found in any state, by its name and by its ARN.
    const found = await ask({ secretIds: ['due', arn, 'paused', 'bad-tag', 'replica', 'deleted', 'unknown-profile'] });
    expect(found).toMatchObject({ listed: 6, notFound: [] });
    // A secret of another profile than the requested one is missing too.
    expect(await ask({ secretIds: ['due'], profile: 'resting' })).toMatchObject({ listed: 0, notFound: [] });
    expect(await ask({})).not.toHaveProperty('notFound');
    expect(await ask({ profile: 'resting' })).not.toHaveProperty('notFound');
  });

  it('counts and sends a secret once that is on two pages of the listing', async () => {
    const world = zoo();
    const store = Object.assign(Object.create(world.store), {
      async *list() {
        for await (const page of world.store.list()) yield* [page, page];
      },
    });
    expect(counts(await scan({ ...scanWorldOf(world), store }, all))).toEqual(seen);
    expect(world.queue.sent).toHaveLength(seen.enqueued);
  });

  it('refuses a profile that the stack does not have, before anything is listed', async () => {
    const authorities = new FakeAuthorities(authority('root'), authority('issuing'));
    for (const [profile, says] of [
      ['nowhere', /no profile "nowhere".*authority:root, authority:issuing/],
      ['root', /no profile "root"/],
      ['authority:gone', /no profile "authority:gone"/],
      ['authority:internal', /no profile/],
    ] as const) {
      for (const dryRun of [true, false]) {
        const world = zoo();
        const asked = scan({ ...scanWorldOf(world), authorities }, { force: true, dryRun, profile });
        await expect(asked).rejects.toMatchObject({ code: 'InvalidRequest', message: expect.stringMatching(says) });
        expect([world.faults.calls, world.queue.sent, world.publisher.events]).toEqual([[], [], []]);
      }
    }
    await expect(scan(zoo(), { ...all, profile: 'authority:root' })).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it('takes an authority as a profile', async () => {
    const world = zoo();
    world.store.add({ name: 'pki/root', value: '{}', versionId: 'v1', tags: due });
    const authorities = new FakeAuthorities(authority('root'));
    const asked = { ...all, profile: 'authority:root' };
    expect(await scan({ ...scanWorldOf(world), authorities }, asked)).toMatchObject({ listed: 1, enqueued: 1 });
    const named = { ...asked, secretIds: ['pki/root', 'gone'] };
    expect((await scan({ ...scanWorldOf(world), authorities }, named)).notFound).toEqual(['gone']);
  });

  it('has one count for each listed secret, and sends the same counts in its event', async () => {
    const world = zoo();
    const { plan: _, ...result } = await scan(world, all);
    const { listed, enqueued, notDue, paused, backingOff, waiting, invalid } = result;
    expect(listed).toBe(enqueued + notDue + paused + backingOff + waiting + invalid);
    expect(world.publisher.of('Scan Completed').map(({ detail }) => detail)).toEqual([result]);
  });

  it('passes force on in the message', async () => {
    const world = zoo();
    await scan(world, { ...all, force: true, secretIds: ['fresh'] });
    expect(world.queue.sent).toMatchObject([{ force: true, versionId: 'v1' }]);
  });

  it('fails if it can’t list or send', async () => {
    for (const method of ['list', 'send']) {
      const world = zoo();
      world.faults.failBefore(method, new RenewalError('Throttled', 'Slow down.'), { times: 9 });
      await expect(scan(world, all)).rejects.toMatchObject({ name: 'Throttled' });
    }
  });

  it('has nothing to do after its workers are done', async () => {
    const world = new World();
    for (let i = 0; i < 30; i++) world.enrol({ name: `s${i}` });
    expect(await scan(world, all)).toMatchObject({ listed: 30, enqueued: 30, unknown: 30 });
    for (const message of world.queue.sent) await renewQueued(world, message, 1);
    expect(world.journal.total('Renewed')).toBe(30);
    const { enqueued, unknown } = await scan(world, all);
    expect(enqueued).toBe(unknown); // except for the day's inspections
    expect(unknown).toBeLessThan(8);
  });

  it('lists ten thousand, page by page', async () => {
    const world = new World();
    for (let i = 0; i < 10_000; i++)
      world.store.add({ name: `s${i}`, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...due } });
    const result = await scan(world, { force: false, dryRun: true });
    expect(result).toMatchObject({ listed: 10_000, enqueued: 10_000, planTruncated: true });
    expect(result.plan).toHaveLength(5000);
    expect(world.faults.count('list')).toBe(100);
  });
});
