/** Daily inspection: once a day a worker reads every secret, even if its tags say that it is not due. */
import type { Instant } from '../domain/instant.ts';
import { hashFraction } from './renewal-time.ts';

const day = 24 * 60 * 60_000;
/** A scan may start this much late. */
const lateness = 60_000;

/** Returns whether the secret's own time of day comes before the next scan. `step`: milliseconds until the next scan. */
export function isInspectionTime(secretArn: string, now: Instant, step: number): boolean {
  const due = hashFraction(secretArn) * day;
  const sinceDue = (((now - due) % day) + day) % day;
  return sinceDue >= day - step - lateness;
}
