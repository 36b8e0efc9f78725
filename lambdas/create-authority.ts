import type { Context } from 'aws-lambda';
import { type AuthorityAnswer, handleAuthorityEvent, parseAuthorityEvent } from './authority/custom-resource.ts';
import { respond } from './aws/cloudformation.ts';
import { composeCreation, now } from './compose.ts';
import { toRenewalError } from './domain/errors.ts';

/** Milliseconds that are left for the answer. */
const reserve = 5_000;
/** So long a new role's permissions may take; what is refused after that is refused for good. */
const patience = 90_000;

/** Invoked by CloudFormation, which waits for an answer at the event's address, whatever happens here. */
export async function handler(input: unknown, context: Context): Promise<void> {
  const event = parseAuthorityEvent(input);
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const answer = await answerTo(event, context).catch((thrown: unknown): AuthorityAnswer => {
    const { code, message } = toRenewalError(thrown);
    const PhysicalResourceId = event.PhysicalResourceId ?? `failed-${RequestId}`;
    return { Status: 'FAILED', Reason: `${code}: ${message}`, PhysicalResourceId };
  });
  await respond(ResponseURL, { ...answer, StackId, RequestId, LogicalResourceId });
}

async function answerTo(event: ReturnType<typeof parseAuthorityEvent>, context: Context): Promise<AuthorityAnswer> {
  const world = composeCreation();
  world.journal.begin(context.awsRequestId);
  const left = Math.min(context.getRemainingTimeInMillis() - reserve, patience);
  return handleAuthorityEvent(world, event, now() + left);
}
