import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { composeHookReport, policyFor } from '../compose.ts';
import { isCommandStatus, reportCommand, reportDeadLetter } from '../hooks/report-failure.ts';
import { withoutCause } from './edge.ts';

const { world: worldOf } = composeHookReport();
type World = ReturnType<typeof worldOf>;

/** Handles a status event of Run Command from the stack's rule, or a batch of a hook's dead letters. */
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
 * Reports each message once and returns all as failed. The queue delivers a message only once, so it moves each to its dead-letter
 * queue, where it is kept for an operator.
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
