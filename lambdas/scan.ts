import type { Context } from 'aws-lambda';
import { composeScan } from './compose.ts';
import type { ScanResult } from './domain/result.ts';
import { withoutCause } from './edge.ts';
import { parseScanRequest } from './policy/request.ts';
import { scan } from './renewal/scan.ts';

const world = await composeScan();

/** Invoked by the schedule with `{}`, or by hand (docs/invoke.md). */
export async function handler(event: unknown, context: Context): Promise<ScanResult> {
  world.journal.begin(context.awsRequestId);
  try {
    return await scan(world, parseScanRequest(event));
  } catch (thrown) {
    world.journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}
