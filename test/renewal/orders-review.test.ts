/** Orders that something else than the CA ends or stops: another version, a lost label, a key that is gone, a CA that fails for one order. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { orderOf } from '../../lambdas/domain/order-id.ts';
import { orderLabel, tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { OrderingCa } from '../../testkit/fakes/ordering-ca.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { freshDates, hour, type internal, issuing, pairOf, start, World } from './world.ts';

const minute = 60_000;
const day = 24 * hour;
const passwordProfile = { ...issuing, passwordSecretId: 'password' };

function scene(turns: OrderingCa['turns'], profile: typeof internal = issuing) {
  const world = new World(profile);
  const ca = new OrderingCa({ now: start, clock: world.clock, hierarchy: world.ca.hierarchy });
  ca.turns = turns;
  const queue = new TimedQueue(world.clock);
  Object.assign(ca, { faults: world.faults });
  Object.assign(world, { providerFor: async () => ca, queue });
  return { world, ca, queue };
}
type Scene = ReturnType<typeof scene>;

/** A CA that copies no certificates, as those of ACME. */
function onlyDeclared(all: Scene): Scene {
  Object.assign(all.ca, { can: { ...all.ca.can, renews: false, rekeys: false } });
  return all;
}

async function deliver({ world, queue }: Scene, end = Number.POSITIVE_INFINITY): Promise<number> {
  for (let count = 0; ; count++) {
    const at = queue.nextAt;
    if (at === undefined || at > end) return count;
    if (count > 300) throw new Error('the messages multiply');
    if (at > world.clock.now()) world.clock.advance(at - world.clock.now());
    for (const each of queue.receive(1)) {
      const { retryAfter } = await renewQueued(world, each.body, each.received, each.firstAt);
      if (retryAfter === undefined) queue.remove([each]);
      else await queue.changeVisibility(each.receiptHandle, retryAfter);
    }
  }
}

const labelled = ({ world }: Scene, arn: string) => Object.values(world.labels(arn)).flat().includes(orderLabel);
const eventsOf = ({ world }: Scene) => world.publisher.events.filter(({ type }) => type !== 'Scan Completed');

async function send(all: Scene, arn: string, end?: number): Promise<void> {
  await all.queue.send([{ secretArn: arn, versionId: all.world.versionOf(arn) }]);
  await deliver(all, end);
}

describe('what was published for an order is taken away', () => {
  it('after another writer has replaced the value', async () => {
    const all = scene([minute, 'issue']);
    const arn = all.world.enrol();
    await send(all, arn, start);
    all.world.store.write(arn, all.world.store.value(arn));
    await deliver(all);
    expect(all.ca.abandoned).toEqual(['order-0']);
    expect(labelled(all, arn)).toBe(false);
  });

  it('after the declaration was taken out', async () => {
    const all = onlyDeclared(scene(['issue']));
    const { world, ca } = all;
    const arn = await world.declareCertificate();
    await send(all, arn);
    world.clock.advance(11 * minute);
    ca.turns = [minute, 'issue'];
    await renewOnDemand(world, { secretId: arn });
    expect(labelled(all, arn)).toBe(true);
    world.declarations.remove('web/tls');
    world.publisher.events.length = 0;
    await deliver(all);
    await send(all, arn);
    expect(ca.abandoned).toEqual(['order-1']);
    expect(labelled(all, arn)).toBe(false);
  });

  it('before the next order is placed, also if Route 53 takes no more for the moment', async () => {
    const all = scene([1_000, new RenewalError('CaRejected', 'no TXT record')]);
    const { world, ca } = all;
    const arn = await world.declareCertificate();
    await send(all, arn);
    world.publisher.events.length = 0;
    world.clock.advance(hour);
    ca.turns = ['issue'];
    world.faults.failBefore('abandon', new RenewalError('Throttled', 'slow down'));
    await send(all, arn, world.clock.now());
    expect([ca.placed, ca.abandoned]).toEqual([1, []]);
    await deliver(all);
    expect([ca.placed, ca.abandoned]).toEqual([2, ['order-0']]);
    expect(eventsOf(all).map(({ type }) => type)).toEqual(['Certificate Renewed']);
  });
});

describe('an order stops no certificate for ever', () => {
  it('if the CA fails for this order only', async () => {
    const all = scene([1_000, new RenewalError('CaUnavailable', 'status 500')]);
    const { world, ca, queue } = all;
    const arn = await world.declareCertificate();
    await send(all, arn);
    ca.turns = ['issue'];
    for (let scans = 0; scans < 27; scans++) {
      world.clock.advance(hour);
      await scan(world, { force: false, dryRun: false });
      await deliver(all);
      queue.deadLetters.length = 0;
    }
    expect(ca.placed).toBe(2);
    expect(world.versionOf(arn)).not.toBe('v1');
  });

  it('if its key can not be read any more', async () => {
    const all = scene([minute, 'issue'], passwordProfile);
    const { world, ca, queue } = all;
    world.store.add({ name: 'password', value: 'correct horse' });
    const arn = await world.declareCertificate();
    await send(all, arn, start);
    world.store.write('password', 'battery staple');
    for (let scans = 0; scans < 40; scans++) {
      await deliver(all);
      world.clock.advance(hour);
      await scan(world, { force: false, dryRun: false });
      queue.deadLetters.length = 0;
    }
    await deliver(all);
    expect(world.versionOf(arn)).not.toBe('v1');
    expect(ca.placed).toBe(2);
  });

  it('if a changed receipt does not fit into a version', async () => {
    const all = scene([{ receipt: 'x'.repeat(70_000) }]);
    const arn = await all.world.declareCertificate();
    await send(all, arn);
    expect(orderOf(all.world.store.summary(arn))).toMatchObject({ stage: 'ended' });
  });

  it('and a CA that forgets each of them does not get one at each look', async () => {
    const all = scene([1_000, 'gone']);
    const arn = await all.world.declareCertificate();
    await send(all, arn, start + 10 * minute);
    expect(all.ca.placed).toBe(2);
    expect(eventsOf(all)).toMatchObject([{ detail: { code: 'CaRejected' } }]);
  });
});

it('an order whose label was not taken off is not continued after a rollback', async () => {
  const all = scene([1_000, 'issue']);
  const { world } = all;
  const arn = world.enrol();
  world.faults.failBefore('dropOrder', new RenewalError('Throttled', 'slow down'));
  await send(all, arn);
  const first = pairOf(world.store.value(arn)).leaf.serialNumber;
  expect(labelled(all, arn)).toBe(true);
  world.clock.advance(hour);
  await send(all, arn);
  expect(labelled(all, arn)).toBe(false);
  world.store.moveStage(arn, 'AWSCURRENT', 'v1');
  await send(all, arn);
  expect(pairOf(world.store.value(arn)).leaf.serialNumber).not.toBe(first);
  expect(world.versionOf(arn)).not.toBe('v1');
});

it('a request with a window of its own leaves an open order alone if the certificate is not due', async () => {
  const all = scene([minute, 'issue']);
  const arn = all.world.enrol(freshDates);
  await renewOnDemand(all.world, { secretId: arn });
  expect(await renewOnDemand(all.world, { secretId: arn, expiresIn: '1h' })).toMatchObject({
    outcome: 'skipped',
    reason: { code: 'NotDue' },
  });
  await deliver(all);
  expect(all.ca.filled).toBe(1);
});

it('a missing certificate that waits for its CA is overdue in the counts, without an event', async () => {
  const all = scene([...Array.from({ length: 20 }, () => 10 * minute), 'issue']);
  const arn = await all.world.declareCertificate();
  await send(all, arn, start + 2 * hour);
  expect(await scan(all.world, { force: false, dryRun: false })).toMatchObject({ waiting: 1, overdue: 1 });
  expect(eventsOf(all)).toEqual([]);
});

it('the time that another CA has suggested does not count', async () => {
  const all = scene(['issue']);
  const { world } = all;
  const arn = world.enrol(freshDates);
  await send(all, arn);
  world.store.setTags(arn, { [tags.renewAt]: '2026-11-22T12:00:00Z' });
  await send(all, arn);
  expect([world.versionOf(arn), all.ca.placed]).toEqual(['v1', 0]);
  expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.renewAt]);
});

it('native rotation of a declared certificate continues the order, and waiting is no failure', async () => {
  const all = onlyDeclared(scene(['issue']));
  const world = Object.assign(all.world, { rotationFunctionArn: 'arn:renew' });
  const arn = await world.declareCertificate();
  await send(all, arn);
  const first = world.versionOf(arn);
  world.publisher.events.length = 0;
  all.ca.turns = [minute, 'issue'];
  const token = '11111111-2222-4333-8444-555555555555';
  world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
  world.store.beginRotation(arn, token);
  const step = (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token });
  await expect(step('createSecret')).rejects.toMatchObject({ name: 'CaUnavailable' });
  expect(world.publisher.events).toEqual([]);
  expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.failure]);
  world.clock.advance(day / 24);
  for (const each of ['createSecret', 'setSecret', 'testSecret', 'finishSecret']) await step(each);
  expect([world.versionOf(arn), all.ca.placed]).toEqual([token, 2]);
  expect(world.versionOf(arn)).not.toBe(first);
  expect(world.publisher.events).toMatchObject([
    { type: 'Certificate Renewed', detail: { operation: 'rekey', previousVersionId: first } },
  ]);
});

describe('a day is the longest wait', () => {
  it('also if the CA takes no order and fails by turns: then it is reported', async () => {
    const all = scene(['issue']);
    const { world, ca } = all;
    ca.limited = Array.from({ length: 100 }, () => hour);
    const arn = await world.declareCertificate();
    await send(all, arn, start);
    for (let hours = 0; hours < 26; hours++) {
      world.faults.failBefore('issue', new RenewalError('CaUnavailable', 'status 503'));
      await deliver(all, world.clock.now() + 66 * minute);
    }
    expect(eventsOf(all)[0]).toMatchObject({
      detail: { code: 'CaUnavailable', message: expect.stringContaining('24 h') },
    });
  });

  it('also if another writer has set the time of the order', async () => {
    const all = scene([hour]);
    const { world, ca } = all;
    const arn = await world.declareCertificate();
    await send(all, arn, start);
    const value = world.store.value(arn, orderLabel);
    const text = value.kind === 'string' ? value.text.replace(/"placedAt":"\d{4}/, '"placedAt":"2099') : '';
    const forged = orderOf(world.store.summary(arn))?.versionId.replace(/[0-9a-f]{16}/, 'f'.repeat(16)) ?? '';
    await world.store.keepOrder(arn, forged, { kind: 'string', text });
    await deliver(all, start + 25 * hour);
    expect(ca.abandoned).toEqual(['order-0']);
  });
});
