/** The crash table of docs/renewal-cycle.md: the process ends before or after each call, and the next try completes the work. */
import { describe, expect, it, vi } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { freshDates, hour, newKey, pairOf, pairValue, start, World } from './world.ts';

const lost = new RenewalError('Throttled', 'No answer came.');

function expectGood(world: World, arn: string): void {
  const { leaf, key } = pairOf(world.store.value(arn));
  const spki = Buffer.from(leaf.spki);
  expect(spki.equals(spkiOf(key))).toBe(true);
  expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  const pending = world.pending(arn);
  expect([undefined, world.versionOf(arn)]).toContain(pending);
}

function spkiOf(key: ReturnType<typeof newKey>): Buffer {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

/** Does what the schedule does after a crash: the message comes again, then scans follow, each with its workers. */
async function recover(world: World, arn: string): Promise<void> {
  world.faults.restart();
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
  for (let round = 0; round < 2; round++) {
    const from = world.queue.sent.length;
    await scan(world, { force: false, dryRun: false });
    for (const message of world.queue.sent.slice(from)) await renewQueued(world, message, 1);
  }
}

describe.each(['rekey', 'renew'] as const)('a crash during %s', (mode) => {
  const calls = ['describe', 'read', 'stage', 'promote', 'publish', 'tag'];
  const points = calls.flatMap((method, index) =>
    (['before', 'after'] as const).map((when) => ({ method, when, call: index + 1 })),
  );

  it.each(points)('$when $method', async ({ when, call, method }) => {
    const world = new World();
    const arn = world.enrol({ tags: { [tags.mode]: mode } });
    world.faults.crashAt(call, when);
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1).catch(() => undefined);
    expect(world.faults.crashed, `no call ${call} (${method})`).toBe(true);
    await recover(world, arn);
    expectGood(world, arn);
    expect(world.ca.issued.length).toBeLessThanOrEqual(2);
    expect(world.store.versionIds(arn).length).toBeLessThanOrEqual(3);
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe(world.versionOf(arn));
    const renewed = world.publisher.events.filter(({ type }) => type === 'Certificate Renewed');
    expect(renewed.length).toBeGreaterThanOrEqual(1);
    for (const event of renewed)
      expect(event).toMatchObject({ detail: { versionId: world.versionOf(arn), operation: mode } });
  });
});

describe('a pair that was staged', () => {
  it('is promoted by the next try, not issued again', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.crashAt(4, 'before');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1).catch(() => undefined);
    const staged = world.pending(arn);
    world.faults.restart();
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
    expect(world.versionOf(arn)).toBe(staged);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('is ignored when another kind of key is requested', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.crashAt(4, 'before');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1).catch(() => undefined);
    world.faults.restart();
    await renewOnDemand(world, { secretId: arn, kty: 'OKP' });
    expect(pairOf(world.store.value(arn)).leaf.keySpec).toEqual({ kty: 'OKP', curve: 'Ed25519' });
    expectGood(world, arn);
  });

  it('by another writer, under a version id like ours, must still be proven', async () => {
    const world = new World();
    const arn = world.enrol();
    world.faults.crashAt(4, 'before');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1).catch(() => undefined);
    world.faults.restart();
    const forged = newKey();
    const { leaf, chain } = new World().ca.issueLeaf({
      key: forged,
      subject: new Uint8Array([0x30, 0]),
      notBefore: start - hour,
      notAfter: start + 99 * hour,
    });
    const mark = (world.pending(arn) ?? '').slice(0, 22);
    await world.store.stage(arn, `${mark}${'0'.repeat(32)}`, { kind: 'string', text: pairValue(leaf, chain, forged) });
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
    expect(pairOf(world.store.value(arn)).key.equals(forged)).toBe(false);
    expectGood(world, arn);
  });
});

describe('a lost answer', () => {
  it.each(['stage', 'promote', 'tag', 'publish'])('of %s', async (method) => {
    const world = new World();
    const arn = world.enrol();
    world.faults.loseAnswer(method, lost);
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    await recover(world, arn);
    expectGood(world, arn);
    expect(world.ca.issued).toHaveLength(1);
    expect(world.publisher.events.some(({ type }) => type === 'Certificate Renewed')).toBe(true);
  });

  it('of promote, with a refusal at its repetition, is no failure', async () => {
    const world = new World();
    const arn = world.enrol();
    const before = await world.store.describe(arn);
    world.faults.loseAnswer('promote', lost);
    // AWS's description is outdated once, so the call is repeated.
    const behind = () => vi.spyOn(world.store, 'describe').mockResolvedValueOnce(before);
    world.faults.meanwhile('before', 'promote', behind);
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
    expect(world.ca.issued).toHaveLength(1);
  });
});

function signal(): { readonly comes: Promise<void>; readonly give: () => void } {
  let give = () => {};
  const comes = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { comes, give };
}

function expectOneRenewal(world: World, arn: string, winner?: RenewalResult, loser?: RenewalResult): void {
  const versionId = world.versionOf(arn);
  expect(winner).toMatchObject({ outcome: 'rekeyed', versionId, previousVersionId: 'v1' });
  expect(loser).toMatchObject({ outcome: 'skipped', reason: { code: 'AlreadyRenewed' }, versionId });
  expectGood(world, arn);
  expect(world.ca.issued).toHaveLength(1);
  expect([world.journal.total('Renewed'), world.journal.total('Failed')]).toEqual([1, 0]);
  expect(world.publisher.events).toHaveLength(1);
}

describe('races', () => {
  it.each([2, 5, 20])('%d workers leave one new version', async (workers) => {
    const world = new World();
    const arn = world.enrol();
    await Promise.all(
      Array.from({ length: workers }, () => renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1)),
    );
    expectGood(world, arn);
    expect(world.store.value(arn, 'AWSPREVIOUS')).toEqual(world.store.value(arn, 'v1'));
    expect(world.ca.issued.length).toBeLessThanOrEqual(workers);
    expect(world.journal.total('Renewed')).toBe(1);
    expect(world.journal.total('Failed')).toBe(0);
  });

  it('a loser on demand answers AlreadyRenewed', async () => {
    const world = new World();
    world.enrol();
    const results = await Promise.all([1, 2, 3].map(() => renewOnDemand(world, { secretId: 'web/tls' })));
    const outcomes = results.map(({ outcome, reason }) => `${outcome} ${reason.code}`).sort();
    expect(outcomes.filter((outcome) => outcome === 'rekeyed Requested')).toHaveLength(1);
    expect(outcomes.filter((outcome) => /^skipped (AlreadyRenewed|RecentlyRenewed)$/.test(outcome))).toHaveLength(2);
  });

  describe('for one staged pair', () => {
    it('that another worker promotes: its maker has lost', async () => {
      const world = new World();
      const arn = world.enrol();
      let winner: RenewalResult | undefined;
      world.faults.meanwhile('after', 'stage', async () => {
        winner = await renewOnDemand(world, { secretId: arn });
      });
      const loser = await renewOnDemand(world, { secretId: arn });
      expectOneRenewal(world, arn, winner, loser);
    });

    it('that its maker promotes first: the other worker has lost', async () => {
      const world = new World();
      const arn = world.enrol();
      const isTakenUp = signal();
      const isOver = signal();
      let second: Promise<RenewalResult> | undefined;
      world.faults.meanwhile('after', 'stage', () => {
        second = renewOnDemand(world, { secretId: arn });
        return isTakenUp.comes;
      });
      world.faults.meanwhile('before', 'promote', () => {
        isTakenUp.give();
        return isOver.comes;
      });
      const winner = await renewOnDemand(world, { secretId: arn });
      isOver.give();
      expectOneRenewal(world, arn, winner, await second);
    });
  });

  it.each(['describe', 'read', 'stage', 'promote'])('a value written before %s stays', async (method) => {
    const world = new World();
    const arn = world.enrol();
    const theirs = newKey();
    const fresh = world.ca.issueLeaf({ key: theirs, subject: new Uint8Array([0x30, 0]), ...freshDates });
    const value = pairValue(fresh.leaf, fresh.chain, theirs);
    world.faults.meanwhile('before', method, () => world.store.write(arn, value, 'theirs'), { times: 1 });
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    expect(world.versionOf(arn)).toBe('theirs');
    expect(pairOf(world.store.value(arn)).key.equals(theirs)).toBe(true);
    expect([undefined, 'theirs']).toContain(world.pending(arn));
  });

  it('a message that comes late is AlreadyRenewed, and reads nothing', async () => {
    const world = new World();
    const arn = world.enrol();
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    const reads = world.faults.count('read');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    expect(world.faults.count('read')).toBe(reads);
    expect(world.journal.decisions.at(-1)?.reason.code).toBe('AlreadyRenewed');
    expect(world.publisher.events).toHaveLength(1);
  });

  it('a rollback by an operator causes no event, and stays', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    await renewOnDemand(world, { secretId: arn });
    const first = world.versionOf(arn);
    await renewOnDemand(world, { secretId: arn, force: true });
    world.store.moveStage(arn, 'AWSCURRENT', first);
    const events = world.publisher.events.length;
    const { enqueued, unknown } = await scan(world, { force: false, dryRun: false });
    expect({ enqueued, unknown }).toEqual({ enqueued: 1, unknown: 1 });
    const [message] = world.queue.sent.slice(-1);
    if (message) await renewQueued(world, message, 1);
    expect(world.versionOf(arn)).toBe(first);
    expect(world.publisher.events.slice(events).map(({ type }) => type)).toEqual(['Scan Completed']);
  });
});

describe('a request that meets another writer', () => {
  it('answers AlreadyRenewed, and the other value stays', async () => {
    const world = new World();
    const arn = world.enrol();
    const theirs = newKey();
    const fresh = world.ca.issueLeaf({ key: theirs, subject: new Uint8Array([0x30, 0]), ...freshDates });
    world.faults.meanwhile('before', 'promote', () =>
      world.store.write(arn, pairValue(fresh.leaf, fresh.chain, theirs), 'theirs'),
    );
    const result = await renewOnDemand(world, { secretId: arn });
    expect(result).toMatchObject({ outcome: 'skipped', reason: { code: 'AlreadyRenewed' }, versionId: 'theirs' });
    expect(world.versionOf(arn)).toBe('theirs');
  });
});

it('a certificate of the same second is asked for again a second later', async () => {
  const world = new World();
  const arn = world.enrol({ notBefore: start - 60_000, notAfter: start - 60_000 + 24 * hour });
  expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  expect(world.clock.sleeps).toContain(1000);
  expect(world.ca.issued).toHaveLength(2);
});
