/** Formats times and states for people: on a terminal, on the dashboard, and on the report page. */
import type { Instant } from '../domain/instant.ts';
import { type InventoryRow, isFailing } from './row.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Formats a time span with its two largest units: `3d 4h`, `12m 5s`. */
export function span(milliseconds: number): string {
  let left = Math.max(0, milliseconds);
  const parts = units.flatMap(([unit, length]) => {
    const whole = Math.floor(left / length);
    left -= whole * length;
    return whole > 0 || unit === 's' ? [`${whole}${unit}`] : [];
  });
  const [first = '0s', second] = parts;
  return second === undefined || /^0/.test(second) ? first : `${first} ${second}`;
}

/** Formats an instant relative to now: `in 3d 4h`, `2h ago`. */
export function relative(instant: Instant, now: Instant): string {
  return instant >= now ? `in ${span(instant - now)}` : `${span(now - instant)} ago`;
}

/**
 * Formats a state: `failing, overdue: CaRejected (3), next try in 2h`, `ok, declared`, `missing: CaUnavailable (1), next try in
 * 4m`.
 */
export function stateText(row: InventoryRow, now: Instant): string {
  const { state, overdue, failure, reason } = row;
  const words = [state, declarationWord(row), overdue ? 'overdue' : undefined];
  const word = [...new Set(words.filter((each) => each !== undefined))].join(', ');
  if (failure && isFailing(row)) return `${word}: ${failure.code} (${failure.count}), ${nextTry(failure, now)}`;
  if (state === 'paused' && reason.code !== 'Paused') return `${word}: ${reason.code}`;
  if (state === 'unknown' && reason.code !== 'Unknown') return `${word}: ${reason.code}`;
  return word;
}

/** Returns `missing` or `changed`, which imply `declared`, else `declared` if it is. */
function declarationWord({ declared, wanting }: InventoryRow): string | undefined {
  return wanting ?? (declared ? 'declared' : undefined);
}

/** Formats a time in a table: `-` if there is no certificate, `?` if the tags do not contain the time. */
export function timeText(
  { wanting }: InventoryRow,
  instant: Instant | undefined,
  text: (instant: Instant) => string,
): string {
  if (instant !== undefined) return text(instant);
  return wanting === 'missing' ? '-' : '?';
}

function nextTry({ nextTry: at }: NonNullable<InventoryRow['failure']>, now: Instant): string {
  if (at === undefined) return 'correct the tag';
  return at <= now ? 'next try with the next scan' : `next try ${relative(at, now)}`;
}
