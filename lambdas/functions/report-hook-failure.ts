import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { composeHookReport, policyFor } from '../compose.ts';
import { isCommandStatus, reportCommand, reportDeadLetter } from '../hooks/report-failure.ts';
import { withoutCause } from './edge.ts';

const { world: worldOf } = composeHookReport();
type World = ReturnType<typeof worldOf>;

/** A status event of Run Command, by the stack's rule, or a batch of a hook's dead letters. */
export async function handler(event: unknown, context: Context): Promise<SQSBatchResponse | undefined> {
  const world = worldOf(policyFor(context));
  world.journal.begin(context.awsRequestId);
  if (isBatch(event)) return reportLetters(world, event.Records);
  try {
    if (isCommandStatus(event)) await reportCommand(world, event);
  } catch (thrown) {
    world.journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
  return undefined;
}

/**
 * All are handed back as failed: the queue lets nobody see a message twice, and so moves each to the queue of dead letters
 * where it is kept for whoever looks after it. So each is told once, and none is lost.
 */
async function reportLetters(world: World, records: readonly SQSRecord[]): Promise<SQSBatchResponse> {
  await Promise.all(
    records.map((record) =>
      reportDeadLetter(world, record).catch((error: unknown) => {
        world.journal.failure({ secretArn: null, error, messageId: record.messageId });
      }),
    ),
  );
  return { batchItemFailures: records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

function isBatch(event: unknown): event is { readonly Records: readonly SQSRecord[] } {
  return typeof event === 'object' && event !== null && 'Records' in event && Array.isArray(event.Records);
}
