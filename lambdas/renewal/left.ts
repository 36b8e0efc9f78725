/** What is answered of a secret that is left as it is, and what is noted of it. */
import type { Reason } from '../domain/decision.ts';
import { RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { renewalTime } from '../policy/renewal-time.ts';
import { unannounced } from '../policy/unannounced.ts';
import { keepBundle } from './after-promotion.ts';
import { checkLasting } from './fitness.ts';
import type { Job } from './job.ts';
import { canBeIssued, issuedOf, type Place } from './place.ts';
import { resultOf } from './result.ts';
import { noteLook } from './status-tags.ts';
import type { Decided } from './steps/2-decide.ts';
import type { RenewalWorld } from './world.ts';

export const alreadyRenewed: Reason = {
  code: 'AlreadyRenewed',
  message: 'Another version became current meanwhile: this certificate was renewed or replaced.',
};

/** Of a secret whose value was not read. */
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

/** Of a secret that was read, and stays. */
export function looked(
  subject: Place,
  outcome: 'skipped' | 'planned',
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

/** Of a certificate that somebody else has renewed, or replaced, while this worker was on its way. */
export function overtaken(place: Place): RenewalResult {
  const { validity, settings, secret } = place;
  const time = validity && renewalTime(validity, settings.usual, secret.arn);
  return looked(place, 'skipped', { decision: alreadyRenewed, time, warnings: time?.warnings ?? [] });
}

/**
 * The end of a look at a certificate that is not due. What its renewal will fail for one day, whatever the time, is told now; else
 * its tags are brought up to date. False where they could not be written for the moment. Throws what won't pass.
 */
export async function leaveAsItIs(
  world: RenewalWorld,
  job: Job,
  subject: Place,
  { decision }: Decided,
): Promise<boolean> {
  const isPaused = decision.code === 'Paused';
  if (subject.leaf === undefined) return true; // paused, and nothing is there that could be noted
  if (!job.request && !isPaused && !canBeIssued(subject)) {
    await checkLasting(subject, subject.settings.asked, world.clock.now());
  }
  // What was announced just now is tagged, and what is owed still must not be.
  if (job.dryRun || isPaused || unannounced(subject.secret).length > 0) return true;
  await keepBundle(world, subject, subject.leaf, undefined);
  try {
    await noteLook(world.store, subject.secret, subject.validity, issuedOf(subject));
    return true;
  } catch (error) {
    // The certificate is well: a busy AWS is no failure of it.
    if (!(error instanceof RenewalError) || !error.retryable) throw error;
    world.journal.failure({ secretArn: subject.secret.arn, error, step: 'tagging' });
    return false;
  }
}
