import type { Context } from 'aws-lambda';
import { respond } from '../aws/cloudformation.ts';
import { composeDeclarations, now, patientPolicyFor } from '../compose.ts';
import { handleCertificates, parseCertificatesEvent } from '../deployment/certificates.ts';
import { answered } from '../deployment/custom-resource.ts';

/** Milliseconds that a deployment waits for its certificates. */
const patience = 570_000;
/** Milliseconds reserved for the last request to the renew function and for the answer. */
const reserve = 120_000;

/** Invoked by CloudFormation, which waits for an answer at the event's URL. */
export async function handler(input: unknown, context: Context): Promise<void> {
  const event = parseCertificatesEvent(input);
  await answered(respond, event, async () => {
    const world = await composeDeclarations(patientPolicyFor(context));
    world.journal.begin(context.awsRequestId);
    const left = Math.min(context.getRemainingTimeInMillis() - reserve, patience);
    return handleCertificates(world, event, now() + left);
  });
}
