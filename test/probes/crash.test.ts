/** The crash table of the probe: it ends before or after each of its calls, and the next runs complete what it began. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { probe } from '../../lambdas/probes/run.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import { hour } from '../renewal/world.ts';
import { ProbeScene } from './scene.ts';

const minute = 60_000;

/** What the probe finds, and what it has to tell. */
interface Scene {
  readonly scene: ProbeScene;
  readonly arn: string;
  readonly event: 'Certificate Served' | 'Certificate Not Served';
  readonly state: string;
}

async function renewed(): Promise<Omit<Scene, 'event' | 'state'>> {
  const scene = new ProbeScene();
  const arn = scene.enrol();
  scene.serve(arn);
  await scene.renew(arn);
  scene.world.clock.advance(minute);
  return { scene, arn };
}

const scenes: Record<string, () => Promise<Scene>> = {
  reloaded: async () => {
    const { scene, arn } = await renewed();
    scene.serve(arn);
    return { scene, arn, event: 'Certificate Served', state: 'served' };
  },
  'not reloaded in time': async () => {
    const { scene, arn } = await renewed();
    await scene.probe();
    scene.world.clock.advance(2 * hour);
    return { scene, arn, event: 'Certificate Not Served', state: 'not-served' };
  },
  'reloaded late': async () => {
    const { scene, arn } = await renewed();
    scene.world.clock.advance(2 * hour);
    await scene.probe();
    scene.serve(arn);
    scene.world.clock.advance(hour);
    return { scene, arn, event: 'Certificate Served', state: 'served' };
  },
  'served, and then another certificate': async () => {
    const { scene, arn } = await renewed();
    const old = scene.current(arn);
    scene.serve(arn);
    await scene.probe();
    await scene.renew(arn);
    scene.serve(arn);
    scene.world.clock.advance(minute);
    await scene.probe();
    scene.serve(arn, old);
    scene.world.clock.advance(25 * hour);
    return { scene, arn, event: 'Certificate Not Served', state: 'not-served' };
  },
};

/** The calls of the probe. Those to the network end with the process too. */
function world({ scene }: Scene): ProbeWorld {
  const { faults, profiles } = scene.world;
  const { network, ...rest } = scene.probeWorld;
  return {
    ...rest,
    profiles: { find: (name) => faults.around('profile', [name], () => profiles.find(name)) },
    network: {
      resolve: (host) => faults.around('resolve', [host], () => network.resolve(host)),
      handshake: (target) => faults.around('handshake', [target], () => network.handshake(target)),
    },
  };
}

const calls = [
  'list',
  'profile',
  'describe',
  'profile',
  'resolve',
  'handshake',
  'describe',
  'tag',
  'publish',
  'tag',
].map((method, n) => ({ method, number: n + 1 }));

describe.each(Object.entries(scenes))('%s: a crash', (_, make) => {
  it('table has all calls', async () => {
    const all = await make();
    const before = all.scene.world.faults.calls.length;
    await probe(world(all), { due: true });
    expect(all.scene.world.faults.calls.slice(before).map(({ method }) => method)).toEqual(
      calls.map(({ method }) => method),
    );
  });

  it.each(calls.flatMap((call) => (['before', 'after'] as const).map((when) => ({ ...call, when }))))(
    '$when call $number, $method',
    async ({ number, method, when }) => {
      const all = await make();
      const { scene, arn, event, state } = all;
      const { faults, publisher, clock, store } = scene.world;
      publisher.events.length = 0;
      faults.crashAt(number, when);
      await probe(world(all), { due: true }).catch(() => undefined);
      expect(faults.crashed).toBe(true);
      faults.restart();
      const connected = scene.network.connected.length;
      for (let passed = 0; passed <= 65; passed++) {
        clock.advance(minute);
        await scene.probe();
      }
      expect(store.tagsOf(arn)[tags.served]).toContain(` ${state} `);
      // Only a crash between the event bus and the tag lets it be sent twice.
      const isUnnoted = (method === 'publish' && when === 'after') || (number === calls.length && when === 'before');
      expect(publisher.events.map(({ type }) => type)).toEqual(isUnnoted ? [event, event] : [event]);
      expect(scene.network.connected.length - connected).toBeLessThanOrEqual(8);
    },
  );
});
