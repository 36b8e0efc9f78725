/**
 * What an earlier try left undone after its promotion: the event and the tags. Called whenever a current version of ours
 * is met whose tags are behind.
 */
import { versionWithStage } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { sameKey } from '../keys/spec.ts';
import { renewalTime } from '../policy/renewal-time.ts';
import { resolveSettings } from '../policy/settings.ts';
import { readPair, type Subject } from './gather.ts';
import { publishRenewed, resultOf, tagStatus } from './record.ts';
import { isBasedOn } from './swap.ts';
import type { RenewalWorld } from './world.ts';

/**
 * The version that the current one replaced, if cert-renewer made the current one and its event may not have gone out.
 * A version of ours that an operator rolled back to is based on something older than AWSPREVIOUS, and is no news.
 */
export function unannounced({ secret }: Pick<Subject, 'secret'>): string | undefined {
  const current = secret.currentVersionId;
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  if (current === undefined || previous === undefined) return undefined;
  if (secret.tags.get(tags.versionId) === current) return undefined;
  return isBasedOn(current, previous) ? previous : undefined;
}

/** Steps 9 and 10 of a promotion whose maker did not get so far. Throws where either can't be done. */
export async function makeUpFor(world: RenewalWorld, subject: Subject, previousVersionId: string): Promise<void> {
  await announceAgain(world, subject, previousVersionId);
  await world.afterRenewal?.(subject.profile, subject.leaf, undefined);
  await tagStatus(world.store, subject.secret, subject.version.versionId, subject.validity);
}

async function announceAgain(world: RenewalWorld, subject: Subject, previousVersionId: string): Promise<void> {
  const { secret, profile, tagged, leaf, validity, version } = subject;
  const previous = await readPair(world, profile, await world.store.read(secret.arn, previousVersionId));
  const operation = sameKey(previous.leaf, leaf) ? 'renew' : 'rekey';
  const time = renewalTime(validity, resolveSettings(undefined, tagged, profile), secret.arn);
  const result = resultOf({
    outcome: operation === 'renew' ? 'renewed' : 'rekeyed',
    reason: { code: 'Unknown', message: 'Renewed by a try that ended before it could say so.' },
    warnings: time.warnings,
    secretArn: secret.arn,
    profile: profile.name,
    versionId: version.versionId,
    previousVersionId,
    certificate: leaf,
    previous: previous.leaf,
    renewAt: time.renewAt,
  });
  await publishRenewed(world, result, operation);
}
