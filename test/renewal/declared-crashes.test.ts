/**
 * The crash table of docs/renewal-cycle.md for declared certificates: a crash before and after each call, and each way to
 * recover.
 */
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { extendedKeyUsages } from '../../lambdas/x509/extensions.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { Crash, type Faults } from '../../testkit/fakes/faults.ts';
import { Stack } from '../authority/world.ts';
import { issuing, pairOf, World } from './world.ts';

const minute = 60_000;
const message = (arn: string) => ({ secretArn: arn, versionId: 'v1' });
const own: Profile = { ...issuing, ca: { type: 'offline', authority: 'issuing' } };

/** A world whose declared certificate is missing or differs. `asked` counts the calls to the CA. */
interface Scene {
  readonly world: World;
  readonly arn: string;
  /** The version that is current at first. */
  readonly before: string;
  readonly names: readonly string[];
  readonly caFaults: Faults;
  readonly caCall: string;
}

async function first(): Promise<Scene> {
  const world = new World(issuing);
  const arn = await world.declareCertificate();
  return { world, arn, before: 'v1', names: ['dns:web.svc.example'], caFaults: world.ca.faults, caCall: 'issue' };
}

async function changed(): Promise<Scene> {
  const { world, arn, ...rest } = await first();
  await renewQueued(world, message(arn), 1);
  await world.declareCertificate({ dnsNames: ['web.svc.example', 'api.svc.example'] });
  world.publisher.events.length = 0;
  world.ca.issued.length = 0;
  world.clock.advance(minute);
  const names = ['dns:web.svc.example', 'dns:api.svc.example'];
  return { world, arn, ...rest, before: world.versionOf(arn), names };
}

async function byOwnAuthority(): Promise<Scene> {
  const world = await new Stack(own).hierarchy();
  const arn = await world.declareCertificate();
  return { world, arn, before: 'v1', names: ['dns:web.svc.example'], caFaults: world.faults, caCall: 'sign' };
}

const scenes = { 'declared, first': first, 'declared, changed': changed, 'declared, own authority': byOwnAuthority };
type Kind = keyof typeof scenes;

const worldCalls = ['describe', 'declaration', 'read', 'stage', 'promote', 'publish', 'tag'];
const points = [...worldCalls, 'the CA'].flatMap((method) =>
  (['before', 'after'] as const).map((when) => ({ method, when })),
);

/** Ends the process at the call, so that all later calls fail too. Returns whether the call was reached. */
function crashAt({ world, arn, caFaults, caCall }: Scene, method: string, when: 'before' | 'after'): () => boolean {
  let hasCrashed = false;
  const faults = method === 'the CA' ? caFaults : world.faults;
  const die = () => {
    hasCrashed = true;
    world.faults.crashAt(1, 'before');
    throw new Crash(`${when} ${method}`);
  };
  const called = method === 'the CA' ? caCall : method;
  const isOurs = ['stage', 'promote', 'tag', 'describe', 'read'].includes(called);
  faults.meanwhile(when, called, die, { matches: ({ args }) => !isOurs || args[0] === arn });
  return () => hasCrashed;
}

async function scanAndWork(world: World): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const from = world.queue.sent.length;
    await scan(world, { force: false, dryRun: false });
    for (const each of world.queue.sent.slice(from)) await renewQueued(world, each, 1);
  }
}

const waysBack: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'the queue': async ({ world, arn, before }) => {
    await renewQueued(world, { secretArn: arn, versionId: before }, 2);
    await scanAndWork(world);
  },
  'on demand': ({ world, arn }) => renewOnDemand(world, { secretId: arn }),
  'the scan': ({ world }) => scanAndWork(world),
};

function expectIssued({ world, arn, before, names }: Scene): void {
  const { leaf, key } = pairOf(world.store.value(arn));
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  expect(Buffer.from(leaf.spki).equals(spki)).toBe(true);
  expect([...subjectAltNames(leaf)].sort()).toEqual([...names].sort());
  const versionId = world.versionOf(arn);
  expect(versionId).toMatch(/^cert-renewer-/);
  expect(versionId).not.toBe(before);
  expect(world.labels(arn)[before]).toEqual(['AWSPREVIOUS']);
  expect([undefined, versionId]).toContain(world.pending(arn));
  const { [tags.declared]: declared, ...noted } = world.store.tagsOf(arn);
  expect(noted).toMatchObject({ [tags.versionId]: versionId, [tags.issued]: declared });
  expect(noted).not.toHaveProperty([tags.failure]);
}

function expectTold({ world, arn }: Scene): void {
  const told = world.publisher.of('Certificate Renewed').filter(({ detail }) => detail.secretArn === arn);
  expect(told.length).toBeGreaterThanOrEqual(1);
  for (const { detail } of told) {
    expect(detail).toMatchObject({ operation: 'issue', outcome: 'issued', versionId: world.versionOf(arn) });
  }
}

/** Counts the staged versions, because the certificates of a stack's own authority are counted nowhere else. */
const versionsSince = ({ world, arn, before }: Scene): number => {
  const ids = world.store.versionIds(arn);
  return ids.length - 1 - ids.indexOf(before);
};

describe.each(Object.keys(scenes) as Kind[])('%s, and a crash', (kind) => {
  describe.each(points)('$when $method', ({ method, when }) => {
    it.each(Object.keys(waysBack))('is completed by %s', async (way) => {
      const scene = await scenes[kind]();
      const { world, arn, before } = scene;
      const hasCrashed = crashAt(scene, method, when);
      await renewQueued(world, { secretArn: arn, versionId: before }, 1).catch(() => undefined);
      expect(hasCrashed(), `nobody called ${method}`).toBe(true);
      world.faults.restart();
      await waysBack[way]?.(scene);
      expectIssued(scene);
      expectTold(scene);
      expect(world.ca.issued.length).toBeLessThanOrEqual(2);
      expect(versionsSince(scene)).toBe(1);
    });
  });
});

describe('a pair that was staged before a crash', () => {
  async function staged(more: Parameters<World['declareCertificate']>[0] = {}) {
    const world = new World(issuing);
    const arn = await world.declareCertificate(more);
    crashAt({ world, arn } as Scene, 'promote', 'before');
    await renewQueued(world, message(arn), 1).catch(() => undefined);
    world.faults.restart();
    expect(world.ca.issued).toHaveLength(1);
    return { world, arn, pending: world.pending(arn) };
  }

  it('is promoted, and not issued again', async () => {
    const { world, arn, pending } = await staged();
    await renewQueued(world, message(arn), 2);
    expect(world.versionOf(arn)).toBe(pending);
    expect(world.ca.issued).toHaveLength(1);
  });

  it.each([
    [{ usages: ['serverAuth' as const] }, {}],
    [{ duration: '24h' }, { duration: '48h' }],
    [{ duration: '24h' }, {}],
    [{ dnsNames: ['web.svc.example'] }, { dnsNames: ['api.svc.example'] }],
    [{}, { commonName: 'web.svc.example' }],
  ])('for %j is not used for %j', async (then, now) => {
    const { world, arn, pending } = await staged(then);
    await world.declareCertificate(now);
    await renewQueued(world, message(arn), 2);
    expect(world.versionOf(arn)).not.toBe(pending);
    expect(world.ca.issued).toHaveLength(2);
    const { [tags.declared]: declared, [tags.issued]: issued } = world.store.tagsOf(arn);
    expect(issued).toBe(declared);
    const { leaf } = pairOf(world.store.value(arn));
    if (!('usages' in now)) expect(extendedKeyUsages(leaf)).toHaveLength(2);
  });

  it('with a new key is not used for the mode renew, and the other way round', async () => {
    for (const modes of [
      ['rekey', 'renew'],
      ['renew', 'rekey'],
    ] as const) {
      const scene = await changed();
      const { world, arn, before } = scene;
      const was = pairOf(world.store.value(arn)).leaf;
      world.store.setTags(arn, { [tags.mode]: modes[0] });
      crashAt(scene, 'promote', 'before');
      await renewQueued(world, { secretArn: arn, versionId: before }, 1).catch(() => undefined);
      world.faults.restart();
      world.store.setTags(arn, { [tags.mode]: modes[1] });
      await renewQueued(world, { secretArn: arn, versionId: before }, 2);
      expectIssued(scene);
      const isKept = Buffer.from(pairOf(world.store.value(arn)).leaf.spki).equals(was.spki);
      expect(isKept).toBe(modes[1] === 'renew');
    }
  });
});
