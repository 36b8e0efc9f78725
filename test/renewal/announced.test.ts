/**
 * `Certificate Renewed` is sent at least once, although calls fail between the promotion and the bus, for any time. It is not
 * repeated at every scan.
 */
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

/** Runs a scan and the workers of its messages, an hour later. Returns the number of messages. */
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

/**
 * The bus refuses the events of certificates until the outage is ended. It takes the events of scans, so that a scan sends its
 * messages.
 */
function outage(world: World): () => void {
  let lasts = true;
  const matches = ({ args }: { args: readonly unknown[] }) => lasts && JSON.stringify(args).includes('Certificate ');
  world.faults.failBefore('publish', denied, { ...ever, matches });
  return () => {
    lasts = false;
  };
}

describe('a renewal whose event could not be sent', () => {
  it.each([1, 2, 5, 30])('is reported once, although the next %d inspections can’t send it either', async (hours) => {
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

  it.each(['read', 'describe', 'tag'])(
    'is reported, although the next inspection’s %s is throttled',
    async (method) => {
      const world = new World();
      const arn = world.enrol(freshDates);
      world.faults.failBefore('publish', busy);
      const { versionId } = await force(world, arn);
      world.faults.failBefore(method, busy, { times: 3 });
      await looks(world, 3);
      expect(told(world)).toMatchObject([{ secretArn: arn, versionId }]);
    },
  );

  it('is reported, although the next inspection can’t read the previous version at first', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId, previousSerialNumber } = await force(world, arn);
    world.faults.failBefore('read', busy, { times: 9, matches: ({ args }) => args[1] === 'v1' });
    await looks(world, 4);
    expect(told(world)).toMatchObject([{ versionId, previousSerialNumber }]);
  });

  it('is reported without the previous serial number, if the previous version can’t be read any more', async () => {
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

  it('is reported without a serial number, if the new version can’t be read any more; that failure backs off', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', busy);
    const { versionId } = await force(world, arn);
    world.faults.failBefore('read', new RenewalError('KmsDenied', 'no'), ever);
    await looks(world, 8); // backed off for one, two and four hours
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId, previousVersionId: 'v1', serialNumber: null }]);
    expect(world.publisher.of('Certificate Renewal Failed').length).toBeLessThanOrEqual(4);
  });

  it.each(['the tag', 'the profile'])('is reported for a secret that %s pauses', async (by) => {
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

  it('is reported before the next renewals, in their order', async () => {
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

  it('delays further renewals when the tag version-id is full, and no event is lost', async () => {
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

  it('is reported although rotations follow', async () => {
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

  it('is reported although a worker writes the tag version-id by an old description', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = outage(world);
    const first = await force(world, arn);
    let second: string | null = null;
    // A slow worker has described the secret. Then another renewal comes, and then the slow one continues.
    world.faults.meanwhile('after', 'describe', async () => {
      second = (await force(world, arn)).versionId;
    });
    await renewQueued(world, { secretArn: arn, versionId: first.versionId ?? '' }, 1);
    end();
    await looks(world, 3);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first.versionId, second]);
  });

  it('is reported although the next renewal fails after its promotion', async () => {
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

  it('does not delay a renewal when the certificate is about to end', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    outage(world);
    for (let n = 0; n < 6; n++) await force(world, arn).catch(() => undefined);
    const before = world.versionOf(arn);
    world.clock.set(pairOf(world.store.value(arn)).leaf.notAfter - hour / 2);
    await force(world, arn);
    expect(world.versionOf(arn)).not.toBe(before);
  });

  it('is reported before a later renewal whose event is sent', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('publish', denied, { times: 2 });
    const first = await force(world, arn);
    const second = await force(world, arn);
    expect(told(world).map(({ versionId }) => versionId)).toEqual([first.versionId, second.versionId]);
  });

  it('is reported by the next delivery of the same message, before the next scan', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('publish', busy);
    const message = { secretArn: arn, versionId: 'v1' };
    const { retryAfter } = await renewQueued(world, message, 1);
    expect(retryAfter).toBeGreaterThan(0);
    expect(await renewQueued(world, message, 2)).toEqual({});
    expect(told(world)).toHaveLength(1);
  });

  it('is not reported if an operator has rolled back from it', async () => {
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
  ])('is reported later, with its source: one %s', async (_, value) => {
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

  it('is reported under its own name if the source is gone', async () => {
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

  it('is reported under its own name if a tag can’t hold the source’s name', async () => {
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

  it('is reported although a second one follows to the same secret', async () => {
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
  /** Stops before finishSecret. */
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

  it('whose event could not be sent is reported by the schedule too, if Secrets Manager does not call again', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.failBefore('publish', denied);
    await expect(finish()).rejects.toMatchObject({ name: 'AccessDenied' });
    await looks(world, 2);
    expect(told(world)).toMatchObject([{ secretArn: arn, versionId: token, previousVersionId: 'v1' }]);
  });

  it('that loses its race after it has noted its token is not reported', async () => {
    const { world, arn, finish } = await rotated();
    world.faults.meanwhile('before', 'tag', () => force(world, arn), { matches: namesToken });
    await expect(finish()).rejects.toMatchObject({ name: 'SecretChanged' });
    const renewed = world.versionOf(arn);
    expect(renewed).not.toBe(token);
    await looks(world, 2);
    expect(versionsTold(world)).toEqual(new Set([renewed]));
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(renewed);
  });

  it('that ends between its note and its promotion, before another renewal, is not reported', async () => {
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

  it('that was promoted and replaced before its event could be sent is reported before its successor', async () => {
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
  it('is not sent if tags can’t be written', async () => {
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
    'is not sent for a secret with %d tags of its own: one event, and nothing is issued',
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

  it('is sent once more for a new value without room, and ends when the extra tags are removed', async () => {
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
    'is not sent for a secret that has lost its room to %d tags before its renewal was reported',
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

  it('is sent once more when the secret gets room and loses it again', async () => {
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

  it('does not write to an `out` that has no room', async () => {
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
