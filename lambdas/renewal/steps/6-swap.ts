/**
 * Step 6: stage the pair as AWSPENDING, then promote it by moving AWSCURRENT from the version that was read. The move is a
 * compare-and-swap: it fails if anyone wrote meanwhile, and a reader never sees half of a pair
 * (docs/guarantees.md, G1).
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Clock, Store } from '../../domain/ports.ts';
import type { SecretValue } from '../../domain/secret.ts';

export interface Swap {
  readonly secretArn: string;
  /** The version that was read; undefined for a secret that had no value. */
  readonly from: string | undefined;
  readonly to: string;
}

/** Writes the pair under `swap.to` with AWSPENDING. The same call twice is one write, because its token is the same. */
export function stage(store: Pick<Store, 'stage'>, swap: Swap, value: SecretValue): Promise<void> {
  return store.stage(swap.secretArn, swap.to, value);
}

const tries = 4;

type SwapWorld = { readonly store: Pick<Store, 'promote' | 'describe' | 'discard'>; readonly clock: Clock };

/**
 * Moves AWSCURRENT from `swap.from` to `swap.to`, and gives whether it was this call that did: another worker may take up
 * a pair that is staged, and promote it first. After any error look, because the answer may have been lost: `to` is
 * current → done; the version read still is → try again, and after the last refusal drop ours; else someone wrote meanwhile, so ours
 * is dropped and SecretChanged is thrown.
 */
export async function promote(world: SwapWorld, swap: Swap): Promise<boolean> {
  let isEachRefused = true;
  for (let attempt = 1; ; attempt++) {
    try {
      await world.store.promote(swap.secretArn, swap.from, swap.to);
      return true;
    } catch (error) {
      // SecretChanged is certain: nothing moved. After any other error we do not know.
      isEachRefused &&= error instanceof RenewalError && error.code === 'SecretChanged';
      const { currentVersionId } = await world.store.describe(swap.secretArn);
      if (currentVersionId === swap.to) return !isEachRefused;
      if (currentVersionId !== swap.from) return abandon(world.store, swap, error);
      if (attempt === tries || !isWorthRetrying(error)) {
        // Refused each time while the description says otherwise: it is behind, and ours is based on what was replaced.
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
    'Someone else wrote this secret meanwhile. Their value stays; the next try starts from it.',
    { cause },
  );
}

/** Takes our AWSPENDING off again. A failure here does no harm: the label moves with the next stage. */
async function drop(store: Pick<Store, 'discard'>, swap: Swap): Promise<void> {
  await store.discard(swap.secretArn, swap.to).catch(() => undefined);
}
