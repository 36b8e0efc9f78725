/**
 * What happens next to each certificate: the schedule renews it, or it expires because the schedule can't. Each certificate counts
 * once, so that the numbers of the page and of the widget add up.
 */
import type { Instant } from '../domain/instant.ts';
import { type InventoryRow, isOfOthers } from './row.ts';
import type { InventoryState } from './states.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** `renews`: the schedule renews or issues it. `expires`: it expires if nothing is done. */
export type NextKind = 'renews' | 'expires';

export interface NextEvent {
  readonly kind: NextKind;
  readonly at: Instant;
}

/** In these states the schedule has failed, or leaves the certificate alone: nothing but its expiry is certain. */
const notRenewed: ReadonlySet<InventoryState> = new Set(['expired', 'overdue', 'failing', 'paused', 'unknown']);

/**
 * Returns what happens next, or undefined if the time is not known, and for a secret of another writer or stack: its owner may well renew
 * it. What is due already, or has to be issued, is renewed right after `now`, with the next scan. An expiry may lie in the past.
 */
export function nextEvent(row: InventoryRow, now: Instant): NextEvent | undefined {
  if (isOfOthers(row)) return undefined;
  const { states, wanting, notAfter, renewAt } = row;
  if (states.some((state) => notRenewed.has(state))) {
    return notAfter === undefined ? undefined : { kind: 'expires', at: notAfter };
  }
  const isDue = wanting !== undefined || states.includes('waiting');
  const at = isDue ? now : renewAt;
  return at === undefined ? undefined : { kind: 'renews', at: Math.max(at, now + 1) };
}

/** The spans of time that the page and the widget tell of, in milliseconds. */
export const horizons = {
  '24h': { title: 'Next 24 hours', length: day },
  '7d': { title: 'Next 7 days', length: 7 * day },
} as const;

export type Horizon = keyof typeof horizons;
export type Coming = `${NextKind}-${Horizon}`;

const horizonNames = Object.keys(horizons) as readonly Horizon[];

/** Returns the spans in which something happens to a certificate. What has expired already is in none of them. */
export function comingOf(row: InventoryRow, now: Instant): readonly Coming[] {
  const next = nextEvent(row, now);
  if (next === undefined || next.at <= now) return [];
  const left = next.at - now;
  return horizonNames.flatMap((name): Coming[] => (left < horizons[name].length ? [`${next.kind}-${name}`] : []));
}

/** Counts the certificates of each kind and span. */
export function comingCounts(rows: readonly InventoryRow[], now: Instant): Readonly<Record<Coming, number>> {
  const counts: Record<Coming, number> = { 'renews-24h': 0, 'expires-24h': 0, 'renews-7d': 0, 'expires-7d': 0 };
  for (const row of rows) {
    for (const coming of comingOf(row, now)) counts[coming] += 1;
  }
  return counts;
}

/** A bin of the timeline, with the number of certificates of each kind. */
export type Bin = { readonly label: string } & Readonly<Record<NextKind, number>>;

/** The upper ends, which grow like the validities of certificates: those of a day and those of a year are both legible. */
const ends: readonly (readonly [label: string, end: number])[] = [
  ['past', 0],
  ['< 1 h', hour],
  ['< 6 h', 6 * hour],
  ['< 1 d', day],
  ['< 7 d', 7 * day],
  ['< 30 d', 30 * day],
  ['< 90 d', 90 * day],
  ['later', Number.POSITIVE_INFINITY],
];

/** Returns the bins from the first to the last that is not empty. Empty if there is nothing to show. */
export function timeline(rows: readonly InventoryRow[], now: Instant): readonly Bin[] {
  const bins = ends.map(([label]) => ({ label, renews: 0, expires: 0 }));
  for (const row of rows) {
    const next = nextEvent(row, now);
    if (next === undefined) continue;
    const left = next.at - now;
    const bin = bins[left <= 0 ? 0 : ends.findIndex(([, end]) => left < end)];
    if (bin) bin[next.kind] += 1;
  }
  const isFull = ({ renews, expires }: Bin): boolean => renews + expires > 0;
  return bins.slice(bins.findIndex(isFull), bins.findLastIndex(isFull) + 1);
}
