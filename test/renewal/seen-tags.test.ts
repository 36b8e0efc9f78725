/** The status tags and the label, by themselves: what is written, what is taken off, and when no call is made. */
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

/** As many tags of the owner's as leave no room for ours. */
const crowd = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`tag-${n}`, 'x']));

describe('a renewal', () => {
  it('notes its version and window, and ends the failure', async () => {
    const { world, secret, own } = scene({ [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v2', validity);
    expect(own()).toEqual({ [tags.versionId]: 'v2', ...window });
  });

  it('whose window is not known takes the old one off', async () => {
    const { world, secret, own } = scene({ ...window, [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v2', undefined);
    expect(own()).toEqual({ [tags.versionId]: 'v2' });
  });

  it('names in its call only what is there to be taken off', async () => {
    const { world, arn, secret } = scene({ [tags.notAfter]: window[tags.notAfter] ?? '' });
    await noteRenewal(world.store, secret(), 'v2', undefined);
    expect(world.faults.calls).toMatchObject([{ args: [arn, { [tags.versionId]: 'v2' }, [tags.notAfter]] }]);
  });

  it('that is noted already costs no call', async () => {
    const { world, secret, calls } = scene({ [tags.versionId]: 'v1', ...window });
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(calls()).toEqual([]);
  });

  it('takes the label for no room off where there is room again', async () => {
    const { world, arn, secret } = scene();
    world.store.moveStage(arn, noRoomLabel, 'v1');
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(world.labels(arn)['v1']).toEqual(['AWSCURRENT']);
  });

  it('leaves the label where there is none', async () => {
    const { world, arn, secret } = scene(crowd);
    world.store.moveStage(arn, noRoomLabel, 'v1');
    const store = { tag: async () => undefined, labelNoRoom: world.store.labelNoRoom.bind(world.store) };
    await noteRenewal(store, secret(), 'v1', undefined);
    expect(world.labels(arn)['v1']).toContain(noRoomLabel);
  });
});

describe('a look', () => {
  it('keeps the failure of the very version', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v1', [tags.failure]: failed });
    await noteLook(world.store, secret(), validity);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('ends that of an earlier version', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0', [tags.failure]: failed });
    await noteLook(world.store, secret(), validity);
    expect(own()).toEqual({ [tags.versionId]: 'v1', ...window });
  });

  it('keeps one beside the mark of an `out`, which says nothing of the version', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0 =web/tls', [tags.failure]: failed });
    await noteLook(world.store, secret(), validity);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('writes what is to be written and takes off what is too much in one call, and takes off alone', async () => {
    const { world, arn, secret } = scene({ [tags.versionId]: 'v0', [tags.failure]: failed });
    await noteLook(world.store, secret(), validity);
    expect(world.faults.calls).toMatchObject([{ args: [arn, { [tags.versionId]: 'v1', ...window }, [tags.failure]] }]);
    world.store.setTags(arn, { [tags.failure]: failed });
    await noteRenewal(world.store, secret(), 'v1', validity);
    expect(world.faults.calls.at(-1)).toEqual({ method: 'tag', args: [arn, {}, [tags.failure]] });
  });

  it('writes nothing while an event is owed', async () => {
    const { world, secret, calls } = scene({ [tags.versionId]: 'v0 +v1' });
    await noteLook(world.store, secret(), validity);
    expect(calls()).toEqual([]);
  });

  it('writes nothing of a secret without a value', async () => {
    const world = new World();
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' } });
    await noteLook(world.store, world.store.summary(arn), validity);
    await noteFailure(world.store, world.store.summary(arn), failure, validity);
    await noteNoRoom(world.store, world.store.summary(arn));
    expect(world.faults.calls).toEqual([]);
  });

  it('takes the label for no room off', async () => {
    const { world, arn, secret } = scene();
    world.store.moveStage(arn, noRoomLabel, 'v1');
    await noteLook(world.store, secret(), validity);
    expect(world.labels(arn)['v1']).toEqual(['AWSCURRENT']);
  });
});

describe('a failure', () => {
  it('is noted with the version and its window', async () => {
    const { world, secret, own } = scene();
    await noteFailure(world.store, secret(), failure, validity);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('of the same version keeps a window that is not known now', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v1', ...window });
    await noteFailure(world.store, secret(), failure, undefined);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed, ...window });
  });

  it('of another version does not keep the window of the one before', async () => {
    const { world, secret, own } = scene({ [tags.versionId]: 'v0', ...window });
    await noteFailure(world.store, secret(), failure, undefined);
    expect(own()).toEqual({ [tags.versionId]: 'v1', [tags.failure]: failed });
  });
});

describe('what is owed', () => {
  it('stands in the mark before another renewal', async () => {
    const { world, secret, own } = scene();
    await keepTrack(world.store, secret(), [owed(1)]);
    expect(own()).toEqual({ [tags.versionId]: 'v0 +v1' });
    await keepTrack(world.store, secret(), [owed(1)], { versionId: 'token', previousVersionId: 'v1' });
    expect(own()).toEqual({ [tags.versionId]: 'v0 +v1 @token' });
  });

  it('needs no call where there is nothing', async () => {
    const { world, secret, calls } = scene();
    await keepTrack(world.store, secret(), []);
    expect(calls()).toEqual([]);
  });

  it('names a next version alone too', async () => {
    const { world, secret, own } = scene();
    await keepTrack(world.store, secret(), [], { versionId: 'token', previousVersionId: 'v1' });
    expect(own()).toEqual({ [tags.versionId]: 'v1 @token' });
  });

  it('is Throttled where the mark can’t hold it, and says of how many', async () => {
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
    ['what is noted', { [tags.versionId]: 'v1' }, 'v1'],
    ['what is owed', { [tags.versionId]: 'v0 +v1' }, 'v0 +v1'],
    ['the mark of an `out`, as it is', { [tags.versionId]: 'v1 =web/tls' }, 'v1 =web/tls'],
  ])('writes %s', async (_, more, mark) => {
    const { world, arn, secret } = scene(more);
    await probe(world.store, secret());
    expect(world.faults.calls).toMatchObject([{ method: 'tag', args: [arn, { [tags.versionId]: mark }, []] }]);
  });

  it('writes what the labels tell and no mark does', async () => {
    const world = new World();
    const arn = world.enrol();
    const ours = newVersionId('v1', world.entropy);
    await world.store.stage(arn, ours, world.store.value(arn));
    world.store.moveStage(arn, 'AWSCURRENT', ours);
    await probe(world.store, world.store.summary(arn));
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(`v1 +${ours}`);
  });

  it('throws what writing a tag throws', async () => {
    const { world, secret } = scene();
    const denied = new RenewalError('AccessDenied', 'no');
    world.faults.failBefore('tag', denied);
    await expect(probe(world.store, secret())).rejects.toBe(denied);
  });
});

describe('the label for no room', () => {
  it('comes to the current version, from whichever has it', async () => {
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
