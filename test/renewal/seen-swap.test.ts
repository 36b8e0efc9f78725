/** Unit tests of the promotion: how often it is tried, how long it waits, and what it leaves behind. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { promote } from '../../lambdas/renewal/steps/6-swap.ts';
import { World } from './world.ts';

const to = 'cert-renewer-0123456789abcdef0123456789abcdef';
const other = 'cert-renewer-ffffffffffffffffffffffffffffffff';
const busy = new RenewalError('Throttled', 'slow down');
const refused = new RenewalError('SecretChanged', 'AWS refuses');

async function staged() {
  const world = new World();
  const secretArn = world.enrol();
  await world.store.stage(secretArn, to, world.store.value(secretArn));
  return { world, secretArn, swap: { secretArn, from: 'v1', to } };
}

describe('promote', () => {
  it('moves AWSCURRENT, and returns that this call did it', async () => {
    const { world, secretArn, swap } = await staged();
    expect(await promote(world, swap)).toBe(true);
    expect(world.versionOf(secretArn)).toBe(to);
    expect(world.clock.sleeps).toEqual([]);
  });

  it('waits 100, 200 and 400 ms between four tries', async () => {
    const { world, swap } = await staged();
    world.faults.failBefore('promote', busy, { times: 3 });
    expect(await promote(world, swap)).toBe(true);
    expect(world.clock.sleeps).toEqual([100, 200, 400]);
  });

  it('gives up after the fourth, and keeps its AWSPENDING for the next try', async () => {
    const { world, secretArn, swap } = await staged();
    world.faults.failBefore('promote', busy, { times: Infinity });
    await expect(promote(world, swap)).rejects.toBe(busy);
    expect(world.faults.count('promote')).toBe(4);
    expect(world.clock.sleeps).toEqual([100, 200, 400]);
    expect(world.pending(secretArn)).toBe(to);
    expect(world.versionOf(secretArn)).toBe('v1');
  });

  it('tries again after an unknown error', async () => {
    const { world, swap } = await staged();
    world.faults.failBefore('promote', new TypeError('fetch failed'));
    expect(await promote(world, swap)).toBe(true);
  });

  it('does not try again after a permanent error', async () => {
    const { world, secretArn, swap } = await staged();
    const denied = new RenewalError('AccessDenied', 'no');
    world.faults.failBefore('promote', denied);
    await expect(promote(world, swap)).rejects.toBe(denied);
    expect(world.faults.count('promote')).toBe(1);
    expect(world.pending(secretArn)).toBe(to);
  });

  it.each([
    ['an answer that was lost', busy, true],
    ['a refusal, as another worker was first', refused, false],
  ])('that finds its version current after %s', async (_, error, isOurs) => {
    const { world, secretArn, swap } = await staged();
    if (isOurs) world.faults.loseAnswer('promote', error);
    else {
      world.faults.meanwhile('before', 'promote', () => world.store.moveStage(secretArn, 'AWSCURRENT', to));
      world.faults.failBefore('promote', error);
    }
    expect(await promote(world, swap)).toBe(isOurs);
  });

  it('has succeeded if the first answer was lost and the second a refusal', async () => {
    const { world, secretArn, swap } = await staged();
    world.faults.failBefore('promote', busy);
    world.faults.meanwhile(
      'before',
      'promote',
      () => {
        if (world.faults.count('promote') < 2) return;
        world.store.moveStage(secretArn, 'AWSCURRENT', to);
        throw refused;
      },
      { times: 2 },
    );
    expect(await promote(world, swap)).toBe(true);
  });

  it('removes its version if another writer was first: their value stays', async () => {
    const { world, secretArn, swap } = await staged();
    world.faults.meanwhile('before', 'promote', () => world.store.write(secretArn, 'theirs', other));
    await expect(promote(world, swap)).rejects.toMatchObject({
      code: 'SecretChanged',
      message: expect.stringContaining('That value stays'),
      cause: expect.objectContaining({ code: 'SecretChanged' }),
    });
    expect(world.versionOf(secretArn)).toBe(other);
    expect(world.pending(secretArn)).toBeUndefined();
  });

  it('removes its version if it is refused each time while the description is outdated', async () => {
    const { world, secretArn, swap } = await staged();
    world.faults.failBefore('promote', refused, { times: Infinity });
    await expect(promote(world, swap)).rejects.toBe(refused);
    expect(world.faults.count('promote')).toBe(4);
    expect(world.pending(secretArn)).toBeUndefined();
  });

  it('throws the first error if its label can’t be removed either', async () => {
    const { world, swap } = await staged();
    world.faults.failBefore('promote', refused, { times: Infinity });
    world.faults.failBefore('discard', busy);
    await expect(promote(world, swap)).rejects.toBe(refused);
  });
});
