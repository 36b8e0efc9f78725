/** Renews an authority's certificate with a requested notAfter, for the HTTP API. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { RenewalResult } from '../../domain/result.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/**
 * Runs the same use case as an on-demand request, regardless of `paused` and of the due time. Throws RenewalError. SecretChanged,
 * after repeatedly lost races, is not recorded.
 */
export async function renewWithEnd(
  world: RenewalWorld,
  { secretId, notAfter }: { readonly secretId: string; readonly notAfter: Instant },
): Promise<RenewalResult> {
  const request = { secretId, force: true, dryRun: false };
  const ending = await renew(world, { ...request, request, notAfter });
  if (ending.kind === 'done') return logResult(world, ending.result);
  const { error, found } = ending;
  if (error instanceof RenewalError && error.code === 'SecretChanged') throw error;
  throw await recordFailure(world, found, error, { final: true, onDemand: true });
}
