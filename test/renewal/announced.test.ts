/** `Certificate Renewed`: once at least, whatever fails between the swap and the bus and for however long; never at every scan. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { freshDates, hour, pairOf, World } from './world.ts';

const busy = new RenewalError('Throttled', 'slow down');
const denied = new RenewalError('AccessDenied', 'not permitted');
const ever = { times: Infinity };

/** An hour later: a scan, and the workers for what it sends. Gives how many messages there were. */
async function look(world: World): Promise<number> {
  world.clock.advance(hour);
  await scan(world, { force: false, dryRun: false });
  const messages = world.queue.receive();
  world.queue.remove(messages.map(({ receiptHandle }) => receiptHandle));
  for (const { body } of messages) {
    for (let delivery = 1; delivery <= 3; delivery++) {
      const { retryAfter } = await renewQueued(world, body, delivery);
      if (retryAfter === undefined) break;
    }
  }
  return messages.length;
}

async function looks(world: World, times: number): Promise<number[]> {
  const sent: number[] = [];
  for (let n = 0; n < times; n++) sent.push(await look(world));
  return sent;
}

const told = (world: World) => world.publisher.of('Certificate Renewed').map(({ detail }) => detail);
const force = async (world: World, secretId: string, more = {}) =>
  renewOnDemand(world, { secretId, force: true, ...more });

/** The bus takes no event of a certificate, until that is ended. A scan's own events come through, so that it sends its work. */
function outage(world: World): () => void {
  let lasts = true;
  const matches = ({ args }: { args: readonly unknown[] }) => lasts && JSON.stringify(args).includes('Certificate ');
  world.faults.failBefore('publish', denied, { ...ever, matches });
  return () => {
    lasts = false;
  };
}

describe('a renewal whose event could not be sent', () => {
  it.each([1, 2, 5, 30])('and not at the next %d looks either', async (hours) => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, notAfter: freshDates.notAfter + 1000 * hour });
    const end = outage(world);
    const { versionId, serialNumber, previousSerialNumber } = await force(world, arn);
    await looks(world, hours);
    end();
    await looks(world, 3);
    expect(told(world)).toMatchObject([
      { secretArn: arn, versionId, serialNumber, previousVersionId: 'v1', previousSerialNumber, operation: 'rekey' },
    ]);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(versionId);
    expect(world.ca.issued).toHaveLength(1);
  });

  it.each(['read', 'describe', 'tag'])('when the next look’s %s is throttled', async (method) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId } = await force(world, arn);
    world.faults.failBefore(method, busy, { times: 3 });
    await looks(world, 3);
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId }]);
  });

  it('when the next look’s second read is throttled: that of the version before', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId, previousSerialNumber } = await force(world, arn);
    world.faults.failBefore('read', busy, { times: 9, matches: ({ args }) => args[1] === 'v1' });
    await looks(world, 4);
    expect(told(world)).toMatchObject([{ versionId, previousSerialNumber }]);
  });

  it('when the version before can’t be read any more: it says what it knows', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId, serialNumber } = await force(world, arn);
    world.faults.failBefore('read', new RenewalError('KmsDenied', 'no'), {
      ...ever,
      matches: ({ args }) => args[1] === 'v1',
    });
    await looks(world, 2);
    expect(told(world)).toMatchObject([{ versionId, serialNumber, previousSerialNumber: null }]);
  });

  it('when the new version can’t be read any more: hooks are told where it is, and the failure is told and backed off', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId } = await force(world, arn);
    world.faults.failBefore('read', new RenewalError('KmsDenied', 'no'), ever);
    await looks(world, 8); // backed off for one hour, for two, for four
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId, previousVersionId: 'v1', serialNumber: null }]);
    expect(world.publisher.of('Certificate Renewal Failed').length).toBeLessThanOrEqual(4);
  });

  it.each(['the tag', 'the profile'])('of a secret that %s pauses', async (by) => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, tags: by === 'the tag' ? { [tags.paused]: 'true' } : {} });
    const profile = await world.profiles.find('internal');
    if (profile && by === 'the profile') world.profiles.set({ ...profile, paused: true });
    const end = outage(world);
    const { versionId } = await force(world, arn);
    await look(world);
    end();
    await looks(world, 3);
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId }]);
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({ paused: 1 });
  });

  it('while the next renewal comes: both are told, in their order', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = outage(world);
    const first = await force(world, arn);
    const second = await force(world, arn);
    const third = await force(world, arn);
    end();
    await looks(world, 2);
    expect(told(world)).toMatchObject([
      { versionId: first.versionId, serialNumber: first.serialNumber, previousVersionId: 'v1' },
      { versionId: second.versionId, serialNumber: second.serialNumber, previousVersionId: first.versionId },
      { versionId: third.versionId, serialNumber: third.serialNumber, previousVersionId: second.versionId },
    ]);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(third.versionId);
  });

  it('waits with further renewals once the mark is full, and forgets nothing', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = outage(world);
    const versions: (string | null)[] = [];
    for (;;) {
      const result = await force(world, arn).catch((error: unknown) => error);
      if (result instanceof RenewalError) {
        expect(result.code).toBe('Throttled');
        break;
      }
      versions.push(world.versionOf(arn));
    }
    expect(versions.length).toBeGreaterThanOrEqual(4);
    end();
    await looks(world, 2);
    expect(told(world).map(({ versionId }) => versionId)).toEqual(versions);
  });

  it('is told although rotations come upon it', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol({ ...freshDates, notAfter: freshDates.notAfter + 1000 * hour });
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    const end = outage(world);
    const rotate = async (token: string): Promise<string> => {
      world.store.beginRotation(arn, token);
      for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
        await rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token }).catch(() => undefined);
      return token;
    };
    const first = await rotate('11111111-2222-4333-8444-555555555551');
    const second = (await force(world, arn)).versionId;
    const third = await rotate('11111111-2222-4333-8444-555555555553');
    const fourth = await rotate('11111111-2222-4333-8444-555555555554');
    world.store.setRotation(arn, { enabled: false });
    end();
    await looks(world, 2);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first, second, third, fourth]);
  });

  it('is told though a worker writes the mark by what it has read a while ago', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = outage(world);
    const first = await force(world, arn);
    let second: string | null = null;
    // A late worker has described the secret; then another renewal comes, and then the late one goes on.
    world.faults.meanwhile('after', 'describe', async () => {
      second = (await force(world, arn)).versionId;
    });
    await renewQueued(world, { secretArn: arn, versionId: first.versionId ?? '' }, 1);
    end();
    await looks(world, 3);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first.versionId, second]);
  });

  it('is told though the next renewal fails after its swap', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = outage(world);
    const first = await force(world, arn);
    world.faults.loseAnswer('promote', busy);
    world.faults.meanwhile('after', 'promote', () => world.faults.failBefore('describe', busy));
    await force(world, arn).catch(() => undefined);
    end();
    await looks(world, 3);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first.versionId, world.versionOf(arn)]);
  });

  it('does not wait where the certificate is about to end', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    outage(world);
    for (let n = 0; n < 6; n++) await force(world, arn).catch(() => undefined);
    const before = world.versionOf(arn);
    world.clock.set(pairOf(world.store.value(arn)).leaf.notAfter - hour / 2);
    await force(world, arn);
    expect(world.versionOf(arn)).not.toBe(before);
  });

  it('comes before that of a renewal that can be told', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', denied, { times: 2 });
    const first = await force(world, arn);
    const second = await force(world, arn);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first.versionId, second.versionId]);
  });

  it('is tried again by the same message, before the next scan', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('publish', busy);
    const message = { secretArn: arn, versionId: 'v1' };
    const { retryAfter } = await renewQueued(world, message, 1);
    expect(retryAfter).toBeGreaterThan(0);
    expect(await renewQueued(world, message, 2)).toEqual({});
    expect(told(world)).toHaveLength(1);
  });

  it('is no news where an operator has rolled back from it', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    await force(world, arn);
    world.store.moveStage(arn, 'AWSCURRENT', 'v1');
    await looks(world, 2);
    expect(told(world)).toEqual([]);
  });
});

describe('the pair of an `out` whose event could not be sent', () => {
  const paused = { [tags.profile]: 'internal', [tags.paused]: 'true' };

  it.each([
    ['that was empty', undefined],
    ['that had a value', 'old'],
  ])('is announced later, with its source: one %s', async (_, value) => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: paused, ...(value !== undefined && { value }) });
    const end = outage(world);
    const result = await force(world, arn, { out: { secretId: out } });
    await look(world);
    end();
    await looks(world, 3);
    const { serialNumber, previousSerialNumber } = result;
    expect(told(world)).toMatchObject([
      { secretArn: arn, versionId: 'v1', previousVersionId: null, serialNumber, previousSerialNumber, out: result.out },
    ]);
    expect(world.store.tagsOf(out)[tags.versionId]).toBe(world.versionOf(out));
    expect(await scan(world, { force: false, dryRun: true })).toMatchObject({ paused: 1 });
  });

  it('is announced under its own name where the source is gone', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: paused });
    world.faults.failBefore('publish', denied);
    await force(world, arn, { out: { secretId: out } });
    world.faults.failBefore('describe', new RenewalError('SecretNotFound', 'gone'), {
      ...ever,
      matches: ({ args }) => args[0] === 'web/tls',
    });
    await looks(world, 2);
    expect(told(world)).toMatchObject([{ secretArn: out, versionId: world.versionOf(out) }]);
  });

  it('is announced under its own name where a tag can’t hold the source’s', async () => {
    const world = new World();
    const name = `web/${'long/'.repeat(50)}`;
    const arn = world.enrol({ ...freshDates, name });
    const out = world.store.add({ name: 'web/next', tags: paused });
    const end = outage(world);
    await force(world, arn, { out: { secretId: out } });
    end();
    await looks(world, 2);
    expect(told(world)).toMatchObject([{ secretArn: out, versionId: world.versionOf(out) }]);
  });

  it('is not forgotten over a second one to the same place', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const out = world.store.add({ name: 'web/next', tags: paused });
    world.faults.failBefore('publish', denied);
    const first = await force(world, arn, { out: { secretId: out } });
    const second = await force(world, arn, { out: { secretId: out } });
    expect(told(world).map((detail) => detail.out)).toEqual([first.out, second.out]);
  });
});

describe('a rotation', () => {
  const token = '11111111-2222-4333-8444-555555555555';
  /** Before finishSecret. */
  async function rotated() {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol(freshDates);
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    world.store.beginRotation(arn, token);
    const call = (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token });
    for (const step of ['createSecret', 'setSecret', 'testSecret']) await call(step);
    return { world, arn, finish: () => call('finishSecret') };
  }
  const versionsTold = (world: World) => new Set(told(world).map(({ versionId }) => versionId));
  const namesToken = ({ args }: { args: readonly unknown[] }) => JSON.stringify(args).includes(token);

  it('whose event could not be sent is announced by the schedule too, should Secrets Manager not come back', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.failBefore('publish', denied);
    await expect(finish()).rejects.toMatchObject({ name: 'AccessDenied' });
    await looks(world, 2);
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId: token, previousVersionId: 'v1' }]);
  });

  it('that loses its race after it has noted its token: nobody is told of its version', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.meanwhile('before', 'tag', () => force(world, arn), { matches: namesToken });
    await expect(finish()).rejects.toMatchObject({ name: 'SecretChanged' });
    const renewed = world.versionOf(arn);
    expect(renewed).not.toBe(token);
    await looks(world, 2);
    expect(versionsTold(world)).toEqual(new Set([renewed]));
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(renewed);
  });

  it('that died between its note and its swap, before another renewal: nobody is told of its version', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.meanwhile('after', 'tag', () => world.faults.crashAt(1, 'before'), { matches: namesToken });
    await expect(finish()).rejects.toThrow();
    world.faults.restart();
    expect(world.store.tagsOf(arn)[tags.versionId]).toContain(token);
    world.faults.failBefore('publish', denied);
    await force(world, arn);
    const renewed = world.versionOf(arn);
    await looks(world, 2);
    expect(versionsTold(world)).toEqual(new Set([renewed]));
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(renewed);
  });

  it('that was promoted and replaced before its event could be sent is announced before what replaced it', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.failBefore('publish', denied, { times: 2 });
    await expect(finish()).rejects.toMatchObject({ name: 'AccessDenied' });
    await force(world, arn);
    const renewed = world.versionOf(arn);
    await looks(world, 2);
    expect(told(world)).toMatchObject([
      { versionId: token, previousVersionId: 'v1' },
      { versionId: renewed, previousVersionId: token },
    ]);
  });
});

describe('the same event at every scan', () => {
  it('does not come where tags can’t be written, whatever forbids it', async () => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, notAfter: freshDates.notAfter + 1000 * hour });
    world.faults.failBefore('tag', denied, ever);
    await force(world, arn);
    await looks(world, 48);
    expect(told(world).length).toBeGreaterThanOrEqual(1);
    expect(told(world).length).toBeLessThanOrEqual(4); // the first, and once a day
    expect(world.ca.issued).toHaveLength(1);
  });

  it.each([47, 48, 49])(
    'does not come for a secret with %d tags of its own: told once, and nothing is issued',
    async (own) => {
      const world = new World();
      const more = Object.fromEntries(Array.from({ length: own }, (_, i) => [`team:${i}`, 'x']));
      const arn = world.enrol({ tags: more }); // and the tag of the profile
      expect(await looks(world, 26)).toEqual([1, ...Array<number>(25).fill(0)]);
      expect(world.ca.faults.calls).toEqual([]);
      expect(world.versionOf(arn)).toBe('v1');
      expect(world.publisher.of('Certificate Renewal Failed')).toMatchObject([
        { secretArn: arn, detail: { code: 'UnsupportedSecret', retryable: false } },
      ]);
      expect(await scan(world, { force: false, dryRun: true })).toMatchObject({
        backingOff: 1,
        plan: [{ action: 'skip', reason: { code: 'UnsupportedSecret' } }],
      });
      await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'UnsupportedSecret' });
    },
  );

  it('comes again for no room once the value is another, and ends with the tags that were too many', async () => {
    const world = new World();
    const more = Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`team:${i}`, 'x']));
    const arn = world.enrol({ ...freshDates, tags: more });
    await looks(world, 2);
    world.store.write(arn, world.store.value(arn));
    await looks(world, 2);
    expect(world.publisher.of('Certificate Renewal Failed')).toHaveLength(2);
    world.store.setTags(arn, {}, ['team:0', 'team:1', 'team:2', 'team:3']);
    await looks(world, 20);
    expect(told(world)).toHaveLength(1);
    expect(pairOf(world.store.value(arn)).leaf.notAfter).toBeGreaterThan(freshDates.notAfter);
  });

  it.each([46, 47, 48, 49])(
    'does not come for a secret that has lost its room to %d tags before it was announced',
    async (own) => {
      const world = new World();
      const arn = world.enrol({ ...freshDates, notAfter: freshDates.notAfter + 1000 * hour });
      const end = outage(world);
      await force(world, arn);
      world.store.setTags(arn, Object.fromEntries(Array.from({ length: own }, (_, i) => [`team:${i}`, 'x'])));
      end();
      const sent = await looks(world, 24);
      expect(told(world)).toHaveLength(1);
      expect(world.publisher.of('Certificate Renewal Failed')).toHaveLength(1);
      expect(sent.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(3);
    },
  );

  it('comes again when room was made and is lost once more', async () => {
    const world = new World();
    const more = Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`team:${i}`, 'x']));
    const arn = world.enrol({ ...freshDates, notAfter: freshDates.notAfter + 1000 * hour, tags: more });
    await looks(world, 2);
    world.store.setTags(arn, {}, Object.keys(more));
    await looks(world, 26);
    expect(Object.values(world.labels(arn)).flat()).toEqual(['AWSCURRENT']);
    world.store.setTags(arn, more);
    await looks(world, 26);
    expect(world.publisher.of('Certificate Renewal Failed')).toHaveLength(2);
  });

  it('does not fill an `out` that has no room', async () => {
    const world = new World();
    const arn = world.enrol();
    const more = Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`team:${i}`, 'x']));
    const out = world.store.add({ name: 'o', tags: { [tags.profile]: 'internal', ...more } });
    const tried = renewOnDemand(world, { secretId: arn, out: { secretId: out } });
    await expect(tried).rejects.toMatchObject({ name: 'UnsupportedSecret' });
    expect(world.ca.faults.calls).toEqual([]);
    expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
  });
});
