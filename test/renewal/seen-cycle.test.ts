/** Unit tests of the cycle: it repeats, ends early, or makes up for something. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { mostTags, tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import { renew } from '../../lambdas/renewal/cycle.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { freshDates, hour, newKey, pairOf, pairValue, start, World } from './world.ts';

const busy = new RenewalError('Throttled', 'slow down');
const refused = new RenewalError('SecretChanged', 'AWS refuses');
const byQueue = { force: false, dryRun: false };
const ever = { times: Infinity };

/** A pair that another writer puts. */
function theirs(world: World, versionId: string, dates = freshDates) {
  const key = newKey();
  const { leaf, chain } = world.ca.issueLeaf({ key, subject: new Uint8Array([0x30, 0]), ...dates });
  return (secretId: string) => world.store.write(secretId, pairValue(leaf, chain, key), versionId);
}

describe('a secret that can’t be described', () => {
  it('because it is missing is not a certificate’s failure', async () => {
    const ending = await renew(new World(), { ...byQueue, secretId: 'nowhere' });
    expect(ending).toMatchObject({
      kind: 'failed',
      found: {},
      error: { code: 'SecretNotFound', concerns: 'foreign', message: 'There is no secret nowhere.' },
    });
    expect(ending.kind === 'failed' && ending.error).toMatchObject({ cause: { code: 'SecretNotFound' } });
  });

  it.each([busy, new TypeError('fetch failed')])('temporarily fails with the thrown error: %s', async (error) => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('describe', error);
    const ending = await renew(world, { ...byQueue, secretId: arn });
    expect(ending).toEqual({ kind: 'failed', error, found: {} });
    expect(ending.kind === 'failed' && ending.error).toBe(error);
  });
});

describe('a lost race', () => {
  it('that AWS refuses while it describes the old version costs one issuance, and is left to the next delivery', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('promote', refused, ever);
    expect(await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1)).toEqual({ retryAfter: 30 });
    expect(world.ca.issued).toHaveLength(1);
    expect(world.journal.failures).toMatchObject([{ error: { code: 'SecretChanged' } }]);
  });

  it('keeps what it had read if the secret can’t be described again', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('promote', refused, ever);
    world.faults.meanwhile('after', 'discard', () => world.faults.failBefore('describe', busy));
    const ending = await renew(world, { ...byQueue, secretId: arn, versionId: 'v1' });
    expect(ending).toMatchObject({ kind: 'failed', error: busy, found: { profile: 'internal', secret: { arn } } });
  });

  it('for an `out` is tried three times', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'web/next', value: '{}', tags: { [tags.profile]: 'internal' } });
    let count = 0;
    const write = () => theirs(world, `theirs-${++count}`)('web/next');
    world.faults.meanwhile('before', 'promote', write, { times: 5 });
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: 'web/next' }, force: true });
    await expect(tried).rejects.toMatchObject({ code: 'SecretChanged' });
    expect(world.ca.issued).toHaveLength(3);
    expect(world.versionOf('web/next')).toBe('theirs-3');
  });

  it('on demand is answered with the current certificate', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.meanwhile('before', 'promote', () => theirs(world, 'theirs')(arn));
    const result = await renewOnDemand(world, { secretId: arn });
    const { leaf } = pairOf(world.store.value(arn));
    expect(result).toMatchObject({
      reason: { code: 'AlreadyRenewed', message: expect.stringContaining('the certificate was renewed or replaced') },
      serialNumber: leaf.serialNumber,
      notAfter: '2026-11-23T11:00:00Z',
      warnings: [],
      previousVersionId: null,
      previousSerialNumber: null,
    });
  });

  it('for a staged pair that another worker promotes is decided again', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.meanwhile('after', 'stage', () => renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1));
    const ending = await renew(world, { ...byQueue, secretId: arn, versionId: 'v1' });
    expect(ending).toMatchObject({ kind: 'done', result: { outcome: 'skipped', reason: { code: 'AlreadyRenewed' } } });
    expect(world.publisher.events).toHaveLength(1);
  });
});

describe('a completed renewal', () => {
  it('is counted, and timed from the order to the event', async () => {
    const world = new World();
    const arn = world.enrol();
    world.ca.tamper = (template) => ({ ...template, notBefore: start + 30_000, notAfter: start + 24 * hour });
    const ending = await renew(world, { ...byQueue, secretId: arn, versionId: 'v1' });
    expect(ending).toMatchObject({ kind: 'done', isUnfinished: false });
    expect(world.journal.metrics).toEqual([
      { metric: 'Renewed', profile: 'internal', value: 1 },
      { metric: 'RenewalDuration', profile: 'internal', value: 30_000 },
    ]);
  });

  it('is unfinished while its event is unsent', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('publish', busy);
    expect(await renew(world, { ...byQueue, secretId: arn })).toMatchObject({ kind: 'done', isUnfinished: true });
    expect(world.journal.failures).toEqual([{ secretArn: arn, error: busy, step: 'after promotion' }]);
  });
});

describe('an inspection that ends early', () => {
  it('is finished if the secret is not ours to write', async () => {
    const world = new World();
    const arn = world.store.add({ name: 'x', value: '{}', tags: { [tags.profile]: 'internal' }, owningService: 'rds' });
    const ending = await renew(world, { ...byQueue, secretId: arn });
    expect(ending).toMatchObject({
      kind: 'done',
      isUnfinished: false,
      result: { outcome: 'skipped', secretArn: arn, versionId: world.versionOf(arn), warnings: [], serialNumber: null },
    });
  });

  it('is finished if an authority waits for its first certificate', async () => {
    const world = Object.assign(new World(), { authorities: new FakeAuthorities(authority('root')) });
    const arn = world.store.add({ name: 'pki/root', value: '{}', versionId: 'v1' });
    expect(await renew(world, { ...byQueue, secretId: arn })).toMatchObject({
      kind: 'done',
      isUnfinished: false,
      result: {
        ...{ outcome: 'skipped', secretArn: arn, profile: 'authority:root', versionId: 'v1' },
        reason: { code: 'NotDue', message: expect.stringContaining('has no certificate yet') },
      },
    });
    expect(world.store.tagsOf(arn)).toEqual({});
  });

  it('says what to do for a secret without a value', async () => {
    const world = new World();
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' } });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: 'The secret empty has no value yet: store the first certificate and its key in it.',
    });
  });

  it('issues nothing if tags have no room', async () => {
    const world = new World();
    const crowd = Object.fromEntries(Array.from({ length: mostTags - 1 }, (_, n) => [`tag-${n}`, 'x']));
    const arn = world.enrol({ tags: crowd });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('Remove a tag.'),
    });
    expect(world.ca.issued).toEqual([]);
  });
});

/** A fresh certificate, renewed by a version of ours whose event could not be sent. */
async function owing() {
  const world = new World();
  const arn = world.enrol({ ...freshDates, notAfter: start + 100 * hour });
  world.faults.failBefore('publish', busy, ever);
  await renewOnDemand(world, { secretId: arn, force: true });
  return { world, arn, job: { ...byQueue, secretId: arn } };
}

describe('while an event is unsent', () => {
  it('an outdated message comes back', async () => {
    const { world, job } = await owing();
    const ending = await renew(world, { ...job, versionId: 'v1' });
    expect(ending).toMatchObject({ kind: 'done', isUnfinished: true, result: { reason: { code: 'AlreadyRenewed' } } });
  });

  it('an inspection that finds nothing to do comes back', async () => {
    const { world, job } = await owing();
    world.clock.advance(hour);
    const ending = await renew(world, job);
    expect(ending).toMatchObject({ kind: 'done', isUnfinished: true, result: { outcome: 'skipped' } });
  });

  it('a dry run reports what would be done, and that work is left', async () => {
    const { world, arn, job } = await owing();
    const dry = { ...job, force: true, dryRun: true };
    const calls = world.faults.count('publish');
    expect(await renew(world, dry)).toMatchObject({ isUnfinished: true, result: { outcome: 'planned' } });
    expect(world.faults.count('publish')).toBe(calls);
    const other = new World();
    const paid = { ...dry, secretId: other.enrol() };
    expect(await renew(other, paid)).toMatchObject({ isUnfinished: false, result: { outcome: 'planned' } });
    expect(world.versionOf(arn)).not.toBe('v1');
  });

  it('an `out` does not wait for its source’s unsent events, however many these are', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const current = newVersionId('v1', world.entropy);
    await world.store.stage(arn, current, world.store.value(arn));
    world.store.moveStage(arn, 'AWSCURRENT', current);
    const more = Array.from({ length: 4 }, (_, n) => `+cert-renewer-${String(n).repeat(41)}`);
    world.store.setTags(arn, { [tags.versionId]: ['v0', ...more].join(' ') });
    world.faults.failBefore('publish', busy, ever);
    await expect(renewOnDemand(world, { secretId: arn, force: true })).rejects.toMatchObject({ code: 'Throttled' });
    world.store.add({ name: 'web/next', tags: { [tags.profile]: 'internal' } });
    const result = await renewOnDemand(world, { secretId: arn, force: true, out: { secretId: 'web/next' } });
    expect(result).toMatchObject({ outcome: 'rekeyed', out: { versionId: world.versionOf('web/next') } });
  });
});
