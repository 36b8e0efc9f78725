/** `out`: the pair goes to another secret of the same profile, in one write, and the source stays as it is. */
import { RenewalError } from '../domain/errors.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { checkOwnership } from '../policy/checks.ts';
import { ownership, type Subject } from './gather.ts';
import { requireSameProfile } from './given-key.ts';
import type { RenewalWorld } from './world.ts';

/** Looked at before a key is made or a CA called. Throws SecretNotFound, SecretNotEnrolled, OutputExists, InvalidRequest. */
export async function describeOutput(
  world: RenewalWorld,
  { secret: source, profile }: Subject,
  secretId: string,
  force: boolean,
): Promise<SecretSummary> {
  const output = await world.store.describe(secretId).catch((error: unknown) => {
    throw error instanceof RenewalError && error.code === 'SecretNotFound' ? notThere(secretId, profile.name) : error;
  });
  if (output.arn === source.arn) {
    throw new RenewalError('InvalidRequest', '$.out is the source itself: leave it out to renew in place.');
  }
  const left = checkOwnership(ownership(world, output));
  if (left?.code === 'SecretNotFound') throw notThere(secretId, profile.name);
  if (left) throw new RenewalError('InvalidRequest', `$.out can't be written. ${left.message}`);
  requireSameProfile(output, profile.name, 'out');
  if (output.currentVersionId !== undefined && !force) {
    throw new RenewalError(
      'OutputExists',
      `The secret ${output.name} of $.out has a value already: use force to replace it.`,
    );
  }
  return output;
}

function notThere(secretId: string, profile: string): RenewalError {
  return new RenewalError(
    'SecretNotFound',
    `The secret of $.out is not there. Create it without a value first: aws secretsmanager create-secret --name ${secretId} --tags Key=cert-renewer:profile,Value=${profile} Key=cert-renewer:paused,Value=true`,
  );
}
