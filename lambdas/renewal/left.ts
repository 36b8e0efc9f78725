/** The answer for a secret that stays unchanged, and its status tags. */
import type { Reason } from '../domain/decision.ts';
import { RenewalError } from '../domain/errors.ts';
import { orderOf } from '../domain/order-id.ts';
import type { RenewalResult } from '../domain/result.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { orderLabel } from '../domain/tags.ts';
import { renewalTime } from '../policy/renewal-time.ts';
import { unannounced } from '../policy/unannounced.ts';
import { keepBundle } from './after-promotion.ts';
import { checkLasting } from './fitness.ts';
import type { Job } from './job.ts';
import { canBeIssued, isOrderFor, issuedOf, type Place, type Subject } from './place.ts';
import { resultOf } from './result.ts';
import { noteLook } from './status-tags.ts';
import type { Decided } from './steps/2-decide.ts';
import type { RenewalWorld } from './world.ts';

export const alreadyRenewed: Reason = {
  code: 'AlreadyRenewed',
  message: 'Another version has become current meanwhile: the certificate was renewed or replaced.',
};

/** Returns the answer for a secret whose value was not read. */
export function leftAlone(secret: SecretSummary, profile: string, reason: Reason): RenewalResult {
  return resultOf({
    outcome: 'skipped',
    reason,
    warnings: [],
    secretArn: secret.arn,
    profile,
    versionId: secret.currentVersionId ?? null,
    previousVersionId: null,
    certificate: undefined,
    previous: undefined,
    renewAt: undefined,
  });
}

/** Returns the answer for a secret that was read and stays unchanged. */
export function looked(
  subject: Place,
  outcome: 'pending' | 'skipped' | 'planned',
  { decision, time, warnings }: Omit<Decided, 'decision'> & { readonly decision: Reason },
): RenewalResult {
  return resultOf({
    outcome,
    reason: decision,
    warnings,
    secretArn: subject.secret.arn,
    profile: subject.profile.name,
    versionId: subject.version.versionId,
    previousVersionId: null,
    certificate: subject.leaf,
    previous: undefined,
    renewAt: time?.renewAt,
  });
}

/** Returns the answer for a certificate that was renewed or replaced since the first look. */
export function overtaken(place: Place): RenewalResult {
  const { validity, settings, secret } = place;
  const time = validity && renewalTime(validity, settings.usual, secret.arn, place.suggested);
  return looked(place, 'skipped', { decision: alreadyRenewed, time, warnings: time?.warnings ?? [] });
}

/**
 * Ends the look at a certificate that is not due. Throws an error that its renewal will end with regardless of time. Otherwise
 * updates the status tags, and returns false if AWS was too busy for that. Throws other errors.
 */
export async function leaveAsItIs(
  world: RenewalWorld,
  job: Job,
  subject: Place,
  { decision }: Decided,
): Promise<boolean> {
  const isPaused = decision.code === 'Paused';
  if (subject.leaf === undefined) return true; // paused, and there is no certificate to note
  if (!job.request && !isPaused && !canBeIssued(subject)) {
    await checkLasting(subject, subject.settings.asked, world.clock.now());
  }
  if (!job.dryRun && !isPaused) await giveUpOther(world, subject);
  // Either the tags were just written with an owed event, or an event is still owed and the tags must not change.
  if (job.dryRun || isPaused || unannounced(subject.secret).length > 0) return true;
  await keepBundle(world, subject, subject.leaf, undefined);
  try {
    const { secret, validity, suggested } = subject;
    const toServe = { certificate: subject.leaf, now: world.clock.now() };
    await noteLook(world.store, secret, { validity, suggested }, { issued: issuedOf(subject), toServe });
    return true;
  } catch (error) {
    // The certificate is valid, so a busy AWS is not a failure of it.
    if (!(error instanceof RenewalError) || !error.retryable) throw error;
    world.journal.failure({ secretArn: subject.secret.arn, error, step: 'tagging' });
    return false;
  }
}

/**
 * Gives up an order for a declaration that was changed back. An order for the present one stays: a request with a window leaves it. Takes the
 * label off an order for another version: it was filled, and its worker was killed before that. The label would keep a key.
 */
async function giveUpOther(world: RenewalWorld, subject: Subject): Promise<void> {
  const { secret } = subject;
  const labelled = versionWithStage(secret, orderLabel);
  const order = orderOf(secret);
  if (labelled === undefined || (order !== undefined && (order.stage !== 'order' || isOrderFor(subject, order))))
    return;
  try {
    if (order === undefined) return await world.store.dropOrder(secret.arn, labelled);
    const { giveUpOpen } = await import('./orders/asking.ts');
    await giveUpOpen(world, subject);
  } catch (error) {
    world.journal.failure({ secretArn: subject.secret.arn, error, step: 'giving up an order' });
  }
}
