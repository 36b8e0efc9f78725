/** An invocation by hand: the same use case as the queue's, its answer returned and its error thrown. */
import type { RenewalResult } from '../../domain/result.ts';
import { parseOnDemandRequest } from '../../policy/request.ts';
import { renew } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { logResult } from '../result.ts';
import type { RenewalWorld } from '../world.ts';

/** `input`: the invocation's payload. Throws RenewalError: its name is what `aws lambda invoke` shows as errorType. */
export async function renewOnDemand(world: RenewalWorld, input: unknown): Promise<RenewalResult> {
  const request = await parsed(world, input);
  const { secretId, force, dryRun } = request;
  const ending = await renew(world, { secretId, request, force, dryRun });
  if (ending.kind === 'done') return logResult(world, ending.result);
  const { found, error } = ending;
  throw await recordFailure(world, found, error, { final: true, readOnly: dryRun, onDemand: true });
}

/** Throws InvalidRequest: nothing was looked at, so it is only logged. */
async function parsed(world: RenewalWorld, input: unknown) {
  try {
    return parseOnDemandRequest(input);
  } catch (thrown) {
    throw await recordFailure(world, {}, thrown, { final: true, readOnly: true, onDemand: true });
  }
}
