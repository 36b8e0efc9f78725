import type { Context } from 'aws-lambda';
import { abortedIn, composeProbe, policyFor } from '../compose.ts';
import { parseProbeRequest } from '../policy/request.ts';
import { type ProbeResult, probe, probeReserve } from '../probes/run.ts';
import { withoutCause } from './edge.ts';

const { journal, world: worldOf } = composeProbe(() => import('../probes/anchors.ts'));

/** Invoked by its schedule with `{ "due": true }`, or on demand (docs/served.md). */
export async function handler(event: unknown, context: Context): Promise<ProbeResult> {
  journal.begin(context.awsRequestId);
  try {
    const timeOver = abortedIn(Math.max(0, context.getRemainingTimeInMillis() - probeReserve));
    return await probe(worldOf(policyFor(context)), parseProbeRequest(event), timeOver);
  } catch (thrown) {
    journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}
