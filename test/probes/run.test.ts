/** One run of the probe: which secrets it probes, its sums, its metric, and its answers. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { probe } from '../../lambdas/probes/run.ts';
import { hour, internal, World } from '../renewal/world.ts';
import { ProbeScene, probing } from './scene.ts';

const minute = 60_000;
const other = { ...probing, name: 'other' };

/** Certificates that were just renewed. */
async function renewed(...names: readonly string[]) {
  const scene = new ProbeScene(new World(probing, other));
  const arns = names.map((name) => scene.enrol({ name }));
  for (const arn of arns) await scene.renew(arn);
  scene.world.clock.advance(minute);
  scene.world.faults.calls.length = 0;
  return { scene, arns, connected: scene.network.connected };
}

describe('a run', () => {
  it('reads no value, and calls nothing but what its role allows', async () => {
    const { scene } = await renewed('web/1', 'web/2');
    await scene.probe();
    const called = new Set(scene.world.faults.calls.map(({ method }) => method));
    expect([...called].sort()).toEqual(['describe', 'list', 'tag']);
  });

  it.each<[string, (world: World, arn: string) => unknown, string | undefined]>([
    [
      'a profile of another stack',
      (world, arn) => world.store.setTags(arn, { [tags.profile]: 'theirs' }),
      'UnknownProfile',
    ],
    [
      'an endpoint that is not one',
      (world, arn) => world.store.setTags(arn, { [tags.endpoints]: 'web' }),
      'InvalidTag',
    ],
    [
      'an endpoint outside of probe.allow',
      (world, arn) => world.store.setTags(arn, { [tags.endpoints]: '192.0.2.1:443' }),
      'InvalidTag',
    ],
    ['no endpoint any more', (world, arn) => world.store.setTags(arn, {}, [tags.endpoints]), 'InvalidRequest'],
    ['no profile any more', (world, arn) => world.store.setTags(arn, {}, [tags.profile]), 'SecretNotEnrolled'],
    ['its deletion scheduled', (world, arn) => world.store.delete(arn), 'SecretNotFound'],
    ['a profile without probe', (world) => world.profiles.set(internal), 'InvalidRequest'],
    ['another version that no worker has seen', (world, arn) => world.store.write(arn, '{}'), 'InvalidRequest'],
    [
      'another rotation',
      (world, arn) => world.store.setRotation(arn, { enabled: true, functionArn: 'arn:theirs' }),
      'InvalidRequest',
    ],
  ])('connects nowhere for a secret with %s, and says why', async (_, change, code) => {
    const { scene, arns, connected } = await renewed('web/1');
    change(scene.world, arns[0] ?? '');
    const { listed, skipped, probed } = await scene.probe();
    expect({ skipped, probed }).toEqual({ skipped: listed, probed: 0 });
    const asked = await probe(scene.probeWorld, { due: false, secretIds: arns });
    expect(asked).toMatchObject({ listed: 1, skipped: 1, results: [{ state: null, error: { code } }] });
    expect(connected).toEqual([]);
    expect(scene.network.resolved).toEqual([]);
  });

  it('connects nowhere for a replica', async () => {
    const { scene, connected } = await renewed();
    const replica = { name: 'replica', primaryRegion: 'eu-west-1', value: '{}', versionId: 'v1' };
    const ours = { [tags.profile]: 'internal', [tags.endpoints]: 'web.svc.example:443', [tags.versionId]: 'v1' };
    scene.world.store.add({ ...replica, tags: { ...ours, [tags.fingerprint]: 'ab'.repeat(32) } });
    expect(await scene.probe()).toMatchObject({ listed: 1, skipped: 1 });
    expect(connected).toEqual([]);
  });

  it('is not stopped by one secret that AWS does not describe', async () => {
    const { scene, arns } = await renewed('web/1', 'web/2');
    const [first] = arns;
    scene.world.faults.failBefore('describe', new RenewalError('AccessDenied', 'not allowed'), {
      matches: ({ args }) => args[0] === first,
    });
    expect(await scene.probe()).toMatchObject({ listed: 2, skipped: 1, probed: 1 });
    expect(scene.world.journal.failures).toMatchObject([{ secretArn: first, step: 'describing' }]);
  });

  it('fails if AWS does not list', async () => {
    const { scene } = await renewed('web/1');
    scene.world.faults.failBefore('list', new RenewalError('AccessDenied', 'not allowed'));
    await expect(scene.probe()).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  it('counts what is not served by profile, also when nothing is due', async () => {
    const { scene, arns } = await renewed('web/1', 'web/2');
    const third = scene.enrol({ name: 'web/3', tags: { [tags.profile]: 'other' } });
    await scene.renew(third);
    scene.world.clock.advance(2 * hour);
    scene.serve(arns[0] ?? '');
    const counted = () => scene.world.journal.metrics.splice(0).filter(({ metric }) => metric === 'NotServed');
    counted();
    expect(await scene.probe()).toMatchObject({ listed: 3, probed: 3, served: 1, notServed: 2 });
    const expected = [
      { metric: 'NotServed', profile: 'internal', value: 1 },
      { metric: 'NotServed', profile: 'other', value: 1 },
    ];
    expect(counted()).toEqual(expected);
    expect(await scene.probe()).toMatchObject({ listed: 3, probed: 0, served: 1, notServed: 2 });
    expect(counted()).toEqual(expected);
    scene.serve(third);
    // The one address presents only one certificate, so the first is not served any more.
    await probe(scene.probeWorld, { due: false });
    expect(counted()).toEqual([
      { metric: 'NotServed', profile: 'internal', value: 2 },
      { metric: 'NotServed', profile: 'other', value: 0 },
    ]);
  });
});

describe('when the time is over', () => {
  it('the rest is left to the next run, which probes it', async () => {
    const { scene, arns, connected } = await renewed('web/1', 'web/2', 'web/3');
    const first = { aborted: false };
    scene.network.server('10.0.0.7', 443, () => ({ ok: false, problem: 'refused', code: 'ECONNREFUSED' }));
    const over = { aborted: true };
    expect(await probe(scene.probeWorld, { due: true }, over)).toMatchObject({
      ...{ listed: 3, probed: 0, pending: 3, partial: true },
    });
    expect(connected).toEqual([]);
    expect(await probe(scene.probeWorld, { due: true }, first)).toMatchObject({ listed: 3, probed: 3 });
    expect(connected).toHaveLength(arns.length);
    expect(await probe(scene.probeWorld, { due: true }, over)).not.toHaveProperty('partial');
  });
});

describe('secretIds', () => {
  it('are answered in their order, whatever becomes of each', async () => {
    const { scene, arns } = await renewed('web/1', 'web/2');
    scene.serve(arns[1] ?? '');
    const { results, ...sums } = await probe(scene.probeWorld, {
      due: false,
      secretIds: ['web/none', 'web/2', arns[0] ?? ''],
    });
    expect(results).toMatchObject([
      { secretId: 'web/none', secretArn: null, name: null, state: null, error: { code: 'SecretNotFound' } },
      { secretId: 'web/2', secretArn: arns[1], name: 'web/2', state: 'served', endpoints: [{ state: 'served' }] },
      { secretId: arns[0], secretArn: arns[0], name: 'web/1', state: 'pending', endpoints: [{ state: 'stale' }] },
    ]);
    expect(sums).toMatchObject({ listed: 3, probed: 2, served: 1, pending: 1, skipped: 1 });
    expect(scene.world.journal.metrics.filter(({ metric }) => metric === 'NotServed')).toEqual([]);
  });

  it('that name a secret twice probe it once at a time: its event is sent once', async () => {
    const { scene, arns } = await renewed('web/1');
    scene.serve(arns[0] ?? '');
    const { results } = await probe(scene.probeWorld, { due: false, secretIds: ['web/1', ...arns] });
    expect(results?.map(({ secretId, state }) => [secretId, state])).toEqual([
      ['web/1', 'served'],
      [arns[0], 'served'],
    ]);
    expect(scene.world.publisher.of('Certificate Served')).toHaveLength(1);
  });

  it('are probed regardless of their time, and told once', async () => {
    const { scene, arns, connected } = await renewed('web/1');
    scene.serve(arns[0] ?? '');
    for (let n = 0; n < 3; n++) await probe(scene.probeWorld, { due: false, secretIds: arns });
    expect(connected).toHaveLength(3);
    expect(scene.world.publisher.of('Certificate Served')).toHaveLength(1);
  });
});
