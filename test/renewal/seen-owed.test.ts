/** Unit tests of unsent events: what is reported late, and what the tag version-id keeps until then. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Mode } from '../../lambdas/domain/profile.ts';
import { noRoomLabel, tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import { unannounced } from '../../lambdas/policy/unannounced.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { recordFailure } from '../../lambdas/renewal/failure.ts';
import { keepOwed, makeUpFor } from '../../lambdas/renewal/owed.ts';
import { requireCertificate } from '../../lambdas/renewal/place.ts';
import { enrolmentOf, gather } from '../../lambdas/renewal/steps/1-gather.ts';
import { freshDates, hour, internal, start, World } from './world.ts';

const busy = new RenewalError('Throttled', 'slow down');
const window = { [tags.notBefore]: '2026-11-22T11:00:00Z', [tags.notAfter]: '2026-11-23T11:00:00Z' };
const crowd = (length: number) => Object.fromEntries(Array.from({ length }, (_, n) => [`tag-${n}`, 'x']));
const told = (world: World) => world.publisher.of('Certificate Renewed').map(({ detail }) => detail);

/** A version of ours is current, and its event was not sent. */
async function promoted(more: Readonly<Record<string, string>> = {}, mode: Mode = 'rekey') {
  const world = new World({ ...internal, mode });
  const arn = world.enrol({ ...freshDates, tags: more });
  const versionId = newVersionId('v1', world.entropy);
  await world.store.stage(arn, versionId, world.store.value(arn));
  world.store.moveStage(arn, 'AWSCURRENT', versionId);
  const secret = () => world.store.summary(arn);
  const subject = async () => {
    const place = await enrolmentOf(world, secret(), undefined);
    if (place.kind !== 'enrolled') throw new Error(place.kind);
    const found = await gather(world, place.enrolled, versionId);
    if (found.kind !== 'read') throw new Error(found.kind);
    return requireCertificate(found.place);
  };
  const own = () =>
    Object.fromEntries(Object.entries(world.store.tagsOf(arn)).filter(([tag]) => /version-id|not-|failure/.test(tag)));
  return { world, arn, versionId, secret, subject, own };
}

describe('a late event', () => {
  it('has the current certificate, which is noted with its dates', async () => {
    const { world, arn, versionId, secret, subject, own } = await promoted();
    const read = await subject();
    const before = world.faults.count('read');
    await makeUpFor(world, read, unannounced(secret()));
    expect(told(world)).toMatchObject([
      {
        ...{ outcome: 'renewed', operation: 'renew', secretArn: arn, versionId, previousVersionId: 'v1' },
        reason: { code: 'Unknown', message: 'Renewed by an earlier try that ended before it sent its event.' },
        serialNumber: read.leaf.serialNumber,
        previousSerialNumber: read.leaf.serialNumber,
        renewAt: expect.stringMatching(/^2026-11-23T/),
      },
    ]);
    expect(own()).toEqual({ [tags.versionId]: versionId, ...window });
    expect(world.faults.count('read')).toBe(before + 1); // the previous version only
  });

  it('is a rekey if the keys differ, or if the previous version can’t be read any more', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    await renewOnDemand(world, { secretId: arn, force: true });
    await renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, 1);
    expect(told(world)).toMatchObject([{ outcome: 'rekeyed', operation: 'rekey' }]);
    const gone = await promoted();
    gone.world.faults.failBefore('read', new RenewalError('SecretNotFound', 'gone'), {
      matches: ({ args }) => args[1] === 'v1',
    });
    await makeUpFor(gone.world, await gone.subject(), unannounced(gone.secret()));
    expect(told(gone.world)).toMatchObject([{ outcome: 'rekeyed', previousSerialNumber: null }]);
  });

  it('has no previous version if the tag version-id names none', async () => {
    const { world, versionId, secret, subject } = await promoted();
    const owed = [{ versionId, previousVersionId: undefined }];
    await makeUpFor(world, await subject(), owed);
    expect(told(world)).toMatchObject([{ previousVersionId: null, previousSerialNumber: null }]);
    expect(secret().currentVersionId).toBe(versionId);
  });

  it('is left to another inspection if another version is current by then', async () => {
    const { world, arn, secret, subject, own } = await promoted();
    const [owed, read] = [unannounced(secret()), await subject()];
    world.store.write(arn, 'theirs', 'v3');
    await expect(makeUpFor(world, read, owed)).rejects.toMatchObject({ code: 'SecretChanged' });
    expect(told(world)).toEqual([]);
    expect(own()).toEqual({});
  });

  it('is noted without the dates if these have no room', async () => {
    const { world, versionId, secret, subject, own } = await promoted(crowd(47));
    await makeUpFor(world, await subject(), unannounced(secret()));
    expect(told(world)).toHaveLength(1);
    expect(own()).toEqual({ [tags.versionId]: versionId });
  });

  it.each<[string, number, number, boolean]>([
    ['is not sent again if the label says that it was', 49, 0, true],
    ['is sent if there is room again', 0, 1, true],
    ['is sent if there is no such label', 49, 1, false],
  ])('%s', async (_, foreign, times, isLabelled) => {
    const { world, arn, versionId } = await promoted(crowd(foreign));
    if (isLabelled) world.store.moveStage(arn, noRoomLabel, versionId);
    await renewOnDemand(world, { secretId: arn, expiresIn: '1h' }).catch(() => undefined);
    expect(told(world)).toHaveLength(times);
  });

  it('for an `out` waits while its source can’t be described', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: { [tags.profile]: 'internal' } });
    world.faults.failBefore('publish', busy);
    await renewOnDemand(world, { secretId: arn, out: { secretId: out } });
    world.faults.failBefore('describe', busy, { matches: ({ args: [id] }) => id === 'web/tls' });
    const look = () => renewQueued(world, { secretArn: out, versionId: world.versionOf(out) }, 1);
    expect(await look()).toEqual({ retryAfter: 30 });
    expect(told(world)).toEqual([]);
    expect(await look()).toEqual({});
    expect(told(world)).toMatchObject([{ secretArn: arn, out: { secretArn: out } }]);
  });
});

describe('a failure while an event is unsent', () => {
  const error = new RenewalError('CaRejected', 'no');

  it('reports a version that can’t be read, with the profile and the mode that are known', async () => {
    const { world, arn, versionId, secret } = await promoted();
    await recordFailure(world, { secret: secret() }, error, { final: true });
    expect(told(world)).toMatchObject([
      {
        secretArn: arn,
        versionId,
        previousVersionId: 'v1',
        profile: 'internal',
        operation: 'rekey',
        outcome: 'rekeyed',
      },
    ]);
  });

  it.each<[string, number, boolean, number]>([
    ['not again if the label says that it was sent', 49, true, 0],
    ['if there is room again', 0, true, 1],
    ['if there is no such label', 49, false, 1],
  ])('reports it %s', async (_, foreign, isLabelled, times) => {
    const { world, arn, versionId, secret } = await promoted(crowd(foreign));
    if (isLabelled) world.store.moveStage(arn, noRoomLabel, versionId);
    await recordFailure(world, { secret: secret() }, error, { final: true, onDemand: true });
    expect(told(world)).toHaveLength(times);
  });

  it('is not noted if the event could not be sent: the tag version-id must stay', async () => {
    const { world, arn } = await promoted();
    world.faults.failBefore('publish', busy);
    world.ca.faults.failBefore('rekey', error);
    await expect(renewOnDemand(world, { secretId: arn, force: true })).rejects.toBe(error);
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
  });

  it('otherwise has the dates of the certificate', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.ca.faults.failBefore('rekey', error);
    await renewQueued(world, { secretArn: arn, versionId: 'v1', force: true }, 1);
    expect(world.store.tagsOf(arn)).toMatchObject({ [tags.versionId]: 'v1', ...window });
  });
});

describe('before another renewal', () => {
  const versions = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      versionId: `cert-renewer-${String(n).repeat(41)}`,
      previousVersionId: n === 0 ? 'v0' : `cert-renewer-${String(n - 1).repeat(41)}`,
    }));
  const scene = (end: number) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const validity = { notBefore: start - 100 * hour, end };
    const mark = () => world.store.tagsOf(arn)[tags.versionId];
    return { world, arn, mark, subject: { secret: world.store.summary(arn), validity } };
  };
  const near = start + hour;
  const step = 'keeping track of events';

  it('waits if the tag version-id can’t hold all unsent events', async () => {
    const { world, subject } = scene(start + 50 * hour);
    await expect(keepOwed(world, subject, versions(5))).rejects.toMatchObject({ code: 'Throttled' });
    expect(world.journal.failures).toEqual([]);
  });

  it.each([near, start - hour])(
    'drops the oldest if the certificate is about to end, or has ended: %d',
    async (end) => {
      const { world, arn, mark, subject } = scene(end);
      const owed = versions(5);
      await keepOwed(world, subject, owed);
      // Two of the five are too many.
      const [, second, ...last] = owed;
      const kept = last.map(({ versionId }) => `+${versionId}`);
      expect(mark()).toBe([second?.versionId, ...kept].join(' '));
      const forgotten = { secretArn: arn, error: expect.objectContaining({ code: 'Throttled' }), step };
      expect(world.journal.failures).toEqual([forgotten, forgotten]);
    },
  );

  it('drops nothing if the tag can’t be written, and tries once', async () => {
    const { world, arn, subject } = scene(near);
    world.faults.failBefore('tag', busy, { times: Infinity });
    await keepOwed(world, subject, versions(3));
    expect(world.faults.count('tag')).toBe(1);
    expect(world.journal.failures).toEqual([{ secretArn: arn, error: busy, step }]);
  });
});

describe('a renewal reads', () => {
  it('only the pair if nothing is staged, although there was a previous version', async () => {
    const world = new World();
    const arn = world.enrol();
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    const before = world.faults.calls.length;
    await renewOnDemand(world, { secretId: arn, force: true });
    const calls = world.faults.calls.slice(before).map(({ method }) => method);
    expect(calls).toEqual(['describe', 'read', 'stage', 'promote', 'publish', 'tag']);
  });

  it('no profile of a secret that is not ours to write', async () => {
    const world = new World();
    const arn = world.store.add({ name: 'x', value: '{}', tags: { [tags.profile]: 'internal' }, owningService: 'rds' });
    await renewOnDemand(world, { secretId: arn });
    expect(world.profiles.faults.calls).toEqual([]);
  });

  it.each([
    ['ca', 'planned'],
    ['secret', 'UnsupportedSecret'],
  ] as const)('no key if the %s holds it: %s', async (keyHolder, outcome) => {
    const world = new World();
    Object.assign(world.ca, { can: { ...world.ca.can, keyHolder } });
    const arn = world.enrol(freshDates);
    const value = world.store.value(arn);
    const { privateKey: _, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
    world.store.write(arn, JSON.stringify(rest), 'v2');
    const tried = renewOnDemand(world, { secretId: arn, dryRun: true });
    expect(
      await tried.then(
        (result) => result.outcome,
        (error: RenewalError) => error.code,
      ),
    ).toBe(outcome);
  });
});
