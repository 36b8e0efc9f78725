import type { Context } from 'aws-lambda';
import { composeNotice } from '../compose.ts';
import { sendNotice } from '../notices/notice.ts';
import { withoutCause } from './edge.ts';

const world = composeNotice();

/** Invoked by the stack's rules with a failure, an overdue certificate or a hook's failure. */
export async function handler(event: unknown, context: Context): Promise<void> {
  world.journal.begin(context.awsRequestId);
  try {
    await sendNotice(world, event);
  } catch (thrown) {
    world.journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}
