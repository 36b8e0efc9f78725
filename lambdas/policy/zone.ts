/** Time zones, by the rules of the runtime (ICU). */

import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { quote } from '../domain/quote.ts';

/** Converts a wall-clock time of one day (as if the zone were UTC) to the instant. Undefined for a time that does not exist. */
export type DayClock = (wall: number) => Instant | undefined;

export interface Zone {
  /** Returns the zone's offset from UTC at this instant in milliseconds, positive if it is ahead. */
  offsetAt(instant: Instant): number;
  /** Returns the converter of the day with this wall-clock midnight. A time that exists twice gives the first instant. */
  clockOf(midnight: number): DayClock;
  /** Returns whether the offset does not change on that day. */
  isSteady(midnight: number): boolean;
}

const utc: Zone = { offsetAt: () => 0, clockOf: () => (wall) => wall, isSteady: () => true };
const minute = 60_000;
const noon = 12 * 60 * minute;

/** Returns the zone with this IANA name, by default UTC. Throws InvalidRequest for a name that the runtime does not know. */
export function zoneOf(timezone: string | undefined): Zone {
  if (timezone === undefined || timezone === 'UTC') return utc;
  const format = formatFor(timezone);
  const known = new Map<Instant, number>();
  const offsetAt = (instant: Instant): number => {
    const offset = known.get(instant) ?? parseOffset(format, instant);
    known.set(instant, offset);
    return offset;
  };
  // A change at any hour of the day lies between the noon before and the noon after.
  const around = (midnight: number) => [midnight - noon, midnight + 3 * noon] as const;
  const isSteady = (midnight: number) => {
    const [before, after] = around(midnight);
    return offsetAt(before) === offsetAt(after);
  };
  const clockOf = (midnight: number): DayClock => {
    const [from, to] = around(midnight);
    const [before, after] = [offsetAt(from), offsetAt(to)];
    if (before === after) return (wall) => wall - before;
    const change = changeBetween(from, to, (instant) => offsetAt(instant) === before);
    return (wall) => {
      if (wall - before < change) return wall - before;
      return wall - after >= change ? wall - after : undefined;
    };
  };
  return { offsetAt, clockOf, isSteady };
}

/** Returns the first whole minute at which `isBefore` is false. */
function changeBetween(from: Instant, to: Instant, isBefore: (instant: Instant) => boolean): Instant {
  let [low, high] = [from, to];
  while (high - low > minute) {
    const middle = low + Math.round((high - low) / 2 / minute) * minute;
    if (isBefore(middle)) low = middle;
    else high = middle;
  }
  return high;
}

function parseOffset(format: Intl.DateTimeFormat, instant: Instant): number {
  const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /^GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minute;
}

function formatFor(timezone: string): Intl.DateTimeFormat {
  try {
    // The runtime accepts offsets such as +02:00, but EventBridge refuses them.
    if (!/^[A-Za-z]/.test(timezone)) throw new RangeError('not an IANA name');
    return new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  } catch (cause) {
    throw new RenewalError(
      'InvalidRequest',
      `The schedule's time zone is ${quote(timezone)}: expected an IANA name such as Europe/Berlin, or UTC.`,
      { cause },
    );
  }
}
