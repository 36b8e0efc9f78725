/** A renewal up to an end of the caller's choice, as the HTTP API for the stack's own authorities asks for it. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { RenewalResult } from '../../domain/result.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/**
 * The same use case as on demand, due or not, paused or not. Throws RenewalError: SecretChanged, which is written down
 * nowhere, where others wrote first again and again.
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
