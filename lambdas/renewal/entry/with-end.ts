/** A renewal up to an end of the caller's choice, as the HTTP API for the stack's own authorities asks for it. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { RenewalResult } from '../../domain/result.ts';
import { recordFailure } from '../failure.ts';
import { renew, type Trace } from '../renew.ts';
import type { RenewalWorld } from '../world.ts';
import { logResult } from './queued.ts';

/**
 * The same use case as on demand, due or not, paused or not. Throws RenewalError: SecretChanged, which is written down
 * nowhere, where others wrote first again and again.
 */
export async function renewWithEnd(
  world: RenewalWorld,
  { secretId, notAfter }: { readonly secretId: string; readonly notAfter: Instant },
): Promise<RenewalResult> {
  const trace: Trace = {};
  try {
    const request = { secretId, force: true, dryRun: false };
    const result = await renew(world, { ...request, request, notAfter }, trace);
    logResult(world, result);
    return result;
  } catch (thrown) {
    if (thrown instanceof RenewalError && thrown.code === 'SecretChanged') throw thrown;
    throw await recordFailure(world, trace, thrown, { final: true, onDemand: true });
  }
}
