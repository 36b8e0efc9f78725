/** Step 2: renew, rekey or leave alone, and why. Pure: the rules are policy/due-checks.ts. */
import type { Decision, Warning } from '../../domain/decision.ts';
import type { Instant } from '../../domain/instant.ts';
import { tags } from '../../domain/tags.ts';
import { checkDue, checkVacancy } from '../../policy/due-checks.ts';
import { belowSchedule, type RenewalTime, renewalTime } from '../../policy/renewal-time.ts';
import type { Job } from '../job.ts';
import type { Place, Vacancy } from '../place.ts';

export interface Decided {
  readonly decision: Decision;
  /** By what is asked for now; undefined where there is no certificate. */
  readonly time: RenewalTime | undefined;
  readonly warnings: readonly Warning[];
}

/** When the schedule looks again. Milliseconds. */
export interface Schedule {
  readonly untilNextScan: (now: Instant) => number;
  readonly longestGap: number;
}

/** Throws InvalidRequest for a window of the request that is longer than the validity. */
export function decide(place: Place, job: Job, { untilNextScan, longestGap }: Schedule, now: Instant): Decided {
  const { profile, settings, version, secret } = place;
  const { force } = job;
  if (place.leaf === undefined) return decideVacancy(place, force);
  const { validity, endsWith, isAsDeclared } = place;
  const time = renewalTime(validity, settings.asked, secret.arn);
  const decision = checkDue({
    profile,
    settings: settings.asked,
    validity,
    endsWith,
    time,
    versionId: version.versionId,
    versionCreatedAt: version.createdAt,
    origin: job.request ? 'request' : 'schedule',
    windowAsked: job.request?.timing !== undefined,
    isAsDeclared,
    force,
    now,
    step: job.request ? 0 : untilNextScan(now),
  });
  // A window of the request says when, and nothing of a certificate that is issued whatever its time.
  const lasting = decision.action === 'issue' ? renewalTime(validity, settings.usual, secret.arn) : time;
  const below = belowSchedule(lasting, longestGap);
  const gone = place.declared === undefined && secret.tags.has(tags.declared) ? [declarationMissing] : [];
  return { decision, time, warnings: [...gone, ...lasting.warnings, ...(below ? [below] : [])] };
}

function decideVacancy({ profile, settings, content }: Vacancy, force: boolean): Decided {
  const found = content
    ? 'The private key in the secret is not its certificate’s.'
    : 'The secret holds no certificate.';
  return { decision: checkVacancy({ profile, settings: settings.asked, force }, found), time: undefined, warnings: [] };
}

const declarationMissing: Warning = {
  code: 'DeclarationMissing',
  message: `The secret carries the tag ${tags.declared}, and nothing is declared for it any more: it is renewed as it is. Declare it again, or remove the tag.`,
};
