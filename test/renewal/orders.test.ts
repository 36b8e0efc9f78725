/** A CA that takes an order and issues later: the worker asks again when the CA says, and gives long orders back to the queue. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { SlowCa } from '../../testkit/fakes/slow-ca.ts';
import { start, World } from './world.ts';

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

function scene(seed: number, longestPause: number) {
  const world = new World();
  const ca = new SlowCa({ now: start, clock: world.clock, hierarchy: world.ca.hierarchy }, seed, longestPause);
  Object.assign(world, { providerFor: async () => ca });
  return { world, ca, arn: world.enrol() };
}

describe('an order that the CA fills within half a minute', () => {
  it.each(seeds)('becomes the new certificate: one order, one version (seed %i)', async (seed) => {
    const { world, ca, arn } = scene(seed, 7_000);
    const result = await renewOnDemand(world, { secretId: arn });
    expect(result.outcome).toBe('rekeyed');
    expect(ca.issued).toHaveLength(1);
    expect(world.versionOf(arn)).toBe(result.versionId);
    // No question came earlier than the CA had said.
    expect(world.clock.sleeps).toHaveLength(ca.faults.count('rekey') - 1);
  });

  it('sometimes takes more than one question', async () => {
    const looks = await Promise.all(
      seeds.map(async (seed) => {
        const { world, ca, arn } = scene(seed, 7_000);
        await renewOnDemand(world, { secretId: arn });
        return ca.faults.count('rekey');
      }),
    );
    expect(Math.max(...looks)).toBeGreaterThan(2);
    expect(Math.min(...looks)).toBe(1);
  });
});

it('an order that takes longer goes back to the queue, until the CA’s next date: nothing is issued, staged or reported', async () => {
  const seed = 1; // its order takes several questions
  const { world, ca, arn } = scene(seed, 600_000);
  const outcome = await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
  expect(outcome.retryAfter).toBeGreaterThanOrEqual(30);
  expect(outcome.retryAfter).toBeLessThanOrEqual(300);
  expect(world.journal.failures.at(-1)?.error).toMatchObject({ code: 'CaUnavailable', retryable: true });
  expect(ca.issued).toEqual([]);
  expect(world.versionOf(arn)).toBe('v1');
  expect(world.pending(arn)).toBeUndefined();
  expect(world.publisher.events).toEqual([]);
  expect(world.store.tagsOf(arn)[tags.failure]).toBeDefined();
});
