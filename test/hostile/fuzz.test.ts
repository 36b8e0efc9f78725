/** A few thousand inputs in every run of the tests. `npm run fuzz` runs without end. */
import { expect, it } from 'vitest';
import { randomFrom } from '../../testkit/hostile/mutate.ts';
import { fuzz, targets } from '../../testkit/hostile/targets.ts';

it.each(targets.map((target) => [target.name, target] as const))(
  '%s',
  async (_, target) => {
    const count = target.name === 'secrets' ? 100 : 300; // their keys are decrypted
    const { accepted, refused, lost } = await fuzz(target, 1, count, randomFrom);
    expect(lost).toEqual([]);
    expect(accepted + refused).toBe(count);
    if (target.name !== 'Authorization') expect(refused).toBeGreaterThan(0); // it returns undefined, and throws nothing
  },
  30_000,
);
