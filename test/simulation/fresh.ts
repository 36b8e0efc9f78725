/** Seeds that nobody has played before. Two files play them, so that two cores do. */
import { expect, it } from 'vitest';
import { describe as inWords, playFor, storiesOf } from '../../testkit/simulation/campaign.ts';
import { drawPlan } from '../../testkit/simulation/draw-declared.ts';
import { progress } from '../../testkit/tools/cache.ts';

/** Milliseconds: with both files twenty seconds. `npm run simulate` plays longer. */
const duration = 10_000;
const shrinking = 120_000;

export function freshSeeds(place: 0 | 1): void {
  it(
    'fresh seeds',
    async () => {
      const first = (Date.now() % 100_000_000) * 2 + place;
      // Beforehand, for what would leave no story.
      progress(`simulation from seed ${first} on, every second`);
      const sums = await playFor(duration, first, 2);
      progress(`simulation from seed ${first} on: ${inWords(sums, duration)}`);
      const [broken] = sums.violations;
      // Whatever becomes of its story.
      if (broken) progress(`seed ${broken.seed} breaks: ${broken.rule}: ${broken.secret}: ${broken.text}`);
      const stories = broken ? await storiesOf(drawPlan(broken.seed), sums.violations) : [];
      expect(stories.join('\n\n')).toBe('');
    },
    duration + shrinking,
  );
}
