import type { Context } from 'aws-lambda';
import { handleAuthorityEvent, parseAuthorityEvent } from '../authority/custom-resource.ts';
import { respond } from '../aws/cloudformation.ts';
import { composeCreation, now, policyFor } from '../compose.ts';
import { answered } from '../deployment/custom-resource.ts';

/** Milliseconds reserved for the answer. */
const reserve = 5_000;
/** Milliseconds that a new role's permissions may take. A denied call after that fails the deployment. */
const patience = 90_000;

/** Invoked by CloudFormation, which waits for an answer at the event's URL. */
export async function handler(input: unknown, context: Context): Promise<void> {
  const event = parseAuthorityEvent(input);
  await answered(respond, event, async () => {
    const world = composeCreation(policyFor(context));
    world.journal.begin(context.awsRequestId);
    const left = Math.min(context.getRemainingTimeInMillis() - reserve, patience);
    return handleAuthorityEvent(world, event, now() + left);
  });
}
