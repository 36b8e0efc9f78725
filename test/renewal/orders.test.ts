/** A CA that answers later: the order is stored, and a later message continues it. */
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { orderOf } from '../../lambdas/domain/order-id.ts';
import { versionWithStage } from '../../lambdas/domain/secret.ts';
import { orderLabel, tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { Crash } from '../../testkit/fakes/faults.ts';
import { OrderingCa } from '../../testkit/fakes/ordering-ca.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { freshDates, hour, type internal, issuing, pairOf, start, World } from './world.ts';

const minute = 60_000;
const day = 24 * hour;

function scene({ turns, profile = issuing }: { turns?: OrderingCa['turns']; profile?: typeof internal } = {}) {
  const world = new World(profile);
  const ca = new OrderingCa({ now: start, clock: world.clock, hierarchy: world.ca.hierarchy });
  if (turns) ca.turns = turns;
  const queue = new TimedQueue(world.clock);
  Object.assign(ca, { faults: world.faults });
  const send = (...[messages, delay]: Parameters<TimedQueue['send']>) =>
    world.faults.around('send', [messages, delay], () => queue.send(messages, delay));
  Object.assign(world, { providerFor: async () => ca, queue: { send } });
  return { world, ca, queue };
}
type Scene = ReturnType<typeof scene>;

/** Delivers messages when they come, until there is none, or until `end`. Returns the number of deliveries. */
async function deliver({ world, queue }: Scene, end = Number.POSITIVE_INFINITY): Promise<number> {
  for (let count = 0; ; count++) {
    const at = queue.nextAt;
    if (at === undefined || at > end) return count;
    if (count > 300) throw new Error('the messages multiply');
    if (at > world.clock.now()) world.clock.advance(at - world.clock.now());
    for (const message of queue.receive(1)) {
      const { body, received, firstAt } = message;
      const { retryAfter } = await renewQueued(world, body, received, firstAt);
      if (world.faults.crashed) throw new Crash('in a worker'); // the message stays
      if (retryAfter === undefined) queue.remove([message]);
      else await queue.changeVisibility(message.receiptHandle, retryAfter);
    }
  }
}

const message = (arn: string) => ({ secretArn: arn, versionId: 'v1' });

/** Checks that the certificate is there once, and that nothing is left of its order. */
function expectDone({ world, ca }: Scene, arn: string): void {
  expect(Object.values(world.labels(arn)).flat()).not.toContain(orderLabel);
  expect(world.pending(arn) ?? world.versionOf(arn)).toBe(world.versionOf(arn));
  const { leaf, key } = pairOf(world.store.value(arn));
  expect(createPublicKey(key).export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(leaf.spki));
  expect(Buffer.compare(leaf.der, ca.issued.at(-1) ?? Buffer.of())).toBe(0);
  expect(new Set(world.publisher.events.map(({ type }) => type).filter((type) => type !== 'Scan Completed'))).toEqual(
    new Set(['Certificate Renewed']),
  );
  expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.order]);
  expect(ca.filled).toBe(1);
}

describe('an order', () => {
  it('is placed, stored, continued by messages, and becomes the certificate', async () => {
    const all = scene({ turns: [{ receipt: 'texts' }, 10_000, 5_000, 'issue'] });
    const { world, queue } = all;
    const arn = await world.declareCertificate();
    await queue.send([message(arn)]);
    expect(await deliver(all, start)).toBe(1);
    expect(orderOf(world.store.summary(arn))).toMatchObject({ stage: 'order', number: 0 });
    const [since, again] = [start, start + 10_000].map(formatInstant);
    expect(world.store.tagsOf(arn)[tags.order]).toMatch(new RegExp(`^[0-9a-f]{8} ${since} ${again} ${again}$`));
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({
      waiting: 1,
      enqueued: 0,
      plan: [{ action: 'skip', reason: { code: 'WaitingForCa', message: expect.stringContaining(String(since)) } }],
    });
    expect(await scan(world, { force: true, dryRun: false })).toMatchObject({ waiting: 1, enqueued: 0 });
    expect(await deliver(all)).toBe(2);
    expectDone(all, arn);
    expect(world.clock.now()).toBe(start + 15_000);
    expect(world.clock.sleeps).toEqual([]);
    expect(world.journal.failures).toEqual([]);
    expect(queue.deadLetters).toEqual([]);
  });

  it.each([
    ['renews a certificate that is no declared one', 'enrol'],
    ['issues a declared one again after its declaration has changed', 'changed'],
  ])('%s', async (_, how) => {
    const all = scene({ turns: [1_000, 'issue'] });
    const arn = how === 'enrol' ? all.world.enrol() : all.world.enrol(freshDates);
    if (how === 'changed') await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all);
    expectDone(all, arn);
  });

  it('answers pending on demand, and needs no second request', async () => {
    const all = scene({ turns: [30_000, 'issue'] });
    const arn = all.world.enrol(freshDates);
    const answer = await renewOnDemand(all.world, { secretId: arn });
    expect(answer).toMatchObject({ outcome: 'pending', versionId: 'v1', reason: { code: 'WaitingForCa' } });
    expect(await renewOnDemand(all.world, { secretId: arn, dryRun: true })).toMatchObject({ outcome: 'planned' });
    await deliver(all);
    expectDone(all, arn);
  });

  it('is placed for no out, which a later message would not know of', async () => {
    const all = scene();
    const arn = all.world.enrol(freshDates);
    all.world.store.add({ name: 'copy', tags: { [tags.profile]: 'internal' } });
    for (const dryRun of [true, false]) {
      const asked = renewOnDemand(all.world, { secretId: arn, out: { secretId: 'copy' }, dryRun });
      await expect(asked).rejects.toMatchObject({ code: 'InvalidRequest' });
    }
    expect(all.ca.placed).toBe(0);
  });

  it('is asked for at once on demand, and no second message is sent for that', async () => {
    const all = scene({ turns: [60_000, 60_000, 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    expect(await renewOnDemand(all.world, { secretId: arn })).toMatchObject({ outcome: 'pending' });
    expect(all.queue.length).toBe(1);
    expect(await renewOnDemand(all.world, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
    await deliver(all);
    expectDone(all, arn);
  });

  it('is continued by a second request, also for a version of some minutes ago; a request with a window that is not due is NotDue', async () => {
    const all = scene({ turns: ['issue'] });
    const { world, ca } = all;
    const arn = await world.declareCertificate();
    await renewOnDemand(world, { secretId: arn });
    ca.turns = [minute, 'issue'];
    world.clock.advance(minute);
    expect(await renewOnDemand(world, { secretId: arn, force: true })).toMatchObject({ outcome: 'pending' });
    expect(await renewOnDemand(world, { secretId: arn, expiresIn: '1h' })).toMatchObject({ outcome: 'skipped' });
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
    expect(ca.placed).toBe(2);
  });

  it('is one order for two workers at the same time', async () => {
    for (const together of [2, 3]) {
      const all = scene({ turns: [1_000, 'issue'] });
      const arn = await all.world.declareCertificate();
      await Promise.all(Array.from({ length: together }, () => renewQueued(all.world, message(arn), 1)));
      expect(all.ca.placed).toBe(1);
      await deliver(all);
      expectDone(all, arn);
    }
  });

  it('is placed again after a rollback to the version that it replaced', async () => {
    const all = scene({ turns: [1_000, 'issue'] });
    const { world, queue } = all;
    const arn = world.enrol();
    await queue.send([message(arn)]);
    await deliver(all);
    world.store.moveStage(arn, 'AWSCURRENT', 'v1');
    world.clock.advance(hour);
    await queue.send([message(arn)]);
    await deliver(all);
    expect(world.versionOf(arn)).not.toBe('v1');
    expect(all.ca.filled).toBe(2);
  });
});

describe('a CA that lets wait', () => {
  it('ten minutes: no event, no failure, no dead letter', async () => {
    const all = scene({ turns: [...Array.from({ length: 20 }, () => 30_000), 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send([message(arn)]);
    await deliver(all, start + 9 * minute);
    expect(all.world.publisher.events).toEqual([]);
    expect(all.world.store.tagsOf(arn)).not.toHaveProperty([tags.failure]);
    await deliver(all);
    expectDone(all, arn);
    expect(all.queue.deadLetters).toEqual([]);
  });

  it('takes no order for an hour: it is not asked before', async () => {
    const all = scene();
    all.ca.limited = [hour];
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start + hour - 1);
    expect(all.world.faults.count('issue')).toBe(1);
    expect(all.world.publisher.events).toEqual([]);
    const byHand = await renewOnDemand(all.world, { secretId: arn });
    expect(byHand).toMatchObject({ outcome: 'pending', reason: { code: 'WaitingForCa' } });
    expect(all.world.faults.count('issue')).toBe(1);
    await deliver(all);
    expectDone(all, arn);
    const asked = all.world.clock.now() - start;
    expect(asked).toBeGreaterThan(hour);
    expect(asked).toBeLessThanOrEqual(hour + hour / 20 + 1000);
  });

  it('longer than a day: the order is given up, which is a failure', async () => {
    const all = scene({ turns: [hour] });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start + day - 1);
    expect(all.world.publisher.events).toEqual([]);
    await deliver(all);
    expect(all.world.publisher.events).toMatchObject([
      { type: 'Certificate Renewal Failed', detail: { code: 'CaUnavailable', failures: 1 } },
    ]);
    expect(all.ca.abandoned).toEqual(['order-0']);
    expect(all.world.store.tagsOf(arn)).not.toHaveProperty([tags.order]);
    expect(orderOf(all.world.store.summary(arn))).toMatchObject({ stage: 'ended', number: 0 });
    all.ca.turns = ['issue'];
    all.world.clock.advance(hour);
    await all.queue.send([message(arn)]);
    await deliver(all);
    expect(all.ca.placed).toBe(2);
    expect(all.world.versionOf(arn)).not.toBe('v1');
  });

  it('takes no order for longer than a day: a failure too', async () => {
    const all = scene();
    all.ca.limited = [10 * day, 10 * day];
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start + day - 1);
    expect(all.world.publisher.events).toEqual([]);
    await deliver(all, start + 2 * day);
    expect(all.world.publisher.events).toMatchObject([{ detail: { code: 'CaUnavailable' } }]);
  });
});

describe('the tag of a wait', () => {
  it('does not stay if another worker renews the certificate just before it is written', async () => {
    for (const when of ['before', 'after'] as const) {
      const all = scene({ turns: [minute, 'issue'] });
      const { world, queue } = all;
      const arn = await world.declareCertificate();
      // The first worker has its answer. The second one fills the order before the first writes its tag.
      world.faults.meanwhile(when === 'before' ? 'after' : 'before', when === 'before' ? 'send' : 'tag', () =>
        renewOnDemand(world, { secretId: arn }),
      );
      await renewQueued(world, message(arn), 1);
      expect(world.versionOf(arn)).not.toBe('v1');
      if (when === 'before') expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.order]);
      await deliver(all);
      expect(queue.length).toBe(0);
      expectDone(all, arn);
    }
  });
});

describe('messages', () => {
  it('that are lost are replaced by the scan, and by no scan before', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const { world, queue } = all;
    const arn = await world.declareCertificate();
    await queue.send([message(arn)]);
    await deliver(all, start);
    queue.remove(queue.receive(0)); // keeps the queue
    Object.assign(world, { queue: new TimedQueue(world.clock) });
    world.clock.advance(minute + 4 * minute);
    expect(await scan(world, { force: false, dryRun: false })).toMatchObject({ waiting: 1, enqueued: 0 });
    world.clock.advance(2 * minute);
    expect(await scan(world, { force: false, dryRun: false })).toMatchObject({ waiting: 0, enqueued: 1 });
    await renewQueued(world, message(arn), 1);
    expectDone(all, arn);
  });

  it('that come twice do not multiply', async () => {
    const all = scene({ turns: [minute, minute, minute, 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send(Array.from({ length: 5 }, () => message(arn)));
    await deliver(all, start);
    expect(all.queue.length).toBe(1);
    expect(await deliver(all)).toBe(3);
    expectDone(all, arn);
  });

  it('for an order that was placed by hand are replaced by the scan too', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const { world } = all;
    const arn = world.enrol(freshDates);
    await renewOnDemand(world, { secretId: arn });
    Object.assign(world, { queue: all.queue });
    all.queue.remove(all.queue.receive(10));
    world.clock.advance(10 * minute);
    expect(await scan(world, { force: false, dryRun: false })).toMatchObject({ enqueued: 1 });
    await renewQueued(world, message(arn), 1);
    expectDone(all, arn);
  });
});

describe('an order that ends', () => {
  const failed = new RenewalError('CaRejected', 'web.svc.example: no TXT record was found.');

  it('with an error is reported, and the next try places another', async () => {
    const all = scene({ turns: [1_000, failed] });
    const { world, ca, queue } = all;
    const arn = await world.declareCertificate();
    await queue.send([message(arn)]);
    await deliver(all);
    expect(world.publisher.events).toMatchObject([
      { type: 'Certificate Renewal Failed', detail: { code: 'CaRejected', message: failed.message } },
    ]);
    expect(world.store.tagsOf(arn)[tags.failure]).toMatch(/^1 \S+ CaRejected$/);
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({ backingOff: 1 });
    ca.turns = [1_000, 'issue'];
    world.clock.advance(hour);
    await queue.send([message(arn)]);
    await deliver(all);
    expect([ca.placed, ca.filled]).toEqual([2, 1]);
    expect(world.versionOf(arn)).not.toBe('v1');
  });

  it('with a transient error is kept, and continued', async () => {
    const all = scene({ turns: [1_000, new RenewalError('CaUnavailable', 'down'), 1_000, 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send([message(arn)]);
    await deliver(all);
    expect([all.ca.placed, all.ca.filled]).toEqual([1, 1]);
    expect(all.world.versionOf(arn)).not.toBe('v1');
  });

  it('because the CA does not know it any more is placed again at once, and only once', async () => {
    const all = scene({ turns: [1_000, 'gone'] });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    all.ca.turns = ['issue'];
    await deliver(all);
    expectDone(all, arn);
    expect(all.ca.placed).toBe(2);

    const lost = scene({ turns: ['gone'] });
    const other = await lost.world.declareCertificate();
    await lost.queue.send([message(other)]);
    await deliver(lost);
    expect(lost.ca.placed).toBe(2);
    expect(lost.world.publisher.events).toMatchObject([{ detail: { code: 'CaRejected' } }]);
  });

  it('because its certificate is not the wanted one is not continued', async () => {
    const all = scene({ turns: [1_000, 'issue'] });
    all.ca.tamper = (template) => ({ ...template, notAfter: template.notBefore - 1 });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all);
    expect(all.world.publisher.events).toMatchObject([{ detail: { code: 'CertificateRejected' } }]);
    expect(orderOf(all.world.store.summary(arn))).toMatchObject({ stage: 'ended' });
  });
});

describe('an order is given up', () => {
  it('when the declaration changes', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    await all.world.declareCertificate({ dnsNames: ['other.svc.example'] });
    await deliver(all);
    expect(all.ca.abandoned).toEqual(['order-0']);
    expect(all.ca.placed).toBe(2);
    expectDone(all, arn);
    expect(pairOf(all.world.store.value(arn)).leaf.der).toEqual(all.ca.issued[0]);
  });

  it('when a request asks for another key', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    await renewOnDemand(all.world, { secretId: arn, kty: 'RSA' });
    expect(all.ca.placed).toBe(2);
    await deliver(all);
    expect(pairOf(all.world.store.value(arn)).key.asymmetricKeyType).toBe('rsa');
  });

  it('when another writer replaces the value', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const { world, queue } = all;
    const arn = world.enrol();
    await queue.send([message(arn)]);
    await deliver(all, start);
    const theirs = world.store.write(arn, world.store.value(arn));
    await deliver(all);
    expect(world.versionOf(arn)).toBe(theirs);
    expect(all.ca.filled).toBe(0);
  });
});

describe('the stored order', () => {
  const stored = ({ world }: Scene, arn: string) => {
    const summary = world.store.summary(arn);
    const value = world.store.value(arn, orderLabel);
    return {
      stages: summary.versions.get(versionWithStage(summary, orderLabel) ?? ''),
      text: value.kind === 'string' ? value.text : '',
    };
  };

  it('is neither current nor pending, and has a label of its own', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const arn = all.world.enrol();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    expect(stored(all, arn).stages).toEqual([orderLabel]);
    expect(JSON.parse(stored(all, arn).text)).toMatchObject({ order: { receipt: 'order-0' } });
    expect(stored(all, arn).text).toContain('BEGIN PRIVATE KEY');
  });

  it('encrypts the key in a profile with a password', async () => {
    const all = scene({ turns: [minute, 'issue'], profile: { ...issuing, passwordSecretId: 'password' } });
    all.world.store.add({ name: 'password', value: 'correct horse' });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    expect(stored(all, arn).text).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(stored(all, arn).text).not.toContain('BEGIN PRIVATE KEY');
    await deliver(all);
    expect(all.ca.filled).toBe(1);
    expect(all.world.versionOf(arn)).not.toBe('v1');
  });

  it('names a key in KMS, which the next worker finds there', async () => {
    const all = scene({ turns: [minute, 'issue'] });
    const kmsKeyArn = all.world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'web' });
    const arn = await all.world.declareCertificate({ kmsKeyId: 'alias/web' });
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    const { order } = JSON.parse(stored(all, arn).text);
    expect(order).toMatchObject({ kmsKeyArn });
    expect(order).not.toHaveProperty('privateKey');
    await deliver(all);
    const value = all.world.store.value(arn);
    expect(JSON.parse(value.kind === 'string' ? value.text : '')).toMatchObject({ kmsKeyId: kmsKeyArn });
    expect(all.ca.placed).toBe(1);
  });

  it('holds no key if the present one is kept', async () => {
    const all = scene({ turns: [minute, 'issue'], profile: { ...issuing, mode: 'renew' } });
    const arn = all.world.enrol();
    const { leaf } = pairOf(all.world.store.value(arn));
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    expect(Object.keys(JSON.parse(stored(all, arn).text).order)).toEqual(['placedAt', 'receipt']);
    await deliver(all);
    expectDone(all, arn);
    expect(pairOf(all.world.store.value(arn)).leaf.spki).toEqual(leaf.spki);
  });

  it('does not trust a tag that says to wait for years', async () => {
    const all = scene();
    const arn = await all.world.declareCertificate();
    const [mark] = (await waitTag()).split(' ');
    const far = formatInstant(start + 3650 * day);
    all.world.store.setTags(arn, { [tags.order]: `${mark} ${formatInstant(start)} ${far} ${far}` });
    all.world.clock.advance(hour);
    expect(await scan(all.world, { force: false, dryRun: true })).toMatchObject({ waiting: 1 });
    all.world.clock.advance(day);
    expect(await scan(all.world, { force: false, dryRun: true })).toMatchObject({ waiting: 0, enqueued: 1 });
  });

  async function waitTag(): Promise<string> {
    const all = scene({ turns: [minute] });
    const arn = await all.world.declareCertificate();
    await all.queue.send([message(arn)]);
    await deliver(all, start);
    return all.world.store.tagsOf(arn)[tags.order] ?? '';
  }
});

describe('a worker that is killed at any call', () => {
  it.each(['before', 'after'] as const)('leaves an order that the next one continues (%s the call)', async (when) => {
    for (let call = 1; ; call++) {
      const all = scene({ turns: [{ receipt: 'texts' }, 10_000, { receipt: 'told' }, 5_000, 'issue'] });
      const { world, ca, queue } = all;
      const arn = await world.declareCertificate();
      world.faults.crashAt(call, when);
      await queue.send([message(arn)]);
      await deliver(all).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      const { crashed } = world.faults;
      world.faults.restart();
      // What SQS and the schedule do: the message comes again, and scans run each hour.
      for (let scans = 0; scans < 4; scans++) {
        await deliver(all);
        world.clock.advance(hour);
        await scan(world, { force: false, dryRun: false });
      }
      await deliver(all);
      const told = `crash ${when} call ${call}`;
      expect(ca.placed, told).toBeLessThanOrEqual(2);
      expect(
        world.publisher.events.filter(({ type }) => type !== 'Scan Completed' && type !== 'Certificate Renewed'),
        told,
      ).toEqual([]);
      expect(ca.filled, told).toBe(1);
      const { leaf, key } = pairOf(world.store.value(arn));
      expect(createPublicKey(key).export({ format: 'der', type: 'spki' }), told).toEqual(Buffer.from(leaf.spki));
      if (!crashed) return expect(call).toBeGreaterThan(20);
    }
  });
});
