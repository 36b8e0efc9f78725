/**
 * A CA that accepts five requests a second, and more due certificates than that: no flood of requests, and all are renewed.
 * The real scan, handler and use case run in virtual time (pressure.ts).
 */
import '../../testkit/simulation/instant-crypto.ts';
import { expect, it, vi } from 'vitest';
import { type CallPolicy, noLimits, timeLimits } from '../../lambdas/domain/calls.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { type Handler, limit, limitParameters, limitWrites, poll, timed, VirtualTime } from './pressure.ts';
import { hour, newKey, start, World } from './world.ts';

const minute = 60_000;
/** The stack's settings: concurrent batches, and messages in each. */
const maxConcurrency = 10;
const mostAtOnce = maxConcurrency * 10;

const journal = Object.assign(new FakeJournal(), { begin: () => undefined });

/** Returns what compose.ts gives to the functions, for this scene. */
function composed(world: World, time: VirtualTime, queue: TimedQueue, period: number) {
  const provider = timed(world.ca, time);
  const own = { queue, journal, clock: time.clock, providerFor: async () => provider, untilNextScan: () => period };
  return { ...world, ...own, time };
}

let present: ReturnType<typeof composed>;

/**
 * Loads the handler once, with the world of the current scene. All invocations share its fakes, so these have the call policy
 * with the queue's patience, and the handler has the limits.
 */
async function loadHandler(): Promise<Handler> {
  vi.doMock('../../lambdas/compose.ts', () => ({
    composeRenewal: async () => ({
      journal,
      queue: () => present.queue,
      world: ({ patience }: CallPolicy) => {
        for (const { faults } of [present, present.ca, present.profiles]) faults.policy = patience ? { patience } : {};
        return present;
      },
    }),
    patientPolicyFor: (context: { getRemainingTimeInMillis(): number }): CallPolicy => ({
      limits: timeLimits(context.getRemainingTimeInMillis(), present.time.abortedIn),
      patience: { clock: present.time.clock, entropy: present.entropy },
    }),
  }));
  const { handler } = await import('../../lambdas/functions/renew.ts');
  return handler as Handler;
}

interface Conditions {
  readonly count: number;
  /** Requests that the CA accepts in a second. It may change with time. */
  readonly perSecond: (sinceStart: number) => number;
  readonly retryAfter?: string;
  readonly period?: number;
  /** Milliseconds left of 24 hours. */
  readonly left?: number;
  /** Concurrent batches. */
  readonly workers?: number;
}

function scene({ count, perSecond, retryAfter, period = hour, left = 8 * hour, workers }: Conditions) {
  const world = new World();
  const time = new VirtualTime(world.clock);
  const queue = new TimedQueue(time.clock);
  const pressure = limit(world.ca, time, () => perSecond(world.clock.now() - start), retryAfter);
  const key = newKey(); // one key and one certificate for all: only the number of requests matters here
  const dates = { notBefore: start - 24 * hour + left, notAfter: start + left };
  const first = world.enrol({ name: 'web/0', key, ...dates, tags: { [tags.mode]: 'renew' } });
  const secret = { value: world.store.value(first), versionId: 'v1', tags: world.store.tagsOf(first) };
  const others = Array.from({ length: count - 1 }, (_, n) => world.store.add({ name: `web/${n + 1}`, ...secret }));
  const arns = [first, ...others];
  const made = {
    ...{ world, time, queue, pressure, arns },
    renewed: () => arns.filter((arn) => world.versionOf(arn) !== 'v1').length,
    /** Runs scans and workers until it is over. Returns the time that passed, in milliseconds. */
    async run(isOver: () => boolean): Promise<number> {
      present = composed(world, time, queue, period);
      const schedule = async (): Promise<void> => {
        for (let at = start; !isOver(); at += period) {
          await time.until(at);
          await scan(present, { force: false, dryRun: false });
        }
      };
      void schedule();
      poll(time, queue, await loadHandler(), workers ?? maxConcurrency, isOver);
      await time.pass(isOver);
      return time.clock.now() - start;
    },
  };
  return made;
}

/** Returns the largest number that began within any second. */
function mostPerSecond(instants: readonly number[]): number {
  let from = 0;
  let most = 0;
  for (const [at, instant] of instants.entries()) {
    while ((instants[from] ?? 0) <= instant - 1_000) from++;
    most = Math.max(most, at - from + 1);
  }
  return most;
}

it('2,000 due certificates: no flood of requests, each is renewed once, and all before the next scan', async () => {
  const count = 2_000;
  const { queue, pressure, world, renewed, run } = scene({ count, perSecond: () => 5 });
  const took = await run(() => queue.length === 0 && queue.sentAt.length > 0);
  expect(renewed()).toBe(count);
  expect(world.ca.issued).toHaveLength(count);
  expect(queue.sentAt).toHaveLength(count);
  expect(queue.deadLetters).toEqual([]);
  // 2,000 at five a second take 400 seconds. The rest may take a little more.
  expect(took).toBeLessThan(12 * minute);
  expect(pressure.peak).toBeLessThanOrEqual(mostAtOnce);
  expect(mostPerSecond(pressure.asked)).toBeLessThanOrEqual(mostAtOnce);
  expect(pressure.asked.length).toBeLessThan(6 * count);
}, 120_000);

it('3,000 due certificates with 50 writes a second of Secrets Manager: each is issued and renewed once', async () => {
  const count = 3_000;
  const { queue, world, time, renewed, run } = scene({ count, perSecond: () => 100_000 });
  const quota = limitWrites(world.store, time, 50);
  const took = await run(() => queue.length === 0 && queue.sentAt.length > 0);
  expect(quota.refused).toBeGreaterThan(0);
  expect(renewed()).toBe(count);
  expect(world.ca.issued).toHaveLength(count);
  expect(queue.deadLetters).toEqual([]);
  expect(took).toBeLessThan(4 * minute); // two writes each: two minutes at least
}, 120_000);

it('1,000 workers that are cold at once with 40 reads a second of SSM: each waits for its profile', async () => {
  const count = 1_000;
  const { queue, world, time, renewed, run } = scene({ count, perSecond: () => 100_000, workers: 100 });
  const quota = limitParameters(world.profiles, time, 40);
  const took = await run(() => queue.length === 0 && queue.sentAt.length > 0);
  expect(quota.refused).toBeGreaterThan(count / 2);
  expect(renewed()).toBe(count);
  expect(world.ca.issued).toHaveLength(count);
  expect(queue.deadLetters).toEqual([]);
  expect(world.publisher.of('Certificate Renewal Failed')).toEqual([]);
  expect(took).toBeLessThan(minute); // 25 seconds at least
}, 120_000);

it.each(['3', '15'])(
  'Retry-After: %s is respected',
  async (retryAfter) => {
    const { arns, queue, pressure, renewed, run } = scene({ count: 200, perSecond: () => 5, retryAfter });
    const took = await run(() => queue.length === 0 && renewed() === arns.length);
    expect(took).toBeLessThan(65 * minute); // the next scan sends what the first scan's messages did not finish
    // Before the pause is over, only the first requests come, and the successors of those that were served.
    const early = pressure.asked.filter((at) => at < start + Number(retryAfter) * 1_000);
    expect(early.length).toBeLessThanOrEqual(mostAtOnce + 10);
  },
  60_000,
);

it('a request on demand fails at once', async () => {
  const { world, time, queue, pressure, arns } = scene({ count: 1, perSecond: () => 0 });
  const asked = composed(world, time, queue, hour);
  world.limitTo(noLimits); // as compose.ts does on demand
  let told: unknown;
  void renewOnDemand(asked, { secretId: arns[0] }).catch((error: unknown) => {
    told = error;
  });
  await time.pass(() => told !== undefined);
  expect(told).toMatchObject({ code: 'CaUnavailable', message: expect.stringMatching(/429/) });
  expect(pressure.asked).toHaveLength(1);
});

/** Milliseconds between one message and the next. */
const gaps = (instants: readonly number[]): number[] => instants.slice(1).map((at, n) => at - (instants[n] ?? 0));

it('a CA that accepts nothing for hours: the pauses grow, except in the last twentieth', async () => {
  const period = 5 * minute;
  const end = start + 8 * hour;
  const emergency = end - (24 * hour) / 20;
  const { arns, queue, pressure, world, run } = scene({ count: 1, perSecond: () => 0, period });
  await run(() => world.clock.now() > end + 5 * hour);
  const before = queue.sentAt.filter((at) => at < emergency);
  const [first = 0, ...later] = gaps(before);
  expect(first).toBeGreaterThanOrEqual(5 * minute);
  for (const [n, gap] of later.entries()) {
    // From the last of three failed deliveries to the next scan.
    const pause = Math.min(5 * minute * 2 ** (n + 1), hour);
    expect(gap).toBeGreaterThanOrEqual(pause);
    expect(gap).toBeLessThanOrEqual(pause + 15 * minute);
  }
  expect(before.length).toBeLessThan(12);
  // One for each scan, also while the previous message is still being tried. AWS delivers both, and the second has the same
  // result.
  const last = queue.sentAt.filter((at) => at >= emergency && at < end);
  expect(last.length).toBe(Math.floor((end - emergency) / period));
  const after = gaps(queue.sentAt.filter((at) => at >= end));
  for (const gap of after) expect(gap).toBeGreaterThanOrEqual(hour);
  expect(world.versionOf(arns[0] ?? '')).toBe('v1');
  expect(pressure.asked.length).toBeLessThan(queue.sentAt.length * 3 * 15);
}, 60_000);

it('a CA that comes back half an hour before the end: all are renewed in time', async () => {
  const left = 3 * hour;
  const [count, period] = [50, 10 * minute];
  const perSecond = (at: number) => (at < left - hour / 2 ? 0 : 5);
  const { queue, world, renewed, run } = scene({ count, perSecond, period, left });
  const isOver = () => queue.length === 0 && world.ca.issued.length >= count;
  const took = await run(() => isOver() || world.clock.now() > start + left);
  expect(took).toBeLessThan(left - 15 * minute);
  expect(queue.deadLetters.length).toBeGreaterThan(count);
  expect(renewed()).toBe(count);
}, 60_000);
