/** Unit tests of a failed try: the log, the event, the metric and the tag. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { noRoomLabel, tags } from '../../lambdas/domain/tags.ts';
import { type FailureOptions, recordFailure } from '../../lambdas/renewal/failure.ts';
import { freshDates, hour, start, World } from './world.ts';

const error = new RenewalError('CaRejected', 'The CA says no.');
const busy = new RenewalError('Throttled', 'slow down');
const final: FailureOptions = { final: true };

function scene(more: Parameters<World['enrol']>[0] = {}) {
  const world = new World();
  const arn = world.enrol({ ...freshDates, ...more, tags: { [tags.versionId]: 'v1', ...more.tags } });
  const secret = () => world.store.summary(arn);
  const told = () => world.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail);
  const noted = () => world.store.tagsOf(arn)[tags.failure];
  return { world, arn, secret, told, noted };
}

/** The owner's tags, so many that ours do not fit. */
const crowd = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`tag-${n}`, 'x']));

describe('a failure', () => {
  it('is logged, reported, counted and noted', async () => {
    const { world, arn, secret, told, noted } = scene({ tags: { [tags.notAfter]: '2026-11-23T11:00:00Z' } });
    expect(await recordFailure(world, { secret: secret(), profile: 'internal' }, error, final)).toBe(error);
    expect(world.journal.failures).toEqual([{ secretArn: arn, error, final: true }]);
    expect(told()).toEqual([
      {
        secretArn: arn,
        name: 'web/tls',
        profile: 'internal',
        code: 'CaRejected',
        message: 'The CA says no.',
        retryable: false,
        failures: 1,
        notAfter: '2026-11-23T11:00:00Z',
      },
    ]);
    expect(world.publisher.events[0]).toMatchObject({ secretArn: arn });
    expect(world.journal.metrics).toEqual([{ metric: 'Failed', profile: 'internal', value: 1 }]);
    expect(noted()).toBe('1 2026-11-22T12:00:00Z CaRejected');
  });

  it.each([
    ['the profile that was found', { profile: 'other' }, {}, 'other'],
    ['the tag, if no profile was found', {}, {}, 'internal'],
    ['unknown, if there is no tag either', {}, { remove: true }, 'unknown'],
  ])('is counted under %s', async (_, found, { remove }: { remove?: boolean }, profile) => {
    const { world, arn, secret, told } = scene();
    if (remove) world.store.setTags(arn, {}, [tags.profile]);
    await recordFailure(world, { secret: secret(), ...found }, error, final);
    expect(told()).toMatchObject([{ profile, notAfter: null }]);
    expect(world.journal.metrics).toEqual([{ metric: 'Failed', profile, value: 1 }]);
  });

  it('that is not the last try is noted, and only logged', async () => {
    const { world, secret, told, noted } = scene();
    await recordFailure(world, { secret: secret() }, error, { final: false });
    expect(told()).toEqual([]);
    expect(world.journal.metrics).toEqual([]);
    expect(noted()).toMatch(/^1 /);
  });

  it.each([
    ['of a dry run', error, { final: true, readOnly: true }],
    ['of a request', new RenewalError('InvalidRequest', 'no', { concerns: 'request' }), final],
    ['of another’s secret', new RenewalError('SecretNotFound', 'no', { concerns: 'foreign' }), final],
  ])('%s is only logged', async (_, thrown, options) => {
    const { world, secret, told, noted } = scene();
    expect(await recordFailure(world, { secret: secret() }, thrown, options)).toBe(thrown);
    expect(world.journal.failures).toHaveLength(1);
    expect(told()).toEqual([]);
    expect(noted()).toBeUndefined();
  });

  it('without a secret is only logged', async () => {
    const { world, told } = scene();
    await recordFailure(world, {}, error, final);
    expect(world.journal.failures).toEqual([{ secretArn: null, error, final: true }]);
    expect(told()).toEqual([]);
  });

  it.each([
    [true, 1],
    [false, 0],
  ])(
    'of a secret that was not described is reported under the message’s ARN if final is %s',
    async (isFinal, times) => {
      const { world, arn, told } = scene();
      await recordFailure(world, {}, error, { final: isFinal, secretArn: arn });
      expect(world.journal.failures).toEqual([{ secretArn: arn, error, final: isFinal }]);
      const detail = { secretArn: arn, name: null, profile: null, code: 'CaRejected', failures: 1, notAfter: null };
      expect(told()).toMatchObject(times === 0 ? [] : [detail]);
    },
  );

  it('that can’t be recorded is logged twice, and still thrown to the caller', async () => {
    const { world, arn, secret } = scene();
    world.faults.failBefore('publish', busy);
    expect(await recordFailure(world, { secret: secret() }, error, final)).toBe(error);
    expect(world.journal.failures).toEqual([
      { secretArn: arn, error, final: true },
      { secretArn: arn, error: busy, step: 'recording the failure' },
    ]);
  });

  it('is noted by the earlier description, if the secret can’t be described now', async () => {
    const { world, secret, noted } = scene();
    const found = { secret: secret() };
    world.faults.failBefore('describe', busy);
    await recordFailure(world, found, error, final);
    expect(noted()).toMatch(/^1 /);
  });

  it('of a version that is not current any more is reported, and not noted', async () => {
    const { world, arn, secret, told, noted } = scene();
    const found = { secret: secret() };
    world.store.write(arn, 'theirs', 'v2');
    await recordFailure(world, found, error, final);
    expect(told()).toHaveLength(1);
    expect(noted()).toBeUndefined();
  });
});

describe('the count', () => {
  const earlier = (at: string, count = 3) => ({ tags: { [tags.failure]: `${count} ${at} CaUnavailable` } });

  it.each<[string, FailureOptions, number]>([
    ['goes up by one', final, 4],
    ['stays for a try that was noted after its message came', { final: true, since: start - hour }, 3],
    ['stays for one that was noted in the same second as its message', { final: true, since: start - hour + 900 }, 3],
    ['goes up for a message that came a second later than the note', { final: true, since: start - hour + 1000 }, 4],
    ['stays for a try on demand', { final: true, onDemand: true }, 3],
  ])('%s', async (_, options, failures) => {
    const { world, secret, told } = scene(earlier('2026-11-22T11:00:00Z'));
    await recordFailure(world, { secret: secret() }, error, options);
    expect(told()).toMatchObject([{ failures }]);
  });

  it('is one for the first failure, also on demand', async () => {
    const { world, secret, told, noted } = scene();
    await recordFailure(world, { secret: secret() }, error, { final: true, onDemand: true });
    expect(told()).toMatchObject([{ failures: 1 }]);
    expect(noted()).toMatch(/^1 /);
  });

  it('is not changed by a try on demand', async () => {
    const { world, secret, noted } = scene(earlier('2026-11-22T11:00:00Z'));
    await recordFailure(world, { secret: secret() }, error, { final: true, onDemand: true });
    expect(noted()).toBe('3 2026-11-22T11:00:00Z CaUnavailable');
  });
});

describe('a failure that was reported before', () => {
  const told = (at: string, code = 'CaRejected') => ({ tags: { [tags.failure]: `1 ${at} ${code}` } });
  const paced: FailureOptions = { final: true, paced: true };

  it.each([
    [
      'half an hour ago, is not reported again for a caller with its own schedule',
      told('2026-11-22T11:30:00Z'),
      paced,
      0,
    ],
    ['an hour ago, is reported again', told('2026-11-22T11:00:00Z'), paced, 1],
    ['with another code, is reported', told('2026-11-22T11:30:00Z', 'CaUnavailable'), paced, 1],
    ['half an hour ago, is reported for all other callers', told('2026-11-22T11:30:00Z'), final, 1],
  ])('%s', async (_, more, options, times) => {
    const found = scene(more);
    await recordFailure(found.world, { secret: found.secret() }, error, options);
    expect(found.told()).toHaveLength(times);
    expect(found.world.journal.total('Failed')).toBe(times);
  });
});

describe('without room for tags', () => {
  it('the label replaces the tag, after the event', async () => {
    const { world, arn, secret, told, noted } = scene({ tags: crowd });
    await recordFailure(world, { secret: secret() }, error, final);
    expect(told()).toHaveLength(1);
    expect(noted()).toBeUndefined();
    expect(world.labels(arn)['v1']).toContain(noRoomLabel);
    await recordFailure(world, { secret: secret() }, error, final);
    expect(told()).toHaveLength(1);
    await recordFailure(world, { secret: secret() }, error, { final: true, onDemand: true });
    expect(told()).toHaveLength(2);
    await recordFailure(world, { secret: secret() }, error, { final: true, onDemand: true, paced: true });
    expect(told()).toHaveLength(2);
  });

  it('a try that is not the last writes no label', async () => {
    const { world, arn, secret } = scene({ tags: crowd });
    await recordFailure(world, { secret: secret() }, error, { final: false });
    expect(world.labels(arn)['v1']).not.toContain(noRoomLabel);
  });
});

describe('if tags can’t be written', () => {
  const denied = new RenewalError('AccessDenied', 'no tags');
  const unwritable = (step: number) => {
    const found = scene();
    found.world.faults.failBefore('tag', denied, { times: Infinity });
    Object.assign(found.world, { untilNextScan: () => step });
    return found;
  };

  it.each<[string, number, RenewalError, number]>([
    ['is not reported by every scan', 0, error, 0],
    ['is reported once a day', 24 * hour, error, 1],
    ['is reported if it may pass: no dead letter without an event', 0, busy, 1],
  ])('a failure %s', async (_, step, thrown, times) => {
    const { world, arn, secret, told } = unwritable(step);
    await recordFailure(world, { secret: secret() }, thrown, final);
    expect(told()).toHaveLength(times);
    expect(world.journal.failures).toEqual([
      { secretArn: arn, error: thrown, final: true },
      { secretArn: arn, error: denied, step: 'recording the failure' },
    ]);
    expect(world.faults.count('tag')).toBe(1); // a failed write is not repeated
  });
});
