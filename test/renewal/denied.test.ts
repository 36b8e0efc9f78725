/**
 * IAM is eventually consistent: it may deny for some seconds what a deployment has just allowed. So an AccessDenied at the
 * first delivery of a message goes back to the queue once, without an event.
 */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { start, World } from './world.ts';

const code = 'AccessDenied';
const pause = 30_000;
const failed = (world: World) => world.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail);
const noted = (world: World, arn: string) => world.store.tagsOf(arn)[tags.failure];

function refusing(code: ErrorCode, times: number, more: Readonly<Record<string, string>> = {}, settles?: boolean) {
  const world = new World();
  const arn = world.enrol({ tags: { [tags.versionId]: 'v1', ...more } });
  world.faults.failBefore('read', new RenewalError(code, 'refused', settles ? { settles } : {}), { times });
  const firstAt = world.clock.now();
  const deliver = (delivery: number) => renewQueued(world, { secretArn: arn, versionId: 'v1' }, delivery, firstAt);
  return { world, arn, deliver };
}

describe('AccessDenied', () => {
  it('at the first delivery comes back after half a minute, in the log only', async () => {
    const { world, arn, deliver } = refusing(code, 1);
    expect(await deliver(1)).toEqual({ retryAfter: 30 });
    expect(world.publisher.events).toEqual([]);
    expect(noted(world, arn)).toBeUndefined();
    expect(world.journal.total('Failed')).toBe(0);
    expect(world.journal.failures).toMatchObject([{ secretArn: arn, final: false, error: { code } }]);
    world.clock.advance(pause);
    expect(await deliver(2)).toEqual({});
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(failed(world)).toEqual([]);
  });

  it('at the second delivery is reported as permanent, counted once and noted, without a dead letter', async () => {
    const { world, arn, deliver } = refusing(code, Infinity);
    await deliver(1);
    world.clock.advance(pause);
    expect(await deliver(2)).toEqual({});
    expect(failed(world)).toMatchObject([{ code, retryable: false, failures: 1 }]);
    expect(noted(world, arn)).toBe(`1 ${new Date(start + pause).toISOString().slice(0, 19)}Z ${code}`);
    expect(world.journal.total('Failed')).toBe(1);
  });

  it('adds one to the count of earlier failures', async () => {
    const { world, arn, deliver } = refusing(code, Infinity, { [tags.failure]: `3 2026-11-22T01:00:00Z ${code}` });
    await deliver(1);
    expect(noted(world, arn)).toMatch(/^3 /);
    world.clock.advance(pause);
    await deliver(2);
    expect(failed(world)).toMatchObject([{ failures: 4 }]);
    expect(noted(world, arn)).toMatch(/^4 /);
  });

  it('after a first delivery that failed otherwise is not counted again', async () => {
    const world = new World();
    const secretArn = world.enrol({
      tags: { [tags.versionId]: 'v1', [tags.failure]: '3 2026-11-22T01:00:00Z CaUnavailable' },
    });
    world.ca.faults.failBefore('rekey', new RenewalError('CaUnavailable', 'down'));
    const message = { secretArn, versionId: 'v1' };
    const firstAt = world.clock.now();
    expect(await renewQueued(world, message, 1, firstAt)).toEqual({ retryAfter: 30 });
    expect(noted(world, secretArn)).toMatch(/^4 \S+ CaUnavailable$/);
    world.clock.advance(30_000);
    world.faults.failBefore('read', new RenewalError(code, 'refused'));
    expect(await renewQueued(world, message, 2, firstAt)).toEqual({});
    expect(failed(world)).toMatchObject([{ code, failures: 4 }]);
  });

  it('on demand is an error at once', async () => {
    const { world, arn } = refusing(code, 1);
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: code });
    expect(failed(world)).toMatchObject([{ code }]);
  });
});

it('KmsDenied for a key of encryptionKeys goes back to the queue once too', async () => {
  const { world, deliver } = refusing('KmsDenied', 1, {}, true);
  expect(await deliver(1)).toEqual({ retryAfter: 30 });
  expect(world.publisher.events).toEqual([]);
});

// KmsDenied stands for a key without the profile's tag, and for a secret's key that encryptionKeys does not name.
it.each(['InvalidCertificate', 'KmsDenied'] as const)('%s is permanent, and is reported at once', async (other) => {
  const { world, deliver } = refusing(other, Infinity);
  expect(await deliver(1)).toEqual({});
  expect(failed(world)).toMatchObject([{ code: other, failures: 1 }]);
});
