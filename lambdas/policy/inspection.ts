/** Once a day a worker reads every secret, whatever its tags say. */
import type { Instant } from '../domain/instant.ts';
import { hashFraction } from './renewal-time.ts';

const day = 24 * 60 * 60_000;
/** A scan may start this much late. */
const lateness = 60_000;

/** Whether this scan is the one whose turn holds the secret's own time of day. `step`: milliseconds until the next scan. */
export function isInspectionTime(secretArn: string, now: Instant, step: number): boolean {
  const due = hashFraction(secretArn) * day;
  const sinceDue = (((now - due) % day) + day) % day;
  return sinceDue >= day - step - lateness;
}
