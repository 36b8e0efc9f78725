/** Unit tests of the status tags and the label: what is written and removed, and when no call is made. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { noRoomLabel, tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import {
  keepTrack,
  noteFailure,
  noteLook,
  noteNoRoom,
  noteOutput,
  noteRenewal,
  probe,
} from '../../lambdas/renewal/status-tags.ts';
import { start, World } from './world.ts';

const validity = { notBefore: start, end: start + 3_600_000 };
const dates = { validity, suggested: undefined };
const window = { [tags.notBefore]: '2026-11-22T12:00:00Z', [tags.notAfter]: '2026-11-22T13:00:00Z' };
const failure = { count: 2, at: start, code: 'CaRejected' } as const;
const failed = '2 2026-11-22T12:00:00Z CaRejected';
const owed = (n: number) => ({ versionId: `v${n}`, previousVersionId: `v${n - 1}` });

function scene(more: Readonly<Record<string, string>> = {}) {
  const world = new World();
  const arn = world.store.add({
    name: 'x',
    value: '1',
    versionId: 'v1',
    tags: { [tags.profile]: 'internal', ...more },
  });
  const secret = () => world.store.summary(arn);
  const own = () => {
    const { [tags.profile]: _, ...rest } = world.store.tagsOf(arn);
    return rest;
  };
  const calls = () => world.faults.calls.map(({ method }) => method);
  return { world, arn, secret, own, calls };
}

const crowd = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`tag-${n}`, 'x']));

describe('a renewal', () => {
  it('notes its version and dates, and removes the failure', async () => {
    const { world, secret, own } = scene({ [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v2', validity);
    expect(own()).toEqual({ [tags.versionId]: 'v2', ...window });
  });

  it('without known dates removes the old ones', async () => {
    const { world, secret, own } = scene({ ...window, [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v2', undefined);
    expect(own()).toEqual({ [tags.versionId]: 'v2' });
  });

  it('removes only tags that exist', async () => {
    const { world, arn, secret } = scene({ [tags.notAfter]: window[tags.notAfter] ?? '' });
    await noteRenewal(world.store, secret(), 'v2', undefined);
    expect(world.faults.calls).toMatchObject([{ args: [arn, { [tags.versionId]: 'v2' }, [tags.notAfter]] }]);
  });

  it('that is noted already costs no call', async () => {
    const { world, secret, calls } = scene({ [tags.versionId]: 'v1', ...window });
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(calls()).toEqual([]);
  });

  it('removes the label for no room if there is room again', async () => {
    const { world, arn, secret } = scene();
    world.store.moveStage(arn, noRoomLabel, 'v1');
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(world.labels(arn)['v1']).toEqual(['AWSCURRENT']);
  });

  it('leaves the label if there is no room', async () => {
    const { world, arn, secret } = scene(crowd);
    world.store.moveStage(arn, noRoomLabel, 'v1');
    const store = { tag: async () => undefined, labelNoRoom: world.store.labelNoRoom.bind(world.store) };
    await noteRenewal(store, secret(), 'v1', undefined);
    expect(world.labels(arn)['v1']).toContain(noRoomLabel);
  });
});

describe('an inspection', () => {
  it('keeps the failure of the same version', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v1', [tags.failure]: failed });
    await noteLook(world.store, secret(), dates);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('removes the failure of an earlier version', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0', [tags.failure]: failed });
    await noteLook(world.store, secret(), dates);
    expect(own()).toEqual({ [tags.versionId]: 'v1', ...window });
  });

  it('keeps a failure beside the version-id of an `out`, which does not say whose failure it is', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0 =web/tls', [tags.failure]: failed });
    await noteLook(world.store, secret(), dates);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('writes and removes in one call, and can only remove', async () => {
    const { world, arn, secret } = scene({ [tags.versionId]: 'v0', [tags.failure]: failed });
    await noteLook(world.store, secret(), dates);
    expect(world.faults.calls).toMatchObject([{ args: [arn, { [tags.versionId]: 'v1', ...window }, [tags.failure]] }]);
    world.store.setTags(arn, { [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(world.faults.calls.at(-1)).toEqual({ method: 'tag', args: [arn, {}, [tags.failure]] });
  });

  it('writes nothing while an event is unsent', async () => {
    const { world, secret, calls } = scene({ [tags.versionId]: 'v0 +v1' });
    await noteLook(world.store, secret(), dates);
    expect(calls()).toEqual([]);
  });

  it('writes nothing for a secret without a value', async () => {
    const world = new World();
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' } });
    await noteLook(world.store, world.store.summary(arn), dates);
    await noteFailure(world.store, world.store.summary(arn), failure, dates);
    await noteNoRoom(world.store, world.store.summary(arn));
    expect(world.faults.calls).toEqual([]);
  });

  it('removes the label for no room', async () => {
    const { world, arn, secret } = scene();
    world.store.moveStage(arn, noRoomLabel, 'v1');
    await noteLook(world.store, secret(), dates);
    expect(world.labels(arn)['v1']).toEqual(['AWSCURRENT']);
  });
});

describe('a failure', () => {
  it('is noted with the version and its dates', async () => {
    const { world, secret, own } = scene();
    await noteFailure(world.store, secret(), failure, dates);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('of the same version keeps dates that are not known now', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v1', ...window });
    await noteFailure(world.store, secret(), failure, {});
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('of another version does not keep the dates of the previous one', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0', ...window });
    await noteFailure(world.store, secret(), failure, {});
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed });
  });
});

describe('an unsent event', () => {
  it('is kept in the tag version-id before another renewal', async () => {
    const { world, secret, own } = scene();
    await keepTrack(world.store, secret(), [owed(1)]);
    expect(own()).toEqual({ [tags.versionId]: 'v0 +v1' });
    await keepTrack(world.store, secret(), [owed(1)], { versionId: 'token', previousVersionId: 'v1' });
    expect(own()).toEqual({ [tags.versionId]: 'v0 +v1 @token' });
  });

  it('costs no call if there is none', async () => {
    const { world, secret, calls } = scene();
    await keepTrack(world.store, secret(), []);
    expect(calls()).toEqual([]);
  });

  it('is kept beside the next version, which is also noted alone', async () => {
    const { world, secret, own } = scene();
    await keepTrack(world.store, secret(), [], { versionId: 'token', previousVersionId: 'v1' });
    expect(own()).toEqual({ [tags.versionId]: 'v1 @token' });
  });

  it('fails with Throttled if the tag has no room, with the number of events', async () => {
    const { world, secret, calls } = scene();
    const long = Array.from({ length: 9 }, (_, n) => ({ versionId: 'v'.repeat(32), previousVersionId: `v${n}` }));
    await expect(keepTrack(world.store, secret(), long)).rejects.toMatchObject({
      code: 'Throttled',
      message: expect.stringContaining('The events of the last 9 renewals could not be sent yet'),
    });
    expect(calls()).toEqual([]);
  });

  it('of an `out` is its version and its source', async () => {
    const { world, secret, own } = scene();
    await noteOutput(world.store, secret(), 'v2', { name: 'web/tls' });
    expect(own()).toEqual({ [tags.versionId]: 'v2 =web/tls' });
  });
});

describe('a probe', () => {
  it.each([
    ['nothing', {}, '-'],
    ['the noted version', { [tags.versionId]: 'v1' }, 'v1'],
    ['the unsent events', { [tags.versionId]: 'v0 +v1' }, 'v0 +v1'],
    ['the tag version-id of an `out`, as it is', { [tags.versionId]: 'v1 =web/tls' }, 'v1 =web/tls'],
  ])('writes %s', async (_, more, mark) => {
    const { world, arn, secret } = scene(more);
    await probe(world.store, secret());
    expect(world.faults.calls).toMatchObject([{ method: 'tag', args: [arn, { [tags.versionId]: mark }, []] }]);
  });

  it('writes what only the labels show', async () => {
    const world = new World();
    const arn = world.enrol();
    const ours = newVersionId('v1', world.entropy);
    await world.store.stage(arn, ours, world.store.value(arn));
    world.store.moveStage(arn, 'AWSCURRENT', ours);
    await probe(world.store, world.store.summary(arn));
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(`v1 +${ours}`);
  });

  it('throws the error of the write', async () => {
    const { world, secret } = scene();
    const denied = new RenewalError('AccessDenied', 'no');
    world.faults.failBefore('tag', denied);
    await expect(probe(world.store, secret())).rejects.toBe(denied);
  });
});

describe('the label for no room', () => {
  it('is moved to the current version', async () => {
    const { world, arn, secret } = scene(crowd);
    await noteNoRoom(world.store, secret());
    expect(world.labels(arn)['v1']).toContain(noRoomLabel);
    world.store.write(arn, '2', 'v2');
    await noteNoRoom(world.store, secret());
    expect(world.labels(arn)).toEqual({ v1: ['AWSPREVIOUS'], v2: ['AWSCURRENT', noRoomLabel] });
  });

  it('is written once', async () => {
    const { world, secret, calls } = scene(crowd);
    await noteNoRoom(world.store, secret());
    await noteNoRoom(world.store, secret());
    expect(calls()).toEqual(['labelNoRoom']);
  });
});
