/**
 * Steps 7 and 8: stage the pair as AWSPENDING, then promote it by moving AWSCURRENT from the version that was read. The
 * move is a compare-and-swap: it fails if anyone wrote meanwhile (design.md, decision 2).
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Clock, Store } from '../../domain/ports.ts';
import { type SecretSummary, type SecretValue, versionWithStage } from '../../domain/secret.ts';
import { isBasedOn } from '../../domain/version-id.ts';

/** A pair that an earlier try staged and did not get to promote, made from the version that is current now. */
export function ownPending(secret: SecretSummary): string | undefined {
  const pending = versionWithStage(secret, 'AWSPENDING');
  const current = secret.currentVersionId;
  if (pending === undefined || current === undefined || pending === current) return undefined;
  // It was current, and somebody rolled back from it: what they did not want is not given to them again.
  if (pending === versionWithStage(secret, 'AWSPREVIOUS')) return undefined;
  return isBasedOn(pending, current) ? pending : undefined;
}

/**
 * When AWSPREVIOUS was written. Later than another version means that it was current after that one. -Infinity where there
 * is none, or none to be read any more. Throws what may pass by itself.
 */
export async function previousCreatedAt(store: Pick<Store, 'read'>, secret: SecretSummary): Promise<Instant> {
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  if (previous === undefined) return Number.NEGATIVE_INFINITY;
  try {
    return (await store.read(secret.arn, previous)).createdAt;
  } catch (error) {
    if (error instanceof RenewalError && !error.retryable) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

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

/**
 * Moves AWSCURRENT from `swap.from` to `swap.to`, and gives whether it was this call that did: another worker may take up
 * a pair that is staged, and promote it first. After any error look, because the answer may have been lost: `to` is
 * current → done; the version read still is → try again; else someone wrote meanwhile, so ours is dropped and
 * SecretChanged is thrown.
 */
export async function promote(world: { store: Store; clock: Clock }, swap: Swap): Promise<boolean> {
  let isRefused = true;
  for (let attempt = 1; ; attempt++) {
    try {
      await world.store.promote(swap.secretArn, swap.from, swap.to);
      return true;
    } catch (error) {
      // A refusal is sure: nothing was moved. Of any other error it is not known.
      isRefused &&= error instanceof RenewalError && error.code === 'SecretChanged';
      const { currentVersionId } = await world.store.describe(swap.secretArn);
      if (currentVersionId === swap.to) return !isRefused;
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

async function abandon(store: Store, swap: Swap, cause: unknown): Promise<never> {
  await drop(store, swap);
  throw new RenewalError(
    'SecretChanged',
    'Someone else wrote this secret meanwhile. Their value stays; the next try starts from it.',
    { cause },
  );
}

/** Takes our AWSPENDING off again. Failing to is no harm: the label moves with the next stage. */
export async function drop(store: Pick<Store, 'discard'>, swap: Swap): Promise<void> {
  await store.discard(swap.secretArn, swap.to).catch(() => undefined);
}
