import type { Context } from 'aws-lambda';
import { abortedIn, composeScan } from '../compose.ts';
import type { ScanRequest } from '../domain/request.ts';
import type { ScanResult } from '../domain/result.ts';
import { parseScanRequest } from '../policy/request.ts';
import { scanReserve } from '../renewal/in-time.ts';
import { scan } from '../renewal/scan/scan.ts';
import { unqualified, withoutCause } from './edge.ts';

const { start, ...composed } = await composeScan();

/** Invoked by the schedule with `{}`, by hand (docs/invoke.md), or by itself, to go on where its time was over. */
export async function handler(event: unknown, context: Context): Promise<ScanResult> {
  composed.journal.begin(context.awsRequestId);
  const own = unqualified(context.invokedFunctionArn);
  const world = { ...composed, continueLater: (request: ScanRequest) => start(own, request) };
  try {
    const timeOver = abortedIn(Math.max(0, context.getRemainingTimeInMillis() - scanReserve));
    return await scan(world, parseScanRequest(event), timeOver);
  } catch (thrown) {
    composed.journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}
