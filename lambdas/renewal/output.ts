/**
 * `out`: one write stores the pair in another secret of the same profile, and the source stays unchanged. All errors about that
 * secret concern only the request.
 */
import { ofRequest, RenewalError } from '../domain/errors.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { checkOwnership } from '../policy/ownership.ts';
import { checkRoom } from '../policy/room.ts';
import { unannounced } from '../policy/unannounced.ts';
import { authorityOf } from './authority.ts';
import { requireSameProfile } from './given-key.ts';
import type { Job } from './job.ts';
import { settleOwed } from './owed.ts';
import type { Subject } from './place.ts';
import { gather } from './steps/1-gather.ts';
import type { RenewalWorld } from './world.ts';

/**
 * Checks the `out` secret before a key is made or a CA is asked. Throws SecretNotFound, SecretNotEnrolled, OutputExists,
 * UnsupportedSecret, InvalidRequest.
 */
export function describeOutput(
  world: RenewalWorld,
  subject: Subject,
  { request, force }: Pick<Job, 'request' | 'force'>,
): Promise<SecretSummary> | undefined {
  const { out } = request ?? {};
  return out && ofOutput(writable(world, subject, out.secretId, force));
}

/** Turns errors of `work` on an `out` secret into errors that concern only the request. Without an `out` they stay unchanged. */
export function concerning<T>(output: SecretSummary | undefined, work: Promise<T>): Promise<T> {
  return output ? ofOutput(work) : work;
}

function ofOutput<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw ofRequest(error);
  });
}

async function writable(
  world: RenewalWorld,
  { secret: source, profile }: Subject,
  secretId: string,
  force: boolean,
): Promise<SecretSummary> {
  const output = await world.store.describe(secretId).catch((error: unknown) => {
    throw error instanceof RenewalError && error.code === 'SecretNotFound' ? notThere(secretId, profile.name) : error;
  });
  if (output.arn === source.arn) {
    throw new RenewalError('InvalidRequest', '$.out is the source itself: remove $.out to renew in place.');
  }
  const left = checkOwnership({ secret: output, rotationFunctionArn: world.rotationFunctionArn });
  if (left?.code === 'SecretNotFound') throw notThere(secretId, profile.name);
  if (left) throw new RenewalError('InvalidRequest', `$.out can't be written. ${left.message}`);
  if (await authorityOf(world, output)) {
    throw new RenewalError(
      'InvalidRequest',
      "$.out is the secret of an authority of this stack, and a leaf must not replace an authority's certificate: name another secret.",
    );
  }
  requireSameProfile(output, profile.name, 'out');
  if (output.currentVersionId !== undefined && !force) {
    throw new RenewalError(
      'OutputExists',
      `The secret ${output.name} of $.out has a value already: use force to replace it.`,
    );
  }
  const noRoom = checkRoom(output);
  if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', `$.out can't be written. ${noRoom}`);
  return output;
}

/**
 * Sends the owed event of an earlier pair in the `out` secret, before its mark is overwritten. Throws Throttled if it can't be
 * sent, and the errors of reading that pair.
 */
export function settleOutput(world: RenewalWorld, subject: Subject, output: SecretSummary): Promise<void> {
  return ofOutput(settled(world, subject, output));
}

async function settled(
  world: RenewalWorld,
  { profile, authority, settings }: Subject,
  output: SecretSummary,
): Promise<void> {
  const { currentVersionId } = output;
  if (currentVersionId === undefined || unannounced(output).length === 0) return;
  const earlier = await gather(world, { secret: output, profile, authority, settings }, currentVersionId);
  const held = earlier.kind === 'read' && earlier.place.leaf !== undefined ? earlier.place : undefined;
  if (held && (await settleOwed(world, held)).length === 0) return;
  throw new RenewalError(
    'Throttled',
    `The event of the pair in ${output.name} could not be sent yet: try again when the event bus accepts it.`,
  );
}

function notThere(secretId: string, profile: string): RenewalError {
  return new RenewalError(
    'SecretNotFound',
    `The secret of $.out does not exist. Create it without a value first: aws secretsmanager create-secret --name ${secretId} --tags Key=cert-renewer:profile,Value=${profile} Key=cert-renewer:paused,Value=true`,
  );
}
