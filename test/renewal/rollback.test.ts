import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { freshDates, World } from './world.ts';

/** `aws secretsmanager update-secret-version-stage`, as docs/operations.md has it. */
async function rolledBack(world: World, arn: string): Promise<string> {
  const renewed = world.versionOf(arn);
  await world.store.promote(arn, renewed, 'v1');
  expect(world.labels(arn)['v1']).toContain('AWSCURRENT');
  expect(world.labels(arn)[renewed]).toContain('AWSPREVIOUS');
  return renewed;
}

const fromQueue = (world: World, secretArn: string, force = false) =>
  renewQueued(world, { secretArn, versionId: 'v1', force }, 1);

describe('a version that somebody rolled back to', () => {
  it('stays while it is not due, and is no news', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    await fromQueue(world, arn, true);
    await rolledBack(world, arn);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe('v1');
    expect(world.publisher.events).toHaveLength(1);
  });

  it('is replaced, once it is due, by a new pair and not by the one that was rolled back from', async () => {
    const world = new World();
    const arn = world.enrol();
    await fromQueue(world, arn);
    const unwanted = await rolledBack(world, arn);
    expect(world.labels(arn)[unwanted]).toContain('AWSPENDING'); // AWS leaves it on what was promoted
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.versionOf(arn)).not.toBe(unwanted);
    expect(world.publisher.events).toHaveLength(2);
  });

  it('so it is where another value was written and rolled back from meanwhile', async () => {
    const world = new World();
    const arn = world.enrol();
    world.clock.advance(60_000);
    await fromQueue(world, arn);
    const unwanted = await rolledBack(world, arn);
    world.clock.advance(60_000);
    world.store.write(arn, world.store.value(arn, 'v1'), 'theirs');
    await world.store.promote(arn, 'theirs', 'v1');
    expect(world.labels(arn)[unwanted]).toEqual(['AWSPENDING']);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.versionOf(arn)).not.toBe(unwanted);
  });
});
