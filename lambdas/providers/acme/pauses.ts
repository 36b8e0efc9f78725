/** How long to wait for a CA. It may say it itself (Retry-After); otherwise the pauses grow with the age of the order. */
import { formatInstant, type Instant } from '../../domain/instant.ts';
import type { Entropy } from '../../domain/ports.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { retryAfter } from '../ca-answer.ts';

const second = 1_000;
const minute = 60 * second;

/** The next look comes after this time at most, also if the CA wants a longer pause: an early question is harmless. */
const longest = 15 * minute;
/** For pauses of our own. */
const usual = { least: 3 * second, most: 5 * minute } as const;
/** A limit of a CA's rate ends within a week. An order waits for a day at most. */
const longestLimit = 24 * 60 * minute;

export interface Pause {
  readonly after: number;
  readonly says: string;
}

/** Returns the pause until the next look at an order. `says`: what the CA is doing. */
export function pauseFor(
  says: string,
  answer: Pick<HttpsAnswer, 'headers'>,
  { now, placedAt, entropy }: { readonly now: Instant; readonly placedAt: Instant; readonly entropy: Entropy },
): Pause {
  const asked = retryAfter(answer, now);
  if (asked === undefined) {
    const age = Math.max(usual.least, Math.min((now - placedAt) / 4, usual.most));
    return { after: spread(entropy, age, age * 1.25), says };
  }
  const wanted = Math.max(asked * second, second);
  return wanted <= longest
    ? { after: wanted, says }
    : { after: longest, says: `${says}, and wants to be asked again at ${formatInstant(now + wanted)}` };
}

/** Returns the pause that a rate limit asks for, in seconds. */
export function limitPause(seconds: number, now: Instant): Pause {
  const after = Math.min(Math.max(seconds, 1) * second, longestLimit);
  return { after, says: `the CA takes no more requests before ${formatInstant(now + after)}` };
}

/** Returns a random time between two, in whole milliseconds. */
export function spread(entropy: Entropy, least: number, most: number): number {
  const [high = 0, low = 0] = entropy(2);
  return Math.round(least + ((most - least) * (high * 256 + low)) / 65_536);
}
