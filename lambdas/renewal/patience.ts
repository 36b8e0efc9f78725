/**
 * A CA that takes so many requests a second and no more (429) is well: whoever comes back a few seconds later is served.
 * Were the messages of a full queue handed back instead, all of them would return at the same time, and again after the
 * next pause, and few would get through before their last delivery. So a worker waits with its call, and as there are
 * so many workers at most, the queue waits with it (docs/decisions/0006).
 */
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider, Clock, Entropy } from '../domain/ports.ts';

/** Milliseconds of waiting for one renewal; what would be longer goes back to the queue. */
const longestPatience = 40_000;
const firstPause = 1_000;
const longestPause = 4_000;

/** The same CA, asked again while it is only busy. Throws what it throws. */
export function patient(provider: CaProvider, world: { readonly clock: Clock; readonly entropy: Entropy }): CaProvider {
  return {
    roots: (current) => provider.roots(current),
    renew: (current, options) => whileBusy(world, (now) => provider.renew(current, { ...options, now })),
    rekey: (current, newKey, options) =>
      whileBusy(world, (now) => provider.rekey(current, newKey, { ...options, now })),
  };
}

async function whileBusy<T>(
  { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
  ask: (now: number) => Promise<T>,
): Promise<T> {
  const started = clock.now();
  for (let usual = firstPause; ; usual = Math.min(usual * 2, longestPause)) {
    try {
      return await ask(clock.now());
    } catch (error) {
      if (!(error instanceof RenewalError) || !error.busy) throw error;
      // Never sooner than the CA asks for, and up to twice as late, so that not all come back at the same time.
      const pause = Math.max(usual, (error.retryAfter ?? 0) * 1_000) * (1 + fraction(entropy));
      if (clock.now() + pause - started > longestPatience) throw error;
      await clock.sleep(pause);
    }
  }
}

/** In [0, 1). */
function fraction(entropy: Entropy): number {
  const [high = 0, low = 0] = entropy(2);
  return (high * 256 + low) / 65_536;
}
