/** The simulation itself: it repeats an episode exactly, its judges find faults, and the old seeds break nothing. */
import { describe, expect, it } from 'vitest';
import { storiesOf } from '../../testkit/simulation/campaign.ts';
import { drawDeclared, drawPlan } from '../../testkit/simulation/draw.ts';
import { playEpisode } from '../../testkit/simulation/episode.ts';
import { drawUndeclared } from '../../testkit/simulation/plan.ts';
import { Random } from '../../testkit/simulation/random.ts';
import { Timeline } from '../../testkit/simulation/timeline.ts';
import { declaredMutants } from './declared-mutants.ts';
import { calm, mutants } from './mutants.ts';
import { orderMutants } from './orders-mutants.ts';
import { seedsOnceBroken } from './seeds.ts';

const longest = 60_000;

describe('virtual time', () => {
  it('stands still while work takes real time, as the loading of a module does', async () => {
    const timeline = new Timeline(0, new Random(1));
    const order: string[] = [];
    timeline.at(1, () => {
      timeline.running += 1;
      setTimeout(() => {
        order.push('loaded');
        timeline.running -= 1;
      }, 1_500);
    });
    timeline.at(2, () => order.push('next'));
    await timeline.run(3);
    expect(order).toEqual(['loaded', 'next']);
  });

  it('does not stand still for ever', async () => {
    const timeline = new Timeline(0, new Random(1), 50);
    timeline.at(1, () => {
      timeline.running += 1;
    });
    await expect(timeline.run(2)).rejects.toThrow('no event');
  });
});

describe('an episode', () => {
  const fingerprints = new Set<string>();
  it.each([16, 49])(
    'with the same seed has the same story (%i)',
    async (seed) => {
      const first = await playEpisode(drawPlan(seed));
      const other = await playEpisode(calm); // an episode in between leaves nothing behind
      const second = await playEpisode(drawPlan(seed), { keepsStory: true });
      expect(second.fingerprint).toBe(first.fingerprint);
      expect(second.counts).toEqual(first.counts);
      // Another seed gives another story.
      expect([...fingerprints, other.fingerprint]).not.toContain(first.fingerprint);
      fingerprints.add(first.fingerprint);
    },
    longest,
  );

  it('without faults breaks no promise', async () => {
    const { violations, counts } = await playEpisode(calm);
    expect(violations).toEqual([]);
    expect(counts.renewals).toBeGreaterThan(60); // five secrets, five days, and at most eight hours each
  });
});

describe('a product with a fault is found', () => {
  it.each([...mutants, ...declaredMutants, ...orderMutants].map((mutant) => [mutant.what, mutant] as const))(
    '%s',
    async (_, { rule, tamper, plan = calm }) => {
      const { violations } = await playEpisode(plan, { tamper, until: rule });
      expect(violations.map((violation) => violation.rule)).toContain(rule);
    },
    longest,
  );
});

describe('seeds that once broke a promise', () => {
  it.each(seedsOnceBroken.map(([seed, why, isDeclaring = false]) => ({ seed, why, isDeclaring })))(
    '$seed: $why',
    async ({ seed, isDeclaring }) => {
      const plan = isDeclaring ? drawDeclared(seed) : drawUndeclared(seed);
      const { violations } = await playEpisode(plan);
      expect((await storiesOf(plan, violations)).join('\n\n')).toBe('');
    },
    longest,
  );
});
