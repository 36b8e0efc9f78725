/**
 * Step 6: stages the pair as AWSPENDING, then promotes it: moves AWSCURRENT from the version that was read. The move is a
 * compare-and-swap. It fails if another writer has changed the secret meanwhile, and a reader never sees half of a pair
 * (docs/guarantees.md, G1).
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Clock, Store } from '../../domain/ports.ts';
import type { SecretValue } from '../../domain/secret.ts';

export interface Swap {
  readonly secretArn: string;
  /** The version that was read. Undefined for a secret without a value. */
  readonly from: string | undefined;
  readonly to: string;
}

/** Writes the pair as version `swap.to` with AWSPENDING. Repeating the call is one write, because the token is the same. */
export function stage(store: Pick<Store, 'stage'>, swap: Swap, value: SecretValue): Promise<void> {
  return store.stage(swap.secretArn, swap.to, value);
}

const tries = 4;

type SwapWorld = { readonly store: Pick<Store, 'promote' | 'describe' | 'discard'>; readonly clock: Clock };

/**
 * Moves AWSCURRENT from `swap.from` to `swap.to`, and returns whether this call did it. Another worker may promote the same staged
 * pair first. After an error it describes the secret, because the answer may have been lost:
 *
 * - `to` is current: done.
 * - `from` is still current: tries again. After the last refusal it drops the staged pair and throws.
 * - Another version is current: it drops the staged pair and throws SecretChanged.
 */
export async function promote(world: SwapWorld, swap: Swap): Promise<boolean> {
  let isEachRefused = true;
  for (let attempt = 1; ; attempt++) {
    try {
      await world.store.promote(swap.secretArn, swap.from, swap.to);
      return true;
    } catch (error) {
      // After SecretChanged nothing has moved. After any other error it is unknown.
      isEachRefused &&= error instanceof RenewalError && error.code === 'SecretChanged';
      const { currentVersionId } = await world.store.describe(swap.secretArn);
      if (currentVersionId === swap.to) return !isEachRefused;
      if (currentVersionId !== swap.from) return abandon(world.store, swap, error);
      if (attempt === tries || !isWorthRetrying(error)) {
        // Refused each time, although the description shows `from` as current: it is stale, and the staged pair is based on a
        // replaced version.
        if (error instanceof RenewalError && error.code === 'SecretChanged') await drop(world.store, swap);
        throw error;
      }
      await world.clock.sleep(50 * 2 ** attempt);
    }
  }
}

function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof RenewalError) || error.retryable;
}

async function abandon(store: Pick<Store, 'discard'>, swap: Swap, cause: unknown): Promise<never> {
  await drop(store, swap);
  throw new RenewalError(
    'SecretChanged',
    'Another writer has changed this secret meanwhile. That value stays, and the next try starts from it.',
    { cause },
  );
}

/** Removes our AWSPENDING. A failure does no harm, because the next stage moves the label. */
async function drop(store: Pick<Store, 'discard'>, swap: Swap): Promise<void> {
  await store.discard(swap.secretArn, swap.to).catch(() => undefined);
}
