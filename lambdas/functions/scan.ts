import type { Context } from 'aws-lambda';
import { abortedIn, composeScan, policyFor } from '../compose.ts';
import type { ScanRequest } from '../domain/request.ts';
import type { ScanResult } from '../domain/result.ts';
import { parseScanRequest } from '../policy/request.ts';
import { scan, scanReserve } from '../renewal/scan/scan.ts';
import { unqualified, withoutCause } from './edge.ts';

const { journal, start, world: worldOf } = await composeScan();

/** Invoked by the schedule with `{}`, on demand (docs/invoke.md), or by itself to continue where it ran out of time. */
export async function handler(event: unknown, context: Context): Promise<ScanResult> {
  journal.begin(context.awsRequestId);
  const own = unqualified(context.invokedFunctionArn);
  const policy = policyFor(context);
  const continueLater = (request: ScanRequest) => start(policy, own, request);
  const world = { ...worldOf(policy), continueLater };
  try {
    const timeOver = abortedIn(Math.max(0, context.getRemainingTimeInMillis() - scanReserve));
    return await scan(world, parseScanRequest(event), timeOver);
  } catch (thrown) {
    journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}
