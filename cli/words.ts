/** Times and errors as people read them. */
import type { Instant } from '../lambdas/domain/instant.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units: `3d 4h`, `12m 5s`. */
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

/** `in 3d 4h`, `2h ago`. */
export function relative(instant: Instant, now: Instant): string {
  return instant >= now ? `in ${span(instant - now)}` : `${span(now - instant)} ago`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
