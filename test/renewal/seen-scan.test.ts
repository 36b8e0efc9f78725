/** Unit tests of a scan: messages and events, the sums, the plan, and the selection. */
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../lambdas/domain/decision.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { ScanSums } from '../../lambdas/domain/request.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { Judgement } from '../../lambdas/policy/judgement.ts';
import { candidates } from '../../lambdas/renewal/scan/candidates.ts';
import { conclude, Outbox, planEntry } from '../../lambdas/renewal/scan/outbox.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { findAuthorities, parentsFirst } from '../../lambdas/renewal/scan/scan-authorities.ts';
import { requireProfile, Selection } from '../../lambdas/renewal/scan/selection.ts';
import { Tally } from '../../lambdas/renewal/scan/tally.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { hour, start, World } from './world.ts';
import { zoo } from './zoo.ts';

const world = new World();
const arn = world.store.add({ name: 'web/tls', value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal' } });
const secret = world.store.summary(arn);
const skip = (code: Decision['code']): Decision => ({ action: 'skip', code, message: 'why' });
const renewing: Decision = { action: 'rekey', code: 'Expiring', message: 'soon' };
const inspecting: Decision = { action: 'inspect', code: 'Unknown', message: 'not known' };
const validity = { notBefore: start - hour, end: start + 23 * hour };
const knownStatus = { known: true, validity, failure: undefined } as const;
const unknownStatus = { known: false } as const;
const time = { renewAt: start + 16 * hour, warnings: [], dueCode: 'Expiring', window: hour } as const;

const judged = (decision: Decision, more: Partial<Judgement> = {}): Judgement => ({
  secret,
  profile: 'internal',
  decision,
  status: knownStatus,
  time,
  overdue: false,
  ...more,
});

describe('the sums', () => {
  it.each<[Decision, string]>([
    [skip('Paused'), 'paused'],
    [skip('BackingOff'), 'backingOff'],
    [skip('UnsupportedSecret'), 'backingOff'],
    [skip('WaitingForCa'), 'waiting'],
    [skip('InvalidTag'), 'invalid'],
    [skip('UnknownProfile'), 'invalid'],
    [skip('NotDue'), 'notDue'],
    [skip('Replica'), 'notDue'],
    [renewing, 'enqueued'],
    [inspecting, 'enqueued'],
  ])('count %j as %s', (decision, bucket) => {
    const tally = new Tally();
    tally.add(judged(decision), start);
    const none = { enqueued: 0, notDue: 0, paused: 0, backingOff: 0, waiting: 0, invalid: 0 };
    const unknown = decision.action === 'inspect' ? 1 : 0;
    expect(tally.counts(5)).toEqual({ ...none, [bucket]: 1, listed: 1, unknown, overdue: 0, durationMs: 5 });
  });

  it('have the shortest time to an end for each profile, in whole seconds', () => {
    const tally = new Tally();
    const until = (end: number): Partial<Judgement> => ({
      status: { ...knownStatus, validity: { ...validity, end } },
    });
    for (const end of [start + 5000, start + 3999, start + 8000]) tally.add(judged(renewing, until(end)), start);
    tally.add(judged(renewing, { profile: 'other', status: unknownStatus }), start);
    expect([...tally.profiles]).toEqual([
      ['internal', { managed: 3, overdue: 0, secondsToExpiry: 3 }],
      ['other', { managed: 1, overdue: 0, secondsToExpiry: undefined }],
    ]);
  });

  it('count overdue certificates, in all and by profile', () => {
    const tally = new Tally();
    tally.add(judged(renewing, { overdue: true }), start);
    tally.add(judged(renewing), start);
    expect(tally.counts(0).overdue).toBe(1);
    expect(tally.profiles.get('internal')?.overdue).toBe(1);
  });

  it('have no profile for a tag with an unknown one', () => {
    const tally = new Tally();
    tally.add(judged(skip('UnknownProfile'), { profile: 'nowhere' }), start);
    expect([...tally.profiles]).toEqual([]);
    expect(tally.counts(0).invalid).toBe(1);
  });

  it('continue those of an earlier invocation, which stay as they were', () => {
    const sums: ScanSums = {
      ...{ enqueued: 1, notDue: 2, paused: 3, backingOff: 4, waiting: 5, invalid: 6, unknown: 7, overdue: 8 },
      profiles: { internal: { managed: 9, overdue: 2, secondsToExpiry: 10 } },
    };
    const tally = new Tally(sums);
    expect(tally.sums()).toEqual(sums);
    tally.add(judged(inspecting, { overdue: true }), start);
    expect(tally.sums()).toEqual({
      ...sums,
      ...{ enqueued: 2, unknown: 8, overdue: 9 },
      profiles: { internal: { managed: 10, overdue: 3, secondsToExpiry: 10 } },
    });
    expect(sums.profiles['internal']).toEqual({ managed: 9, overdue: 2, secondsToExpiry: 10 });
    expect(tally.counts(0).listed).toBe(22);
  });
});

describe('the plan', () => {
  it('says what is known about a secret', () => {
    expect(planEntry(judged(renewing))).toEqual({
      secretArn: arn,
      name: 'web/tls',
      profile: 'internal',
      action: 'rekey',
      reason: { code: 'Expiring', message: 'soon' },
      notAfter: '2026-11-23T11:00:00Z',
      renewAt: '2026-11-23T04:00:00Z',
    });
  });

  it.each([unknownStatus, { ...knownStatus, validity: undefined }])('and null for unknown values', (status) => {
    expect(planEntry(judged(inspecting, { status, time: undefined }))).toMatchObject({ notAfter: null, renewAt: null });
  });
});

it('a plan with all listed secrets is not truncated', async () => {
  const result = await scan(zoo(), { force: false, dryRun: true });
  expect(result.plan).toHaveLength(result.listed);
  expect(result).not.toHaveProperty('planTruncated');
});

describe('the messages and events of a page', () => {
  async function posted(pages: readonly (readonly Judgement[])[], force = false) {
    const world = new World();
    let flushes = 0;
    world.publisher.flush = () => {
      flushes += 1;
    };
    const outbox = new Outbox(world);
    for (const page of pages) await outbox.add(page, force);
    await outbox.close();
    const sends = world.faults.calls
      .filter(({ method }) => method === 'send')
      .map(({ args: [sent] }) => (Array.isArray(sent) ? sent.length : 0));
    return { world, sends, flushes: () => flushes };
  }

  it('are sent in calls of ten messages; the rest comes with the next page or at the end', async () => {
    const page = (length: number) => Array.from({ length }, () => judged(renewing));
    expect((await posted([page(10)])).sends).toEqual([10]);
    expect((await posted([page(25), page(6)])).sends).toEqual([20, 10, 1]);
    expect((await posted([page(0)])).sends).toEqual([]);
  });

  it('name the version, and force if it was requested', async () => {
    const message = { secretArn: arn, versionId: 'v1' };
    expect((await posted([[judged(renewing)]])).world.queue.sent).toEqual([message]);
    expect((await posted([[judged(renewing)]], true)).world.queue.sent).toEqual([{ ...message, force: true }]);
  });

  it('leave out skipped secrets and those without a value', async () => {
    const empty = { ...secret, currentVersionId: undefined };
    const { world } = await posted([[judged(skip('Paused')), judged(renewing, { secret: empty })]]);
    expect(world.queue.sent).toEqual([]);
  });

  it('log every decision except for NotDue, and send the page’s events at once', async () => {
    const { world, flushes } = await posted([[judged(renewing), judged(skip('NotDue'))], [judged(skip('Paused'))]]);
    expect(world.journal.decisions).toEqual([
      { secretArn: arn, reason: { code: 'Expiring', message: 'soon' }, action: 'rekey', profile: 'internal' },
      { secretArn: arn, reason: { code: 'Paused', message: 'why' }, action: 'skip', profile: 'internal' },
    ]);
    expect(world.publisher.events).toEqual([]);
    expect(flushes()).toBe(2);
  });

  it.each<[string, Judgement['status'], number, string | null]>([
    ['the first time', knownStatus, 1, '2026-11-23T11:00:00Z'],
    ['again', { ...knownStatus, failure: { count: 4, at: start, code: 'InvalidTag' } }, 5, '2026-11-23T11:00:00Z'],
    ['where nothing is known', unknownStatus, 1, null],
  ])('report an invalid tag: %s', async (_, status, failures, notAfter) => {
    const { world } = await posted([[judged(skip('InvalidTag'), { status })]]);
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Renewal Failed',
        secretArn: arn,
        detail: {
          ...{ secretArn: arn, name: 'web/tls', profile: 'internal', code: 'InvalidTag', message: 'why' },
          ...{ retryable: false, failures, notAfter },
        },
      },
    ]);
  });

  it('report an overdue certificate with any decision', async () => {
    const { world } = await posted([[judged(skip('NotDue'), { overdue: true })]]);
    expect(world.journal.decisions).toEqual([]);
    const times = { renewAt: '2026-11-23T04:00:00Z', notAfter: '2026-11-23T11:00:00Z' };
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Renewal Overdue',
        secretArn: arn,
        detail: { secretArn: arn, name: 'web/tls', profile: 'internal', ...times },
      },
    ]);
  });

  it('fail if the queue or the bus fails', async () => {
    for (const method of ['send', 'publish']) {
      const world = new World();
      world.faults.failBefore(method, new RenewalError('AccessDenied', 'no'));
      const outbox = new Outbox(world);
      const page = Array.from({ length: 10 }, () => judged(renewing, { overdue: true }));
      await outbox.add(page, false);
      await expect(outbox.close()).rejects.toMatchObject({ code: 'AccessDenied' });
    }
  });
});

it('a page that could not be sent fails when its result is awaited, without an unhandled rejection', async () => {
  const world = new World();
  world.faults.failBefore('send', new RenewalError('AccessDenied', 'no'));
  const unhandled: unknown[] = [];
  const hear = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const outbox = new Outbox(world);
  const page = Array.from({ length: 10 }, () => judged(renewing));
  await outbox.add(page, false);
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', hear);
  await expect(outbox.close()).rejects.toMatchObject({ code: 'AccessDenied' });
  expect(unhandled).toEqual([]);
});

describe('the candidates', () => {
  async function pages(authorities: FakeAuthorities | undefined, from?: string) {
    const world = Object.assign(new World(), authorities && { authorities });
    for (const name of ['pki/root', 'web/tls']) {
      world.store.add({ name, value: '{}', tags: { [tags.profile]: 'internal' } });
    }
    const found: string[][] = [];
    for await (const page of candidates(world, from)) {
      found.push(page.map(({ secret, authority }) => `${authority?.name ?? '-'} ${secret.name}`));
    }
    return found;
  }
  const root = () => new FakeAuthorities(authority('root'));

  it('are the authorities first, and each secret once', async () => {
    expect(await pages(root())).toEqual([['root pki/root'], ['- web/tls']]);
  });

  it('are only the remaining secrets if a scan continues', async () => {
    expect(await pages(root(), '0')).toEqual([['- web/tls']]);
  });

  it('are one page if there is no authority, or none that can be read', async () => {
    expect(await pages(undefined)).toEqual([['- pki/root', '- web/tls']]);
    expect(await pages(new FakeAuthorities())).toEqual([['- pki/root', '- web/tls']]);
    expect(await pages(new FakeAuthorities(authority('gone')))).toEqual([['- pki/root', '- web/tls']]);
    const lacking = root();
    lacking.find = async () => undefined;
    expect(await findAuthorities({ ...world, authorities: lacking })).toEqual([]);
    expect(world.journal.failures).toEqual([]);
    expect(await pages(lacking)).toEqual([['- pki/root', '- web/tls']]);
  });
});

it('a scan ends with its metrics and its event', async () => {
  const world = new World();
  let flushes = 0;
  world.publisher.flush = () => {
    flushes += 1;
  };
  const tally = new Tally();
  tally.add(judged(renewing, { overdue: true }), start);
  tally.add(judged(inspecting, { profile: 'other', status: unknownStatus }), start);
  await conclude(world, tally, tally.counts(7));
  expect(world.journal.metrics).toEqual([
    { metric: 'Managed', profile: 'internal', value: 1 },
    { metric: 'Overdue', profile: 'internal', value: 1 },
    { metric: 'SecondsToExpiry', profile: 'internal', value: 23 * 3600 },
    { metric: 'Managed', profile: 'other', value: 1 },
    { metric: 'Overdue', profile: 'other', value: 0 },
  ]);
  expect(world.publisher.events).toEqual([{ type: 'Scan Completed', detail: tally.counts(7) }]);
  expect(flushes).toBe(1);
});

describe('the selection', () => {
  const candidate = { secret };

  it('is all, or one profile, or some names and ARNs', () => {
    const of = (request: object) => new Selection({ force: false, dryRun: false, ...request }).of([candidate]).length;
    expect(of({})).toBe(1);
    expect(of({ profile: 'internal' })).toBe(1);
    expect(of({ profile: 'other' })).toBe(0);
    expect(of({ secretIds: ['web/tls'] })).toBe(1);
    expect(of({ secretIds: [arn] })).toBe(1);
    expect(of({ secretIds: ['web'] })).toBe(0);
    expect(of({ secretIds: [] })).toBe(0);
  });

  it.each([
    [undefined, 'Expected one of "profiles" in the deployed configuration.'],
    [new FakeAuthorities(), 'Expected one of "profiles" in the deployed configuration.'],
    [
      new FakeAuthorities(authority('root'), authority('issuing')),
      'Expected one of "profiles" in the deployed configuration, or one of its authorities: authority:root, authority:issuing.',
    ],
  ])('must exist', async (authorities, expected) => {
    const request = { force: false, dryRun: false, profile: 'nowhere' };
    await expect(requireProfile({ profiles: world.profiles, authorities }, request)).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: `This stack has no profile "nowhere": correct the name, or deploy the profile. ${expected}`,
    });
  });

  it('reads a profile once for each page, and not if it does not matter', async () => {
    const world = zoo();
    await scan(world, { force: false, dryRun: true });
    const asked = world.profiles.faults.calls.map(({ args: [name] }) => name);
    expect(asked.toSorted()).toEqual(['internal', 'nowhere', 'resting']);
  });
});

describe('parents before children', () => {
  const due: Decision = { action: 'renew', code: 'Expiring', message: 'soon' };
  const root = { ...authority('root') };
  const child = { ...authority('issuing'), parent: 'root' };
  const last = { ...knownStatus, validity: { notBefore: start - 100 * hour, end: start + hour } };
  const ended = { ...knownStatus, validity: { notBefore: start - 100 * hour, end: start } };

  it.each<[string, Judgement[], string[]]>([
    ['a child waits', [judged(due, { authority: root }), judged(due, { authority: child })], ['renew', 'skip']],
    [
      'a child whose window is not known waits',
      [judged(due, { authority: root }), judged(due, { authority: child, status: unknownStatus })],
      ['renew', 'skip'],
    ],
    [
      'one at its end does not',
      [judged(due, { authority: root }), judged(due, { authority: child, status: last })],
      ['renew', 'renew'],
    ],
    [
      'one past its end does not',
      [judged(due, { authority: root }), judged(due, { authority: child, status: ended })],
      ['renew', 'renew'],
    ],
    [
      'nor one whose parent is not due',
      [judged(skip('NotDue'), { authority: root }), judged(due, { authority: child })],
      ['skip', 'renew'],
    ],
    [
      'nor one whose parent is forced',
      [judged({ ...due, code: 'Forced' }, { authority: root }), judged(due, { authority: child })],
      ['renew', 'renew'],
    ],
    ['a leaf has no parent', [judged(due, { authority: root }), judged(due)], ['renew', 'renew']],
    [
      'a child that is not due stays as it is',
      [judged(due, { authority: root }), judged(inspecting, { authority: child })],
      ['renew', 'inspect'],
    ],
  ])('%s', (_, page, actions) => {
    expect(parentsFirst(page, start).map(({ decision }) => decision.action)).toEqual(actions);
  });

  it('gives the reason', () => {
    const page = [judged(due, { authority: root }), judged(due, { authority: child })];
    expect(parentsFirst(page, start)[1]?.decision).toEqual({
      action: 'skip',
      code: 'NotDue',
      message: 'Its parent, authority root, is due too and is renewed first: the next scan decides again.',
    });
  });
});

describe('a scan that can’t list', () => {
  const all = { force: false, dryRun: false };
  const continuation = { from: '0', part: 1, started: start, sums: new Tally().sums() };
  const asked = new RenewalError('InvalidRequest', 'not from there');

  it.each<[string, object, Error, number]>([
    ['at its beginning fails', {}, asked, 1],
    [
      'from where it was left off, without a permission, fails',
      { continuation },
      new RenewalError('AccessDenied', 'no'),
      1,
    ],
    ['from where it was left off, with an unexpected error, fails', { continuation }, new TypeError('fetch failed'), 1],
  ])('%s', async (_, more, error, times) => {
    const world = new World();
    world.faults.failBefore('list', error);
    await expect(scan(world, { ...all, ...more })).rejects.toBe(error);
    expect(world.faults.count('list')).toBe(times);
  });

  it('starts again from an unknown place in the listing', async () => {
    const world = new World();
    world.faults.failBefore('list', asked);
    expect(await scan(world, { ...all, continuation })).toMatchObject({ listed: 0 });
    expect(world.faults.count('list')).toBe(2);
  });
});

describe('an authority that can’t be read', () => {
  it('is logged with its name, and its secret if that is known', async () => {
    const world = Object.assign(new World(), {
      authorities: new FakeAuthorities(authority('gone'), authority('unread')),
    });
    world.authorities.faults.failBefore('find', new RenewalError('Internal', 'no JSON'), {
      matches: ({ args: [name] }) => name === 'unread',
    });
    expect(await scan(world, { force: false, dryRun: false })).toMatchObject({ listed: 0 });
    expect(world.journal.failures).toMatchObject([
      { secretArn: null, authority: 'unread', error: { code: 'Internal' } },
      { secretArn: 'pki/gone', authority: 'gone', error: { code: 'SecretNotFound' } },
    ]);
  });
});
