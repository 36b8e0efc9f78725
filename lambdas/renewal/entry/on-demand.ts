/** An on-demand request: the same use case as for the queue. Its answer is returned, its error is thrown. */
import type { RenewalResult } from '../../domain/result.ts';
import { parseOnDemandRequest } from '../../policy/request.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/** Renews by an invocation's payload, `input`. Throws RenewalError. `aws lambda invoke` shows its name as errorType. */
export async function renewOnDemand(world: RenewalWorld, input: unknown): Promise<RenewalResult> {
  const request = await parsed(world, input);
  const { secretId, force, dryRun } = request;
  const ending = await renew(world, { secretId, request, force, dryRun });
  if (ending.kind === 'done') return logResult(world, ending.result);
  const { found, error } = ending;
  throw await recordFailure(world, found, error, { final: true, readOnly: dryRun, onDemand: true });
}

/** Parses the request. Throws InvalidRequest, which is only logged, because no secret was read. */
async function parsed(world: RenewalWorld, input: unknown) {
  try {
    return parseOnDemandRequest(input);
  } catch (thrown) {
    throw await recordFailure(world, {}, thrown, { final: true, readOnly: true, onDemand: true });
  }
}
