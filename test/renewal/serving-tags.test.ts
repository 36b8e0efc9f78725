/** The tags for the probe: each look of a worker leaves the fingerprint of the version that is named beside it. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { readServing } from '../../lambdas/policy/served.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { noteLook } from '../../lambdas/renewal/status-tags.ts';
import { Stack } from '../authority/world.ts';
import { dueDates, type EnrolOptions, freshDates, hour, issuing, newKey, pairOf, World } from './world.ts';

const minute = 60_000;
const places = { [tags.endpoints]: 'web.svc.example:443' };
const serving: Profile = { ...issuing, probe: { allow: ['dns:svc.example'], within: hour } };

function enrolled({ tags: more = {}, ...options }: EnrolOptions = {}) {
  const world = new World(serving);
  return { world, arn: world.enrol({ ...options, tags: { ...places, ...more } }) };
}

const look = (world: World, secretArn: string) =>
  renewQueued(world, { secretArn, versionId: world.versionOf(secretArn) }, 1);
const fingerprintNow = (world: World, arn: string): string =>
  hash('sha256', pairOf(world.store.value(arn)).leaf.der, 'hex');
const state = (world: World, arn: string) => readServing(world.store.summary(arn), world.clock.now());

/** The tags say what the current version holds. */
function expectNoted(world: World, arn: string): void {
  expect(world.store.tagsOf(arn)).toMatchObject({
    [tags.versionId]: world.versionOf(arn),
    [tags.fingerprint]: fingerprintNow(world, arn),
  });
}

async function scanAndWork(world: World): Promise<number> {
  const before = world.queue.sent.length;
  await scan(world, { force: false, dryRun: false });
  const sent = world.queue.sent.slice(before);
  for (const message of sent) await renewQueued(world, message, 1);
  return sent.length;
}

describe('the fingerprint, and the beginning of the state', () => {
  it.each<[string, (world: World, arn: string) => Promise<unknown>, EnrolOptions]>([
    ['a renewal', look, dueDates],
    ['a renewal on demand', (world, arn) => renewOnDemand(world, { secretId: arn, force: true }), freshDates],
    ['a look', look, freshDates],
    [
      'a failure',
      async (world, arn) => {
        world.ca.faults.failBefore('rekey', new RenewalError('CaRejected', 'no'));
        await look(world, arn).catch(() => undefined);
        expect(world.store.tagsOf(arn)).toHaveProperty([tags.failure]);
      },
      dueDates,
    ],
    [
      'a renewal whose event was late',
      async (world, arn) => {
        world.faults.failBefore('publish', new RenewalError('AccessDenied', 'not allowed'));
        await look(world, arn).catch(() => undefined);
        expect(state(world, arn)).toBeUndefined();
        await scanAndWork(world);
      },
      dueDates,
    ],
  ])('are noted by %s', async (_, work, dates) => {
    const { world, arn } = enrolled(dates);
    await work(world, arn);
    expectNoted(world, arn);
    expect(state(world, arn)).toMatchObject({ state: 'pending', tries: 0, keyType: 'EC', probed: undefined });
  });

  it('are noted by a rotation', async () => {
    const token = '11111111-2222-4333-8444-555555555555';
    const { world: plain, arn } = enrolled(freshDates);
    const world = Object.assign(plain, { rotationFunctionArn: 'arn:renew' });
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    world.store.beginRotation(arn, token);
    for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
      await rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token });
    expect(world.versionOf(arn)).toBe(token);
    expectNoted(world, arn);
    expect(state(world, arn)?.state).toBe('pending');
  });

  it('are noted by the first issue of a declared certificate', async () => {
    const world = new World(serving);
    const arn = await world.declareCertificate();
    world.store.setTags(arn, places);
    await scanAndWork(world);
    expectNoted(world, arn);
    expect(state(world, arn)?.state).toBe('pending');
  });

  it('are noted for the target of `out`, and not for its source', async () => {
    const world = new World(serving);
    const arn = world.enrol(freshDates);
    const target = world.enrol({ ...freshDates, name: 'web/out', key: newKey(), tags: places });
    await renewOnDemand(world, { secretId: arn, force: true, out: { secretId: target } });
    expectNoted(world, target);
    expect(state(world, target)?.state).toBe('pending');
    expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.fingerprint]);
  });

  it('are not noted without endpoints', async () => {
    const world = new World(serving);
    const arn = world.enrol(dueDates);
    await look(world, arn);
    expect(Object.keys(world.store.tagsOf(arn))).not.toContain(tags.fingerprint);
    expect(Object.keys(world.store.tagsOf(arn))).not.toContain(tags.served);
  });

  it('of an authority’s own certificate are not needed: it is nowhere served', async () => {
    const stack = await new Stack().hierarchy();
    const { secretId: arn = '' } = (await stack.authorities.find('issuing')) ?? {};
    expect(stack.store.tagsOf(arn)).not.toHaveProperty([tags.fingerprint]);
    stack.store.setTags(arn, places);
    await scanAndWork(stack);
    stack.clock.advance(hour);
    expect(await scanAndWork(stack)).toBe(0);
  });
});

describe('the state', () => {
  it('stays what the probe has made of it at later looks', async () => {
    const { world, arn } = enrolled(freshDates);
    await look(world, arn);
    const noted = world.store.tagsOf(arn)[tags.served]?.replace(' pending ', ' served ') ?? '';
    world.store.setTags(arn, { [tags.served]: noted });
    world.clock.advance(hour);
    await look(world, arn);
    expect(world.store.tagsOf(arn)[tags.served]).toBe(noted);
  });

  it('begins anew with each new certificate', async () => {
    const { world, arn } = enrolled(freshDates);
    await look(world, arn);
    const noted = world.store.tagsOf(arn)[tags.served]?.replace(' pending ', ' served ') ?? '';
    world.store.setTags(arn, { [tags.served]: noted });
    world.clock.advance(hour);
    await renewOnDemand(world, { secretId: arn, force: true });
    expectNoted(world, arn);
    expect(state(world, arn)).toMatchObject({ state: 'pending', since: world.clock.now() });
  });

  it.each(['a rollback', 'another writer'])('after %s is about the version that is current', async (what) => {
    const { world, arn } = enrolled(freshDates);
    await look(world, arn);
    await renewOnDemand(world, { secretId: arn, force: true });
    const [renewed, first] = [fingerprintNow(world, arn), 'v1'];
    if (what === 'a rollback') world.store.moveStage(arn, 'AWSCURRENT', first);
    else world.store.write(arn, world.store.value(world.enrol({ ...freshDates, name: 'another' })), 'theirs');
    expect(state(world, arn)).toBeUndefined(); // until a worker has seen it
    expect(await scanAndWork(world)).toBeGreaterThan(0);
    expect(fingerprintNow(world, arn)).not.toBe(renewed);
    expectNoted(world, arn);
    expect(state(world, arn)?.state).toBe('pending');
  });

  it('and the fingerprint go with a version that can’t be read', async () => {
    const { world, arn } = enrolled(freshDates);
    await look(world, arn);
    world.store.write(arn, 'no certificate', 'theirs');
    await scanAndWork(world);
    const found = world.store.tagsOf(arn);
    expect(found[tags.versionId]).toBe('theirs');
    expect([found[tags.fingerprint], found[tags.served]]).toEqual([undefined, undefined]);
  });
});

describe('endpoints', () => {
  it('that are added later send the secret to a worker once', async () => {
    const world = new World(serving);
    const arn = world.enrol(freshDates);
    await scanAndWork(world);
    world.clock.advance(minute);
    expect(await scanAndWork(world)).toBe(0);
    world.store.setTags(arn, places);
    expect(await scanAndWork(world)).toBe(1);
    expectNoted(world, arn);
    expect(state(world, arn)?.state).toBe('pending');
    world.clock.advance(minute);
    expect(await scanAndWork(world)).toBe(0);
  });

  it('that are removed take both tags away at the next look', async () => {
    const { world, arn } = enrolled(freshDates);
    await look(world, arn);
    world.store.setTags(arn, {}, [tags.endpoints]);
    await look(world, arn);
    const found = world.store.tagsOf(arn);
    expect([found[tags.fingerprint], found[tags.served]]).toEqual([undefined, undefined]);
  });

  it('that probe.allow does not contain are InvalidTag in plan, event, log and request, and nothing is issued', async () => {
    const { world, arn } = enrolled({ ...dueDates, tags: { [tags.endpoints]: 'web.other.example:443' } });
    const before = world.store.tagsOf(arn);
    const { plan } = await scan(world, { force: false, dryRun: true });
    expect(plan).toMatchObject([{ action: 'skip', reason: { code: 'InvalidTag' } }]);
    expect(await scan(world, { force: false, dryRun: false })).toMatchObject({ invalid: 1, enqueued: 0 });
    expect(world.publisher.of('Certificate Renewal Failed')).toMatchObject([{ detail: { code: 'InvalidTag' } }]);
    expect(world.journal.decisions.some(({ reason }) => reason.code === 'InvalidTag')).toBe(true);
    expect(world.store.tagsOf(arn)).toEqual(before);
    await expect(renewOnDemand(world, { secretId: arn, force: true })).rejects.toMatchObject({ code: 'InvalidTag' });
    expect(world.ca.issued).toEqual([]);
  });

  it('of a paused secret send it to no worker at each scan', async () => {
    const { world } = enrolled({ ...freshDates, tags: { [tags.paused]: 'true' } });
    await scanAndWork(world);
    world.clock.advance(minute);
    expect(await scanAndWork(world)).toBe(0);
  });
});

describe('50 tags', () => {
  const crowd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`own-${n}`, 'x']));
  /** The tags `profile` and `endpoints` are the owner's too. */
  const room = 50 - 2;

  it('leave the state out where only the needed tags fit, and keep the fingerprint', async () => {
    const { world, arn } = enrolled({ ...dueDates, tags: crowd(room - 5) });
    await look(world, arn);
    expectNoted(world, arn);
    expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.served]);
  });

  it('without room for the fingerprint are UnsupportedSecret, and nothing is issued', async () => {
    const { world, arn } = enrolled({ ...dueDates, tags: crowd(room - 4) });
    await expect(renewOnDemand(world, { secretId: arn, force: true })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining(tags.fingerprint),
    });
    expect(world.ca.issued).toEqual([]);
  });

  it('are room enough for the same tags without endpoints', async () => {
    const world = new World(serving);
    const arn = world.enrol({ ...dueDates, tags: crowd(room + 1 - 4) });
    await look(world, arn);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('give the state and the CA’s suggestion one place between them', async () => {
    const { world, arn } = enrolled({ ...freshDates, tags: crowd(room - 6) });
    world.store.setTags(arn, { [tags.versionId]: 'v1', [tags.failure]: '1 2026-11-22T12:00:00Z CaRejected' });
    const { leaf } = pairOf(world.store.value(arn));
    const validity = { notBefore: leaf.notBefore, end: leaf.notAfter };
    const toServe = { certificate: leaf, now: world.clock.now() };
    await noteLook(world.store, world.store.summary(arn), { validity, suggested: leaf.notAfter - hour }, { toServe });
    expectNoted(world, arn);
    const found = Object.keys(world.store.tagsOf(arn));
    expect(found).toHaveLength(50);
    expect([tags.renewAt, tags.served].filter((tag) => found.includes(tag))).toEqual([tags.renewAt]);
  });

  it('that leave room again get the state, with the type of the key, at the next look', async () => {
    const { world, arn } = enrolled({ ...freshDates, tags: crowd(room - 5) });
    await look(world, arn);
    expect(state(world, arn)).toBeUndefined();
    world.store.setTags(arn, {}, ['own-0', 'own-1']);
    await look(world, arn);
    expect(state(world, arn)).toMatchObject({ state: 'pending', keyType: 'EC' });
  });
});
