/** Unit tests of the queue's messages: the pause before the next delivery, and when a message is finished. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { freshDates, start, World } from './world.ts';

const deliver = (world: World, secretArn: string, delivery: number, more: { force?: boolean } = {}) =>
  renewQueued(world, { secretArn, versionId: 'v1', ...more }, delivery, start);

describe('a message whose renewal may succeed later', () => {
  it.each([
    [1, undefined, 30],
    [1, 10, 30],
    [1, 31, 31],
    [1, 300, 300],
    [1, 4000, 300],
    [2, undefined, 120],
    [2, 121, 121],
    [2, 4000, 300],
    [3, undefined, 0],
    [3, 200, 0],
  ])('at delivery %d, where the CA asks for %s s, comes back after %d s', async (delivery, retryAfter, pause) => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', new RenewalError('CaUnavailable', 'down', { retryAfter }));
    expect(await deliver(world, arn, delivery)).toEqual({ retryAfter: pause });
  });

  it.each([1, 2])('is reported at the end only: not at delivery %d', async (delivery) => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', new RenewalError('CaUnavailable', 'down'));
    await deliver(world, arn, delivery);
    expect(world.publisher.events).toEqual([]);
    expect(world.journal.failures).toMatchObject([{ secretArn: arn, final: false }]);
  });
});

describe('a message whose event could not be sent', () => {
  it.each([
    [1, { retryAfter: 30 }],
    [2, { retryAfter: 120 }],
    [3, {}],
  ])('at delivery %d: %j', async (delivery, outcome) => {
    const world = new World();
    const arn = world.enrol();
    world.faults.failBefore('publish', new RenewalError('Throttled', 'slow down'));
    expect(await deliver(world, arn, delivery)).toEqual(outcome);
    expect(world.journal.decisions).toMatchObject([{ secretArn: arn, outcome: 'rekeyed' }]);
  });
});

describe('a message that is finished at once', () => {
  it.each([
    ['a permanent error', new RenewalError('CaRejected', 'no')],
    ['an unexpected error', new TypeError('fetch failed')],
  ])('%s', async (_, error) => {
    const world = new World();
    const arn = world.enrol();
    world.ca.faults.failBefore('rekey', error);
    expect(await deliver(world, arn, 1)).toEqual({});
    expect(world.publisher.of('Certificate Renewal Failed')).toHaveLength(1);
    expect(world.journal.failures).toMatchObject([{ secretArn: arn, error, final: true }]);
  });

  it('a certificate that is not due, unless it is forced', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    expect(await deliver(world, arn, 1)).toEqual({});
    expect(world.versionOf(arn)).toBe('v1');
    expect(await deliver(world, arn, 1, { force: true })).toEqual({});
    expect(world.versionOf(arn)).not.toBe('v1');
  });
});

it('a permission that IAM may not know yet is logged under the message’s own ARN, if the secret was not described', async () => {
  const world = new World();
  const arn = world.enrol();
  world.faults.failBefore('describe', new RenewalError('AccessDenied', 'no'));
  expect(await deliver(world, arn, 1)).toEqual({ retryAfter: 30 });
  expect(world.journal.failures).toMatchObject([{ secretArn: arn, final: false }]);
});
