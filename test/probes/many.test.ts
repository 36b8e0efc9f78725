/** Many endpoints in one run: bounded, and a dead one holds up no other. */
import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Handshake } from '../../lambdas/domain/serving.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { probe } from '../../lambdas/probes/run.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { FakeNetwork } from '../../testkit/fakes/probe-network.ts';
import { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import { FakePublisher } from '../../testkit/fakes/publisher.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { probing } from './scene.ts';

const der = Uint8Array.of(1, 2, 3);
const fingerprint = hash('sha256', der, 'hex');

/** One secret for each address, and the most handshakes that were open at once. */
function manyEndpoints(count: number, answer: (index: number) => Promise<Handshake>) {
  const clock = new FakeClock();
  const store = new FakeStore({ clock });
  const network = new FakeNetwork();
  const seen = { open: 0, most: 0, ended: 0 };
  for (let index = 0; index < count; index++) {
    const address = `10.0.${index >> 8}.${index & 0xff}`;
    const versionId = `version-${index}`;
    const own = { [tags.profile]: probing.name, [tags.endpoints]: `${address}:443`, [tags.fingerprint]: fingerprint };
    store.add({ name: `web/${index}`, value: '{}', versionId, tags: { ...own, [tags.versionId]: versionId } });
    network.server(address, 443, async () => {
      seen.open += 1;
      seen.most = Math.max(seen.most, seen.open);
      const outcome = await answer(index);
      seen.open -= 1;
      seen.ended += 1;
      return outcome;
    });
  }
  const parts = { publisher: new FakePublisher(), journal: new FakeJournal(), profiles: new FakeProfiles(probing) };
  const world: ProbeWorld = { ...parts, store, clock, network, anchorsOf: async () => undefined };
  return { world, seen };
}

const served: Handshake = { ok: true, certificates: [der] };
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('a tenth of 500 is dead: all others end before the first dead one does', async () => {
  const dead: (() => void)[] = [];
  const { world, seen } = manyEndpoints(500, (index) =>
    index % 10 === 0
      ? new Promise((resolve) => dead.push(() => resolve({ ok: false, problem: 'timeout', code: 'silent' })))
      : turn().then(() => served),
  );
  const run = probe(world, { due: false });
  await expect.poll(() => seen.ended).toBe(450);
  expect(dead).toHaveLength(50);
  for (const end of dead) end();
  expect(await run).toMatchObject({ listed: 500, probed: 500, served: 450, pending: 50 });
});

it('is bounded, also when all are dead', async () => {
  const { world, seen } = manyEndpoints(300, () =>
    turn().then(() => ({ ok: false, problem: 'timeout', code: 'silent' })),
  );
  expect(await probe(world, { due: false })).toMatchObject({ listed: 300, probed: 300, pending: 300 });
  expect(seen.most).toBeLessThanOrEqual(100);
  expect(seen.most).toBeGreaterThan(1);
});
