/** CloudFormation's custom resource `Custom::CertRenewerAuthority`: creates the first certificate of an authority. */
import * as z from 'zod/mini';
import { type CustomResourceAnswer, eventFields, filled, parseEvent } from '../deployment/custom-resource.ts';
import { toRenewalError } from '../domain/errors.ts';
import type { Journal } from '../domain/ports.ts';
import { type CreationOutcome, type CreationWorld, createAuthority } from './create.ts';

const eventSchema = z.object({ ...eventFields, ResourceProperties: z.object({ Authority: filled }) });
export type AuthorityEvent = z.infer<typeof eventSchema>;

/** Parses an event. Throws InvalidRequest: only CloudFormation may invoke this function. */
export const parseAuthorityEvent = (input: unknown): AuthorityEvent => parseEvent(eventSchema, input, 'an authority');

const reasons: Readonly<Record<CreationOutcome, string>> = {
  created: 'The first certificate was created.',
  present: 'The secret already contains a certificate.',
  disabled: 'The authority is disabled: no certificate was created.',
};

/** Milliseconds between two tries: a new role's permissions take some seconds to reach KMS and Secrets Manager. */
const pause = 5_000;
const untilPermitted: ReadonlySet<string> = new Set(['KmsDenied', 'AccessDenied', 'SecretNotFound']);

/**
 * Returns the answer; never throws. Deleting the resource changes nothing: the key, the secret and the issued certificates are retained.
 *
 * @param deadline instant after which no other try begins
 */
export async function handleAuthorityEvent(
  world: CreationWorld & { readonly journal: Pick<Journal, 'decision' | 'failure'> },
  { RequestType, PhysicalResourceId, ResourceProperties: { Authority: name } }: AuthorityEvent,
  deadline: number,
): Promise<CustomResourceAnswer> {
  if (RequestType === 'Delete') {
    const kept = 'The authority, its key and its certificate are kept.';
    return { Status: 'SUCCESS', Reason: kept, PhysicalResourceId: PhysicalResourceId ?? idOf(name) };
  }
  for (;;) {
    try {
      const outcome = await createAuthority(world, name);
      const authority = await world.authorities.find(name);
      world.journal.decision({
        secretArn: authority?.secretId ?? name,
        reason: { code: 'Requested', message: `Authority ${name}: ${reasons[outcome]}` },
        outcome,
      });
      return { Status: 'SUCCESS', Reason: reasons[outcome], PhysicalResourceId: idOf(name) };
    } catch (thrown) {
      const error = toRenewalError(thrown);
      const mayPass = error.retryable || untilPermitted.has(error.code);
      if (!mayPass || world.clock.now() + pause >= deadline) {
        world.journal.failure({ secretArn: null, error: thrown, authority: name });
        const Reason = `${error.code}: ${error.message}`;
        return { Status: 'FAILED', Reason, PhysicalResourceId: PhysicalResourceId ?? idOf(name) };
      }
      await world.clock.sleep(pause);
    }
  }
}

/** Returns a fixed id for each authority: for another id CloudFormation would replace the resource. */
function idOf(name: string): string {
  return `cert-renewer-authority-${name}`;
}
