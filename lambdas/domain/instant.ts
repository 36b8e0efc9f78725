/** A point in time: milliseconds since 1970-01-01T00:00:00Z, as a Clock gives it. */
export type Instant = number;

/**
 * RFC 3339 UTC to the second, `2026-11-22T08:00:00Z`; a fraction of a second is dropped. By the parts of the date, which
 * takes a quarter of toISOString's time: a scan writes one for every secret.
 */
export function formatInstant(instant: Instant): string {
  const date = new Date(instant);
  const year = date.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999)) return `${date.toISOString().slice(0, 19)}Z`; // throws RangeError for no date at all
  const day = `${year}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return `${day}T${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}Z`;
}

const two = (number: number): string => (number < 10 ? `0${number}` : String(number));

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$/;

/** The instant of a text that formatInstant wrote; undefined for any other text, `2026-02-30T…` included. */
export function parseInstant(text: string): Instant | undefined {
  if (!rfc3339.test(text)) return undefined;
  const instant = Date.parse(text);
  // Date.parse takes the 30th of February for the 2nd of March, and hour 24 for the next day's first.
  const isThatDay = new Date(instant).getUTCDate() === Number(text.slice(8, 10));
  return isThatDay ? instant : undefined;
}
