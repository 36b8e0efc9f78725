/** When endpoints are probed, what is told of them, and what the tag `served` keeps of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { tags, tagValueLimit } from '../../lambdas/domain/tags.ts';
import {
  afterProbe,
  type Found,
  fingerprintOf,
  formatServing,
  newServing,
  nextProbe,
  notedKeyType,
  readServing,
  type Serving,
  type ServingState,
  servingStates,
} from '../../lambdas/policy/served.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 22, 12);
const within = hour;
const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:web/tls-abcdef';
const fingerprint = 'ab'.repeat(32);
const places = 'web.svc.example:443';

const serving = (more: Partial<Serving> = {}): Serving => ({
  ...{ state: 'pending', tries: 0, since: start, probed: undefined, told: undefined, keyType: 'EC' },
  ...more,
});
const described = (served: string | undefined, more: Readonly<Record<string, string>> = {}) => ({
  currentVersionId: 'v1',
  tags: new Map(
    Object.entries({
      ...{ [tags.versionId]: 'v1', [tags.fingerprint]: fingerprint, [tags.endpoints]: places },
      ...(served !== undefined && { [tags.served]: served }),
      ...more,
    }),
  ),
});
const written = (value: Serving): string => formatServing(fingerprint, described(undefined).tags, value);

const found = {
  served: { isServed: true, isStale: false },
  stale: { isServed: false, isStale: true },
  silent: { isServed: false, isStale: false },
} as const satisfies Record<string, Found>;
type Finding = keyof typeof found;

describe('the state after a probe', () => {
  const [early, late] = [start + 30 * minute, start + within];
  it.each<[string, Partial<Serving>, Finding, Instant, ServingState, 'Served' | 'Not Served' | undefined]>([
    ['new, served', {}, 'served', early, 'served', 'Served'],
    ['new, the old one', {}, 'stale', early, 'pending', undefined],
    ['new, no answer', {}, 'silent', early, 'pending', undefined],
    ['new, the old one, at the end of the time', {}, 'stale', late, 'not-served', 'Not Served'],
    ['new, the old one, a moment before', {}, 'stale', late - 1, 'pending', undefined],
    ['new, no answer, at the end of the time', {}, 'silent', late, 'not-served', 'Not Served'],
    ['served, still served', { state: 'served' }, 'served', late + day, 'served', undefined],
    ['served, no answer any more', { state: 'served' }, 'silent', late + day, 'lost', undefined],
    ['served, the old one again, before the end', { state: 'served' }, 'stale', early, 'lost', undefined],
    ['served, the old one again, later', { state: 'served' }, 'stale', late + day, 'not-served', 'Not Served'],
    ['lost, back', { state: 'lost', tries: 2 }, 'served', early, 'served', undefined],
    ['lost, no answer yet', { state: 'lost', tries: 2 }, 'silent', early, 'lost', undefined],
    ['lost for too long', { state: 'lost', tries: 7 }, 'silent', late, 'not-served', 'Not Served'],
    ['told, served now', { state: 'not-served', told: early }, 'served', late, 'served', 'Served'],
    ['told, not yet', { state: 'not-served', told: start }, 'stale', start + day - 1, 'not-served', undefined],
    ['told a day ago', { state: 'not-served', told: start }, 'stale', start + day, 'not-served', 'Not Served'],
    ['told, no answer now', { state: 'not-served', told: start }, 'silent', early, 'not-served', undefined],
  ])('%s', (_, before, finding, now, state, told) => {
    const { serving: after, event } = afterProbe(serving(before), found[finding], within, now);
    expect([after.state, event]).toEqual([state, told && `Certificate ${told}`]);
    expect(after).toMatchObject({ probed: now, keyType: 'EC' });
  });

  it('counts the time from the last answer, and not from the renewal, when an endpoint stops to answer', () => {
    const lostAt = start + 9 * day;
    const lost = afterProbe(serving({ state: 'served' }), found.silent, within, lostAt).serving;
    expect(lost).toMatchObject({ since: lostAt, tries: 1 });
    expect(afterProbe(lost, found.silent, within, lostAt + within - 1).event).toBeUndefined();
    expect(afterProbe(lost, found.silent, within, lostAt + within).event).toBe('Certificate Not Served');
  });

  it('is told again at once after it was served in between', () => {
    const told = afterProbe(serving(), found.stale, within, late).serving;
    const served = afterProbe(told, found.served, within, late + minute);
    expect(served.event).toBe('Certificate Served');
    // The time of the renewal has passed, so another certificate is told at once.
    expect(afterProbe(served.serving, found.stale, within, late + 2 * minute).event).toBe('Certificate Not Served');
  });
});

describe('the next probe', () => {
  it('is a minute after the renewal, then after growing pauses, and at the end of the time', () => {
    const times: number[] = [];
    let now = start;
    for (let state = newServing(start, 'EC'); times.length < 10; ) {
      now = nextProbe(arn, state, within);
      times.push((now - start) / minute);
      state = afterProbe(state, found.stale, within, now).serving;
    }
    expect(times).toEqual([1, 2, 4, 8, 16, 32, 60, 120, 180, 240]);
  });

  it('of what is served is once a day, at the same time', () => {
    const first = nextProbe(arn, serving({ state: 'served', probed: start }), within);
    const second = nextProbe(arn, serving({ state: 'served', probed: first }), within);
    expect(first).toBeGreaterThan(start);
    expect(first).toBeLessThanOrEqual(start + day);
    expect(second).toBe(first + day);
    // A run that is late does not move the time of day.
    expect(nextProbe(arn, serving({ state: 'served', probed: first + 5 * hour }), within)).toBe(second);
    expect(nextProbe(`${arn}2`, serving({ state: 'served', probed: start }), within)).not.toBe(first);
  });

  const servings = fc.record({
    state: fc.constantFrom(...servingStates),
    tries: fc.integer({ min: 0, max: 999_999 }),
    since: fc.integer({ min: start - 400 * day, max: start }),
    probed: fc.option(fc.integer({ min: start - day, max: start }), { nil: undefined }),
    told: fc.option(fc.integer({ min: start - 2 * day, max: start }), { nil: undefined }),
    keyType: fc.constantFrom(undefined, 'EC', 'RSA', 'OKP' as const),
  });
  const withins = fc.integer({ min: minute, max: 30 * day });

  it('of what is not served is after the last one, and at most an hour after it', () => {
    fc.assert(
      fc.property(servings, withins, (value, time) => {
        const next = nextProbe(arn, value, time);
        if (value.probed === undefined) return next === value.since + minute;
        const longest = value.state === 'served' ? day : hour;
        return next > value.probed && next <= value.probed + longest;
      }),
    );
  });

  it.each(['stale', 'silent'] as const)(
    'is never in the past for ever: the endpoint is %s, and probed each time',
    (finding) => {
      fc.assert(
        fc.property(servings, withins, (value, time) => {
          let state = value;
          let last = 0;
          let ends = 0;
          for (let now = start; now < start + 2 * hour; now += minute) {
            if (now < nextProbe(arn, state, time)) continue;
            if (now === state.since + time) ends += 1;
            state = afterProbe(state, found[finding], time, now).serving;
            if (nextProbe(arn, state, time) <= now) return false;
            last = now;
          }
          return (state.state === 'served' || last > start) && ends <= 1;
        }),
        { numRuns: 40 },
      );
    },
  );

  it('falls on the end of the time, whatever that is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 600 }), (minutes) => {
        let state = newServing(start, 'EC');
        for (let now = start; now < start + minutes * minute; ) {
          now = nextProbe(arn, state, minutes * minute);
          const { serving: after, event } = afterProbe(state, found.stale, minutes * minute, now);
          if (event !== undefined) return now === start + minutes * minute;
          state = after;
        }
        return false;
      }),
    );
  });

  it('lets each event be told once, whatever the endpoint does', () => {
    const findings = fc.array(fc.constantFrom<Finding>('served', 'stale', 'silent'), { maxLength: 80 });
    fc.assert(
      fc.property(findings, withins, (list, time) => {
        let state = newServing(start, 'EC');
        let last: string | undefined;
        let toldAt = Number.NEGATIVE_INFINITY;
        for (const finding of list) {
          const now = nextProbe(arn, state, time);
          const { serving: after, event } = afterProbe(state, found[finding], time, now);
          if (event === 'Certificate Served' && (finding !== 'served' || last === event)) return false;
          if (event === 'Certificate Not Served') {
            if (finding === 'served' || (last === event && now < toldAt + day)) return false;
            toldAt = now;
          }
          last = event ?? last;
          state = after;
        }
        return true;
      }),
    );
  });

  describe('the tag', () => {
    it('is read as it was written, to the second', () => {
      fc.assert(
        fc.property(servings, (value) => {
          const second = (time: number | undefined) => time && Math.floor(time / 1000) * 1000;
          const text = written(value);
          expect(readServing(described(text), start)).toEqual({
            ...value,
            since: second(value.since),
            probed: second(value.probed),
            told: second(value.told),
          });
          return text.length < tagValueLimit;
        }),
      );
    });

    const noted = written(serving({ tries: 3, probed: start }));
    it.each<[string, Parameters<typeof readServing>[0]]>([
      ['is not there', described(undefined)],
      ['is about another certificate', described(noted, { [tags.fingerprint]: 'cd'.repeat(32) })],
      ['is about other endpoints', described(noted, { [tags.endpoints]: 'api.svc.example:443' })],
      ['is about a version that is not current', described(noted, { [tags.versionId]: 'v0' })],
      ['stands beside an event that is owed', described(noted, { [tags.versionId]: 'v0 +v1' })],
      ['has no fingerprint beside it', described(noted, { [tags.fingerprint]: '' })],
      ['has a fingerprint in capitals beside it', described(noted, { [tags.fingerprint]: fingerprint.toUpperCase() })],
      ['was renewed in the future', described(written(serving({ since: start + 2 * minute })))],
      ['was probed in the future', described(written(serving({ probed: start + 2 * minute })))],
      ['was told in the future', described(written(serving({ told: start + 2 * minute })))],
      ['has another state', described(noted.replace('pending', 'waiting'))],
      ['has a negative number of tries', described(noted.replace(' 3 ', ' -3 '))],
      ['has no tries', described(noted.replace(' 3 ', '  '))],
      ['has a day that no month has', described(noted.replace('2026-11-22', '2026-02-30'))],
      ['is empty', described('')],
    ])('that %s says nothing', (_, secret) => {
      expect(readServing(secret, start)).toBeUndefined();
    });

    it('allows for clocks that differ', () => {
      expect(readServing(described(written(serving({ since: start + minute }))), start)).toBeDefined();
    });

    it('with any other text says nothing, or something that is probed within a day', () => {
      const parts = fc.array(fc.oneof(fc.constantFrom(...noted.split(' ')), fc.string({ maxLength: 12 })));
      fc.assert(
        fc.property(parts, (texts) => {
          const read = readServing(described(texts.join(' ')), start);
          return read === undefined || nextProbe(arn, read, within) <= start + day;
        }),
      );
    });

    it('keeps the type of the key for other endpoints, and not for another certificate', () => {
      expect(notedKeyType(described(noted, { [tags.endpoints]: 'api.svc.example:443' }))).toBe('EC');
      expect(notedKeyType(described(noted, { [tags.fingerprint]: 'cd'.repeat(32) }))).toBeUndefined();
      expect(notedKeyType(described(noted.replace(' EC ', ' XX ')))).toBeUndefined();
    });
  });
});

describe('the fingerprint', () => {
  it.each([
    ['of the current version', described(undefined), fingerprint],
    ['while an event is owed', described(undefined, { [tags.versionId]: 'v0 +v1' }), undefined],
    ['of an `out`', described(undefined, { [tags.versionId]: 'v1 =web/other' }), undefined],
    ['that is no hash', described(undefined, { [tags.fingerprint]: 'x' }), undefined],
    ['of a secret without a value', { ...described(undefined), currentVersionId: undefined }, undefined],
  ])('%s', (_, secret, expected) => {
    expect(fingerprintOf(secret)).toBe(expected);
  });
});
