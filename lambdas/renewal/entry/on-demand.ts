/** An invocation by hand: the same use case as the queue's, its answer returned and its error thrown. */
import type { RenewalResult } from '../../domain/result.ts';
import { parseOnDemandRequest } from '../../policy/request.ts';
import { recordFailure } from '../failure.ts';
import { renew, type Trace } from '../renew.ts';
import type { RenewalWorld } from '../world.ts';
import { logResult } from './queued.ts';

/** `input`: the invocation's payload. Throws RenewalError: its name is what `aws lambda invoke` shows as errorType. */
export async function renewOnDemand(world: RenewalWorld, input: unknown): Promise<RenewalResult> {
  const trace: Trace = {};
  let readOnly = true;
  try {
    const request = parseOnDemandRequest(input);
    const { secretId, force, dryRun } = request;
    readOnly = dryRun;
    const result = await renew(world, { secretId, request, force, dryRun }, trace);
    logResult(world, result);
    return result;
  } catch (thrown) {
    throw await recordFailure(world, trace, thrown, { final: true, readOnly, onDemand: true });
  }
}
