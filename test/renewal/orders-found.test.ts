/** Faults of orders that the simulation has found (test/simulation/). */
import { expect, it } from 'vitest';
import { orderOf } from '../../lambdas/domain/order-id.ts';
import { foreignTags, mostTags, orderLabel, statusTagsOf, tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { OrderingCa } from '../../testkit/fakes/ordering-ca.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { hour, issuing, start, World } from './world.ts';

const minute = 60_000;
/** Whether the tag says to wait so long. Up to a twentieth is added. */
function says(tag: string | undefined, wait: number): boolean {
  const until = Date.parse(tag?.split(' ').at(-1) ?? '');
  return until >= start + wait && until <= start + wait * 1.05 + 1000;
}

function scene() {
  const world = new World(issuing);
  const ca = new OrderingCa({ now: start, clock: world.clock, hierarchy: world.ca.hierarchy });
  const queue = new TimedQueue(world.clock);
  Object.assign(world, { providerFor: async () => ca, queue });
  return { world, ca, queue };
}

it('two workers at once: the one without the claim does not shorten the wait that the CA asks for', async () => {
  const { world, ca, queue } = scene();
  ca.limited = [hour];
  const arn = await world.declareCertificate();
  const { store } = world;
  let noted = (): void => undefined;
  const isNoted = new Promise<void>((resolve) => {
    noted = resolve;
  });
  const tag = store.tag.bind(store);
  // The worker with the claim notes its wait first.
  store.tag = async (secretArn, set, remove) => {
    const isOfTheCa = says(set[tags.order], hour);
    if (!isOfTheCa) await isNoted;
    await tag(secretArn, set, remove);
    if (isOfTheCa) noted();
  };
  const message = { secretArn: arn, versionId: 'v1' };
  await Promise.all([1, 2, 3].map(() => renewQueued(world, message, 1)));
  expect(says(world.store.tagsOf(arn)[tags.order], hour)).toBe(true);
  world.clock.advance(3 * minute);
  for (const { body } of queue.receive(10)) await renewQueued(world, body, 1);
  expect(ca.placed).toBe(0);
});

it('a message is to come, and the CA takes no order until later: the message does not ask', async () => {
  const { world, ca, queue } = scene();
  ca.turns = [minute, 'issue'];
  const arn = await world.declareCertificate();
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  await world.declareCertificate({ dnsNames: ['other.svc.example'] }); // the open order is given up
  ca.limited = [hour];
  await renewOnDemand(world, { secretId: arn });
  expect(says(world.store.tagsOf(arn)[tags.order], hour)).toBe(true);
  expect(queue.length).toBe(1);
  world.clock.advance(2 * minute);
  for (const { body } of queue.receive(10)) await renewQueued(world, body, 1);
  expect(ca.placed).toBe(1);
});

it('a declaration is changed and changed back: the order in between is given up, and no other one is placed', async () => {
  const { world, ca, queue } = scene();
  ca.turns = ['issue'];
  const arn = await world.declareCertificate();
  await renewOnDemand(world, { secretId: arn });
  ca.turns = [minute, 'issue'];
  await world.declareCertificate({ dnsNames: ['other.svc.example'] });
  await renewOnDemand(world, { secretId: arn });
  queue.remove(queue.receive(10));
  await world.declareCertificate();
  const versionId = world.versionOf(arn);
  world.clock.advance(hour);
  await renewQueued(world, { secretArn: arn, versionId }, 1);
  expect([ca.placed, ca.filled]).toEqual([2, 1]);
  expect(ca.abandoned).toEqual(['order-1']);
  expect(orderOf(world.store.summary(arn))?.stage).toBe('ended');
});

it('a secret is full of tags: those of the order and of the suggestion make room for the others', async () => {
  const { world, ca, queue } = scene();
  ca.turns = [1_000, 'issue'];
  const arn = await world.declareCertificate();
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  world.store.setTags(arn, { [tags.renewAt]: '2026-01-01T00:00:00Z' });
  const found = new Map(Object.entries(world.store.tagsOf(arn)));
  const own = mostTags - statusTagsOf(found).length - foreignTags(found);
  world.store.setTags(arn, Object.fromEntries(Array.from({ length: own }, (_, n) => [`own-${n}`, 'x'])));
  world.clock.advance(minute);
  for (const { body } of queue.receive(10)) expect(await renewQueued(world, body, 1)).toEqual({});
  const after = world.store.tagsOf(arn);
  expect(after[tags.versionId]).toBe(world.versionOf(arn));
  expect(after[tags.issued]).toBe(after[tags.declared]);
  expect(Object.keys(after)).not.toContain(tags.order);
});

it('a worker is killed after the promotion: the next inspection takes the label off the order, and the key with it', async () => {
  const { world, ca } = scene();
  ca.turns = ['issue'];
  const arn = await world.declareCertificate();
  const { dropOrder } = world.store;
  world.store.dropOrder = async () => undefined;
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  expect(Object.values(world.labels(arn)).flat()).toContain(orderLabel);
  world.store.dropOrder = dropOrder;
  await renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, 1);
  expect(Object.values(world.labels(arn)).flat()).not.toContain(orderLabel);
});
