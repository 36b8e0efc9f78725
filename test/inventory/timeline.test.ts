/** What comes: each certificate once, in bins that fit certificates of a day and of a year. */
import { describe, expect, it } from 'vitest';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { inventoryStates } from '../../lambdas/inventory/states.ts';
import { comingCounts, comingOf, type NextEvent, nextEvent, timeline } from '../../lambdas/inventory/timeline.ts';
import { rowWith } from '../../testkit/inventory/row.ts';
import { sampleNow as now, sampleRows } from '../../testkit/inventory/rows.ts';

const hour = 3_600_000;
const day = 24 * hour;

const row = (fields: Partial<InventoryRow>): InventoryRow => rowWith(now, fields);

const left = (code: 'UnknownProfile' | 'Replica' | 'RotationEnabled', state: 'unknown' | 'paused') => ({
  ...{ state, renewAt: undefined, reason: { code, message: 'Of another.' } },
});

describe('what happens next', () => {
  const expires: NextEvent = { kind: 'expires', at: now + 16 * hour };
  const renews: NextEvent = { kind: 'renews', at: now + 8 * hour };
  const soon: NextEvent = { kind: 'renews', at: now + 1 };
  it.each<[string, Partial<InventoryRow>, NextEvent | undefined]>([
    ['ok: its renewal', {}, renews],
    ['due: the next scan', { state: 'due', renewAt: now - hour }, soon],
    ['missing: the next scan', { state: 'missing', wanting: 'missing', notAfter: undefined, renewAt: undefined }, soon],
    ['changed: the next scan, not the renewal of the old one', { state: 'changed', wanting: 'changed' }, soon],
    ['waiting: the next scan', { state: 'waiting' }, soon],
    ['not served: its renewal, for the secret is in order', { state: 'not served' }, renews],
    ['failing: its expiry', { state: 'failing' }, expires],
    ['not served and failing: its expiry', { state: 'failing', states: ['failing', 'not served'] }, expires],
    ['overdue: its expiry', { state: 'overdue' }, expires],
    ['paused: its expiry', { state: 'paused' }, expires],
    ['of an unknown profile: nothing, for another stack may renew it', left('UnknownProfile', 'unknown'), undefined],
    ['a replica: nothing, for its primary is renewed', left('Replica', 'paused'), undefined],
    ['of another rotation: nothing, for that renews it', left('RotationEnabled', 'paused'), undefined],
    ['expired: its expiry', { state: 'expired', notAfter: now - hour }, { kind: 'expires', at: now - hour }],
    ['never read: not known', { state: 'unknown', notAfter: undefined, renewAt: undefined }, undefined],
    ['failing, missing: not known', { state: 'failing', wanting: 'missing', notAfter: undefined }, undefined],
  ])('%s', (_, fields, expected) => {
    expect(nextEvent(row(fields), now)).toEqual(expected);
  });
});

describe('the timeline', () => {
  it.each<[string, number, string]>([
    ['the past', -1, 'past'],
    ['now', 0, 'past'],
    ['just now', 1, '< 1 h'],
    ['less than an hour', hour - 1, '< 1 h'],
    ['an hour', hour, '< 6 h'],
    ['6 hours', 6 * hour, '< 1 d'],
    ['a day', day, '< 7 d'],
    ['a week', 7 * day, '< 30 d'],
    ['30 days', 30 * day, '< 90 d'],
    ['90 days', 90 * day, 'later'],
    ['ten years', 3650 * day, 'later'],
  ])('has a bin for an expiry of %s', (_, left, label) => {
    expect(timeline([row({ state: 'paused', notAfter: now + left })], now)).toEqual([{ label, renews: 0, expires: 1 }]);
  });

  it('has no bin before the first and after the last that is not empty', () => {
    const rows = [row({ renewAt: now + 2 * hour }), row({ renewAt: now + 3 * day }), row({ state: 'paused' })];
    expect(timeline(rows, now)).toEqual([
      { label: '< 6 h', renews: 1, expires: 0 },
      { label: '< 1 d', renews: 0, expires: 1 },
      { label: '< 7 d', renews: 1, expires: 0 },
    ]);
  });

  it('is empty if no time is known', () => {
    expect(timeline([], now)).toEqual([]);
    expect(timeline([row({ state: 'unknown', notAfter: undefined, renewAt: undefined })], now)).toEqual([]);
  });

  it('counts each certificate once, and agrees with the counts of the next day and week', () => {
    const rows = sampleRows(1000);
    const bins = timeline(rows, now);
    const known = rows.filter((each) => nextEvent(each, now) !== undefined);
    const sum = (kind: 'renews' | 'expires', labels: readonly string[]): number =>
      bins.filter(({ label }) => labels.includes(label)).reduce((total, bin) => total + bin[kind], 0);
    const all = bins.map(({ label }) => label);
    expect(sum('renews', all) + sum('expires', all)).toBe(known.length);
    const week = ['< 1 h', '< 6 h', '< 1 d', '< 7 d'];
    expect(comingCounts(rows, now)).toEqual({
      'renews-24h': sum('renews', week.slice(0, 3)),
      'expires-24h': sum('expires', week.slice(0, 3)),
      'renews-7d': sum('renews', week),
      'expires-7d': sum('expires', week),
    });
  });

  it('does not tell of what has expired already as of something to come', () => {
    expect(comingOf(row({ state: 'expired', notAfter: now }), now)).toEqual([]);
    expect(comingOf(row({ state: 'paused', notAfter: now + day - 1 }), now)).toEqual(['expires-24h', 'expires-7d']);
    expect(comingOf(row({ renewAt: now + day }), now)).toEqual(['renews-7d']);
  });
});

describe('made-up rows', () => {
  it('are the same each time, in all states, and most are ok', () => {
    const rows = sampleRows(300);
    expect(sampleRows(300)).toEqual(rows);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(inventoryStates));
    expect(rows.filter(({ state }) => state === 'ok').length).toBeGreaterThan(200);
    expect(rows.every(({ state, states }) => states[0] === state)).toBe(true);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(300);
  });

  it.each([0, 1, 5, 11, 23, 10_000])('are as many as wanted: %i', (count) => {
    expect(sampleRows(count)).toHaveLength(count);
  });
});
