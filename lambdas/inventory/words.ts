/** Formats times and states for people: on a terminal, on the dashboard, and on the report page. */
import type { Instant } from '../domain/instant.ts';
import type { Wait } from '../policy/waiting.ts';
import type { InventoryRow, InventoryServing } from './row.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Formats a time span with its largest unit and the one below it: `3d 4h`, `12m 5s`, `122d`. */
export function span(milliseconds: number): string {
  const left = Math.max(0, milliseconds);
  const first = units.findIndex(([, length]) => left >= length);
  if (first < 0) return '0s';
  const [unit, length] = units[first] ?? units[3];
  const whole = `${Math.floor(left / length)}${unit}`;
  const [below, part] = units[first + 1] ?? [unit, length];
  const rest = Math.floor((left % length) / part);
  return rest === 0 ? whole : `${whole} ${rest}${below}`;
}

/** Formats an instant relative to now: `in 3d 4h`, `2h ago`. */
export function relative(instant: Instant, now: Instant): string {
  return instant >= now ? `in ${span(instant - now)}` : `${span(now - instant)} ago`;
}

/** Formats the states of a certificate: `failing`, `expired, paused`, `failing, missing`, `ok, declared`. */
export function stateWords({ states, declared, wanting }: InventoryRow): string {
  // `missing` and `changed` imply `declared`.
  const word = wanting ?? (declared ? 'declared' : undefined);
  return [...new Set([...states, ...(word === undefined ? [] : [word])])].join(', ');
}

/** Formats what is to be known beside the state: `failing, missing`. Empty if there is nothing. */
export function besideState({ state, states, wanting }: InventoryRow): string {
  const beside = new Set([...states, ...(wanting === undefined ? [] : [wanting])]);
  beside.delete(state);
  return [...beside].join(', ');
}

/** Formats a wait for a CA: `for 2h 5m, looked at again in 10m`. While the CA takes no request, it says until when. */
export function waitText({ since, again, until }: Wait, now: Instant): string {
  const next =
    until > again ? `the CA is asked again ${relative(until, now)}` : `looked at again ${relative(again, now)}`;
  return `for ${span(now - since)}, ${next}`;
}

/** Formats what the probe has noted: `served, probed 2h ago`, `not served yet, probed 3m ago`, `not served for 2h, probed 3m ago`. */
export function servingText({ state, since, probed }: InventoryServing, now: Instant): string {
  const last = probed === undefined ? 'not probed yet' : `probed ${relative(probed, now)}`;
  switch (state) {
    case 'served':
      return `served, ${last}`;
    case 'pending':
      return `not served yet, ${last}`;
    case 'lost':
      return `served before, but an endpoint has not answered for ${span(now - since)}, ${last}`;
    case 'not-served':
      return `not served for ${span(now - since)}, ${last}`;
  }
}

/** Makes a sentence of a clause: `The CA refuses the request.` */
export const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

/** Formats a time in a table: `-` if there is no certificate, `?` if the tags do not contain the time. */
export function timeText(
  { wanting }: InventoryRow,
  instant: Instant | undefined,
  text: (instant: Instant) => string,
): string {
  if (instant !== undefined) return text(instant);
  return wanting === 'missing' ? '-' : '?';
}
