/** A scan that runs out of time continues in another invocation. It judges each secret once and loses no secret. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { ScanRequest } from '../../lambdas/domain/request.ts';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { parseScanRequest } from '../../lambdas/policy/request.ts';
import { scan, scanReserve } from '../../lambdas/renewal/scan/scan.ts';
import { dueDates, World } from './world.ts';

const all: ScanRequest = { force: false, dryRun: false };
const lambdaTime = 15 * 60_000;

/** One in three is due, one in seven has an invalid tag, and one in eleven has a profile that is not in the stack. */
function secretOf(number: number): SecretSummary {
  const name = `s-${String(number).padStart(6, '0')}`;
  const iso = (instant: number) => `${new Date(instant).toISOString().slice(0, 19)}Z`;
  const secretTags = new Map([
    [tags.profile, number % 11 === 0 ? 'nowhere' : 'internal'],
    ...(number % 7 === 0 ? [[tags.mode, 'sometimes'] as const] : []),
    [tags.versionId, 'v1'],
    [tags.notBefore, iso(number % 3 === 0 ? dueDates.notBefore : dueDates.notBefore + 21 * 3_600_000)],
    [tags.notAfter, iso(number % 3 === 0 ? dueDates.notAfter : dueDates.notAfter + 21 * 3_600_000)],
  ]);
  const isReplica = number % 13 === 0; // with any profile
  if (isReplica) secretTags.set(tags.profile, 'some other/profile: of theirs');
  return {
    arn: `arn:aws:secretsmanager:eu-central-1:1:secret:${name}-AbCdEf`,
    name,
    tags: secretTags,
    versions: new Map([['v1', ['AWSCURRENT']]]),
    currentVersionId: 'v1',
    isReplica,
    rotation: { enabled: false },
  };
}

/** An account of this many secrets. A page of the listing takes this time of the world's clock. */
function account(count: number, page: number) {
  const world = new World();
  const listed: number[] = [];
  const refused = new Set<string>();
  const store = {
    describe: (id: string) => world.store.describe(id),
    async *list(from = '0') {
      if (refused.delete(from)) throw new RenewalError('InvalidRequest', 'not from there');
      for (let start = Number(from); start < count; start += 100) {
        world.clock.advance(page);
        listed.push(start);
        const to = Math.min(start + 100, count);
        const secrets = Array.from({ length: to - start }, (_, index) => secretOf(start + index));
        yield Object.assign(secrets, { next: to < count ? String(to) : undefined });
      }
    },
  };
  const continued: ScanRequest[] = [];
  const scanWorld = {
    clock: world.clock,
    profiles: world.profiles,
    queue: world.queue,
    publisher: world.publisher,
    journal: world.journal,
    untilNextScan: world.untilNextScan,
    store,
    continueLater: async (request: ScanRequest) => void continued.push(request),
  };

  /** Runs the invocations one after another, each with a Lambda's time, and with its request in JSON as Lambda hands it on. */
  async function run(request: ScanRequest): Promise<ScanResult[]> {
    const results: ScanResult[] = [];
    for (let next: ScanRequest | undefined = request; next; next = continued.pop()) {
      const end = world.clock.now() + lambdaTime - scanReserve;
      const timeOver = {
        get aborted() {
          return world.clock.now() >= end;
        },
      };
      results.push(await scan(scanWorld, parseScanRequest(JSON.parse(JSON.stringify(next))), timeOver));
    }
    return results;
  }
  return { world, scanWorld, listed, continued, refused, run };
}

const sentArns = ({ world }: ReturnType<typeof account>) => world.queue.sent.map(({ secretArn }) => secretArn);
const completed = ({ world }: ReturnType<typeof account>) =>
  world.publisher.events.filter(({ type }) => type === 'Scan Completed').map(({ detail }) => detail);
const counts = ({ plan: _, durationMs: __, partial: ___, ...rest }: ScanResult) => rest;

describe('a scan whose time is over', () => {
  it('continues where it was, and all invocations together are one scan', async () => {
    const whole = account(2_000, 60);
    const [expected] = await whole.run(all);
    expect(expected?.partial).toBeUndefined();
    // 20 pages of 100 s: nine fit into an invocation.
    const slow = account(2_000, 100_000);
    const results = await slow.run(all);
    expect(results.map(({ partial }) => partial)).toEqual([true, true, undefined]);
    expect(slow.listed).toEqual(Array.from({ length: 20 }, (_, page) => page * 100));
    expect(new Set(sentArns(slow)).size).toBe(sentArns(slow).length);
    expect(sentArns(slow)).toEqual(sentArns(whole));
    const last = results.at(-1);
    expect(last && counts(last)).toEqual(expected && counts(expected));
    expect(completed(slow)).toEqual([{ ...(last && counts(last)), durationMs: 20 * 100_000 }]);
    expect(slow.world.journal.metrics.filter(({ metric }) => metric === 'Managed')).toEqual(
      whole.world.journal.metrics.filter(({ metric }) => metric === 'Managed'),
    );
  });

  it('needs one invocation for 100,000 secrets at 60 ms a page, and ends well before its limit', async () => {
    // A hundredth of the secrets, each page as slow as a hundred.
    const scene = account(1_000, 6_000);
    const [result, ...more] = await scene.run(all);
    expect(more).toEqual([]);
    expect(result?.durationMs).toBeLessThan(lambdaTime / 10);
  });

  it('keeps the selection of its request', async () => {
    const scene = account(2_000, 100_000);
    const results = await scene.run({ ...all, secretIds: ['s-000003', 's-001998'] });
    expect(results).toHaveLength(3);
    expect(results.at(-1)).toMatchObject({ listed: 2, enqueued: 2 });
    expect(sentArns(scene)).toHaveLength(2);
    expect(results.map(({ notFound }) => notFound)).toEqual([['s-001998'], ['s-001998'], []]);
  });

  it('and reports in the end what it has not found, also after a restart', async () => {
    const scene = account(2_000, 100_000);
    const secretIds = ['gone', 's-000003', secretOf(1_998).arn, 'gone too'];
    expect((await scene.run({ ...all, secretIds })).at(-1)?.notFound).toEqual(['gone', 'gone too']);
    scene.refused.add('900');
    const again = await scene.run({ ...all, secretIds });
    expect(again.at(-1)).toMatchObject({ listed: 2, notFound: ['gone', 'gone too'] });
  });

  it('continues although its profile is removed meanwhile', async () => {
    const scene = account(2_000, 100_000);
    const find = scene.scanWorld.profiles.find.bind(scene.scanWorld.profiles);
    let asked = 0;
    scene.scanWorld.profiles.find = async (name) => (asked++ === 0 ? find(name) : undefined);
    const results = await scene.run({ ...all, profile: 'internal' });
    expect(results.map(({ partial }) => partial)).toEqual([true, true, undefined]);
  });

  it('as a dry run reports what it has seen, and ends', async () => {
    const scene = account(2_000, 100_000);
    const results = await scene.run({ ...all, dryRun: true });
    expect(results).toMatchObject([{ listed: 900, partial: true, planTruncated: true }]);
    expect([scene.continued, scene.world.queue.sent, scene.world.publisher.events]).toEqual([[], [], []]);
  });

  it('starts again if AWS rejects its place in the listing', async () => {
    const scene = account(1_500, 100_000);
    scene.refused.add('900');
    const results = await scene.run(all);
    // Nine pages, the same nine again and six more. The workers handle a secret once that was sent twice.
    expect(results.map(({ listed }) => listed)).toEqual([900, 900, 1_500]);
    const numbers = sentArns(scene);
    const once = account(1_500, 60);
    await once.run(all);
    expect(new Set(numbers)).toEqual(new Set(sentArns(once)));
    expect(completed(scene)).toMatchObject([{ listed: 1_500 }]);
  });

  it('is handed on after all of its messages are sent, and fails if it can’t be handed on', async () => {
    const scene = account(2_000, 100_000);
    const handOn = async () => {
      expect(scene.world.queue.sent.length % 10).not.toBe(0); // also the last incomplete ten
      throw new RenewalError('Throttled', 'no');
    };
    const timeOver = { aborted: true };
    const failing = scan({ ...scene.scanWorld, continueLater: handOn }, all, timeOver);
    await expect(failing).rejects.toMatchObject({ code: 'Throttled' });
    expect(completed(scene)).toEqual([]);
  });

  it('does not continue for ever', async () => {
    const scene = account(100_000, 1_000_000);
    await expect(scene.run(all)).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringMatching(/13 invocations/),
    });
  });
});

describe('the messages of a scan', () => {
  it('are sent ten at a time, for pages of any size', async () => {
    const scene = account(1_000, 60);
    const sizes: number[] = [];
    const queue = {
      send: async (messages: readonly unknown[]) => void sizes.push(messages.length),
    };
    const { enqueued } = await scan({ ...scene.scanWorld, queue }, all);
    expect(sizes.slice(0, -1).filter((size) => size % 10 !== 0)).toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(enqueued);
  });
});

it.each([
  { from: '' },
  { part: 0 },
  { part: 1.5 },
  { started: -1 },
  { sums: {} },
  { secret: 'x' },
  { notFound: [''] },
  { notFound: 'x' },
])('a continuation with %j is refused', (wrong) => {
  const sums = {
    enqueued: 0,
    notDue: 0,
    paused: 0,
    backingOff: 0,
    waiting: 0,
    invalid: 0,
    unknown: 0,
    overdue: 0,
    profiles: {},
  };
  const continuation = { from: 'x', part: 1, started: 0, sums };
  expect(parseScanRequest({ continuation }).continuation).toEqual(continuation);
  expect(() => parseScanRequest({ continuation: { ...continuation, ...wrong } })).toThrow('The scan request');
});
