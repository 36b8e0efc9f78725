import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { freshDates, World } from './world.ts';

/** Does `aws secretsmanager update-secret-version-stage`, as in docs/operations.md. */
async function rolledBack(world: World, arn: string): Promise<string> {
  const renewed = world.versionOf(arn);
  await world.store.promote(arn, renewed, 'v1');
  expect(world.labels(arn)['v1']).toContain('AWSCURRENT');
  expect(world.labels(arn)[renewed]).toContain('AWSPREVIOUS');
  return renewed;
}

const fromQueue = (world: World, secretArn: string, force = false) =>
  renewQueued(world, { secretArn, versionId: 'v1', force }, 1);

describe('a version after a rollback', () => {
  it('stays while it is not due, without an event', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    await fromQueue(world, arn, true);
    await rolledBack(world, arn);
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.store.tagsOf(arn)[tags.versionId]).toBe('v1');
    expect(world.publisher.events).toHaveLength(1);
  });

  it('is replaced, when it is due, by a new pair and not by the one that was rolled back from', async () => {
    const world = new World();
    const arn = world.enrol();
    await fromQueue(world, arn);
    const unwanted = await rolledBack(world, arn);
    expect(world.labels(arn)[unwanted]).toContain('AWSPENDING'); // AWS leaves it on the promoted version
    await fromQueue(world, arn);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.versionOf(arn)).not.toBe(unwanted);
    expect(world.publisher.events).toHaveLength(2);
  });

  it('is replaced too, after another writer’s value and a rollback from it', async () => {
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
