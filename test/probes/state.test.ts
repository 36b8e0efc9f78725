/** The probe beside other writers of the tags, and without AWS's help: what it notes, and how often it tells. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import type { Handshake } from '../../lambdas/domain/serving.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { probe } from '../../lambdas/probes/run.ts';
import { presenting } from '../../testkit/fakes/probe-network.ts';
import { hour } from '../renewal/world.ts';
import { address, ProbeScene } from './scene.ts';

const minute = 60_000;
const day = 24 * hour;

/** A certificate that was just renewed. `old`: what the server still presents. */
async function renewed() {
  const scene = new ProbeScene();
  const arn = scene.enrol();
  const old = scene.current(arn);
  scene.serve(arn);
  await scene.renew(arn);
  scene.world.clock.advance(minute);
  const served = () => scene.world.store.tagsOf(arn)[tags.served]?.split(' ')[2];
  const told = () =>
    scene.world.publisher.events.map(({ type }) => type).filter((type) => type.startsWith('Certificate '));
  scene.world.publisher.events.length = 0;
  return { scene, arn, old, served, told };
}

/** Runs the probe each minute. */
async function pass(scene: ProbeScene, time: number, each: () => unknown = () => scene.probe()): Promise<void> {
  for (let passed = 0; passed < time; passed += minute) {
    scene.world.clock.advance(minute);
    await each();
  }
}

/** Lets the server present `first` to the handshake that is under way, while `meanwhile` happens. */
function whileItConnects(scene: ProbeScene, first: Uint8Array, meanwhile: () => Promise<unknown>): void {
  let isFirst = true;
  scene.network.server(address, 443, async (target): Promise<Handshake> => {
    if (!isFirst) return { ok: true, certificates: [scene.current(scene.world.arnOf('web/tls') ?? '')] };
    isFirst = false;
    await meanwhile();
    return presenting(first)(target);
  });
}

describe('two runs at once', () => {
  it('tell once', async () => {
    const { scene, arn, told, served } = await renewed();
    whileItConnects(scene, scene.current(arn), () => scene.probe());
    await scene.probe();
    expect([told(), served()]).toEqual([['Certificate Served'], 'served']);
  });

  it('keep what was found last: a slow handshake with the old server says nothing after a reload', async () => {
    const { scene, old, told, served } = await renewed();
    scene.world.clock.advance(2 * hour);
    whileItConnects(scene, old, () => scene.probe());
    await scene.probe();
    expect([told(), served()]).toEqual([['Certificate Served'], 'served']);
  });
});

describe('a renewal during a probe', () => {
  it('is not told as served by what the probe has found of the certificate before', async () => {
    const { scene, arn, told, served } = await renewed();
    const before = scene.current(arn);
    scene.world.clock.advance(minute);
    whileItConnects(scene, before, () => scene.renew(arn));
    const { probed } = await scene.probe();
    expect(probed).toBe(1);
    expect(told()).toEqual(['Certificate Renewed']);
    expect(served()).toBe('pending');
    await pass(scene, 2 * minute);
    expect(told()).toEqual(['Certificate Renewed', 'Certificate Served']);
  });

  it.each(['publish', 'tag'] as const)('that ends before its %s leaves no result behind', async (call) => {
    const { scene, arn, told } = await renewed();
    const before = scene.current(arn);
    whileItConnects(scene, before, async () => {
      scene.world.faults.failBefore(call, new RenewalError('Throttled', 'slow down'), { times: 3 });
      await scene.renew(arn).catch(() => undefined);
      scene.world.faults.restart();
    });
    await scene.probe();
    expect(told()).toEqual(call === 'publish' ? [] : ['Certificate Renewed']);
  });
});

describe('endpoints that change', () => {
  it('begin anew, with the same type of key', async () => {
    const { scene, arn, served } = await renewed();
    scene.serve(arn);
    await scene.probe();
    scene.network.name('api.svc.example', address);
    scene.world.store.setTags(arn, { [tags.endpoints]: 'web.svc.example:443 api.svc.example:443' });
    await pass(scene, minute);
    expect(served()).toBe('served');
    expect(scene.network.connected.map(({ keyType }) => keyType)).toEqual(['EC', 'EC', 'EC']);
    expect(scene.world.publisher.of('Certificate Served').map(({ detail }) => detail.endpoints.length)).toEqual([1, 2]);
  });

  it('during a probe keep its result from being noted', async () => {
    const { scene, arn, told, served } = await renewed();
    const other = { [tags.endpoints]: 'api.svc.example:443' };
    whileItConnects(scene, scene.current(arn), async () => scene.world.store.setTags(arn, other));
    await scene.probe();
    expect([told(), served()]).toEqual([[], 'pending']);
  });
});

describe('without the event bus for a day', () => {
  const denied = new RenewalError('AccessDenied', 'not allowed');

  it.each([
    ['Certificate Served', 0, 'served'],
    ['Certificate Not Served', 2 * hour, 'not-served'],
  ] as const)('%s is tried at growing pauses, and sent afterwards', async (event, later, state) => {
    const { scene, arn, told, served } = await renewed();
    if (state === 'served') scene.serve(arn);
    scene.world.clock.advance(later);
    scene.world.faults.failBefore('publish', denied, { times: Number.POSITIVE_INFINITY, matches: () => isDown });
    let isDown = true;
    await pass(scene, day);
    expect(scene.network.connected.length).toBeLessThan(36);
    isDown = false;
    await pass(scene, hour + minute);
    expect([told(), served()]).toEqual([[event], state]);
  });

  it('another certificate after the right one is told within the hour', async () => {
    const { scene, arn, old, told } = await renewed();
    scene.serve(arn);
    await scene.probe();
    scene.serve(arn, old);
    scene.world.clock.advance(day);
    scene.world.faults.failBefore('publish', denied, { times: 2 });
    await pass(scene, hour);
    expect(told()).toEqual(['Certificate Served', 'Certificate Not Served']);
  });
});

describe('without the permission to tag, for a day', () => {
  it.each([
    ['reloaded', true, 0],
    ['not reloaded', false, 1],
  ] as const)('%s: no event at each run', async (_, isReloaded, least) => {
    const { scene, arn, told, served } = await renewed();
    if (isReloaded) scene.serve(arn);
    let isDenied = true;
    scene.world.faults.failBefore('tag', new RenewalError('AccessDenied', 'not allowed'), {
      ...{ times: Number.POSITIVE_INFINITY, matches: () => isDenied },
    });
    await pass(scene, day);
    expect(told().length).toBeGreaterThanOrEqual(least);
    expect(told().length).toBeLessThanOrEqual(2);
    expect(scene.world.journal.failures.at(-1)).toMatchObject({ secretArn: arn, step: 'probing' });
    isDenied = false;
    await pass(scene, hour + minute);
    expect(served()).toBe(isReloaded ? 'served' : 'not-served');
    expect(told().at(-1)).toBe(isReloaded ? 'Certificate Served' : 'Certificate Not Served');
  });
});

describe('a listing that lags by five minutes', () => {
  it('sends no event twice, and probes no more often', async () => {
    const { scene, arn, told, served } = await renewed();
    scene.serve(arn);
    const past: SecretSummary[] = [];
    const { store } = scene.world;
    const lagging: typeof scene.probeWorld.store = {
      describe: (id) => store.describe(id),
      tag: (...args) => store.tag(...args),
      list: async function* () {
        yield Object.assign([past.at(-6) ?? past[0] ?? store.summary(arn)], { next: undefined });
      },
    };
    await pass(scene, 3 * hour, async () => {
      past.push(store.summary(arn));
      await probe({ ...scene.probeWorld, store: lagging }, { due: true });
    });
    expect([told(), served()]).toEqual([['Certificate Served'], 'served']);
    expect(scene.network.connected.length).toBeLessThanOrEqual(2);
  });
});

describe('a state that does not fit beside 50 tags', () => {
  it('lets it be probed once a day, and told by the log', async () => {
    const crowd = Object.fromEntries(Array.from({ length: 43 }, (_, n) => [`own-${n}`, 'x']));
    const scene = new ProbeScene();
    const arn = scene.enrol({ tags: crowd });
    scene.serve(arn);
    await scene.renew(arn);
    expect(Object.keys(scene.world.store.tagsOf(arn))).not.toContain(tags.served);
    await pass(scene, 2 * day);
    expect(scene.network.connected.length).toBeGreaterThanOrEqual(2);
    expect(scene.network.connected.length).toBeLessThanOrEqual(4);
    expect(scene.world.journal.decisions.some(({ reason }) => reason.code === 'NotServed')).toBe(true);
  });
});
