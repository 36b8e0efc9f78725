import type { Context } from 'aws-lambda';
import { respond } from '../aws/cloudformation.ts';
import { composeFirstScan, now, policyFor } from '../compose.ts';
import { answered, parseCustomResourceEvent } from '../deployment/custom-resource.ts';
import { handleFirstScan } from '../deployment/first-scan.ts';

/** Milliseconds that a new role's permissions may take. */
const patience = 60_000;

/** Invoked by CloudFormation, which waits for an answer at the event's URL. */
export async function handler(input: unknown, context: Context): Promise<void> {
  const event = parseCustomResourceEvent(input);
  await answered(respond, event, async () => {
    const world = composeFirstScan(policyFor(context));
    world.journal.begin(context.awsRequestId);
    return handleFirstScan(world, event, now() + patience);
  });
}
