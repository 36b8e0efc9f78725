/** New seeds. Two files play them, to use two cores. */
import { expect, it } from 'vitest';
import { describe as inWords, playFor, storiesOf } from '../../testkit/simulation/campaign.ts';
import { drawPlan } from '../../testkit/simulation/draw.ts';
import { progress } from '../../testkit/tools/cache.ts';

/** Milliseconds: with both files ten seconds. `npm run simulate` plays longer. */
const duration = 5_000;
const shrinking = 120_000;

export function freshSeeds(place: 0 | 1): void {
  it(
    'fresh seeds',
    async () => {
      const first = (Date.now() % 100_000_000) * 2 + place;
      // Printed first, in case the episode itself crashes.
      progress(`simulation from seed ${first} on, every second`);
      const sums = await playFor(duration, first, 2);
      progress(`simulation from seed ${first} on: ${inWords(sums, duration)}`);
      const [broken] = sums.violations;
      // Printed before the story, which may fail.
      if (broken) progress(`seed ${broken.seed} breaks: ${broken.rule}: ${broken.secret}: ${broken.text}`);
      const stories = broken ? await storiesOf(drawPlan(broken.seed), sums.violations) : [];
      expect(stories.join('\n\n')).toBe('');
    },
    duration + shrinking,
  );
}
