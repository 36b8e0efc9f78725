/** Step 2: renew, rekey or leave alone, and why. Pure: the rules are policy/due-checks.ts. */
import type { Decision, Warning } from '../../domain/decision.ts';
import type { Instant } from '../../domain/instant.ts';
import { checkDue } from '../../policy/due-checks.ts';
import { belowSchedule, type RenewalTime, renewalTime } from '../../policy/renewal-time.ts';
import type { Job } from '../job.ts';
import type { Subject } from './1-gather.ts';

export interface Decided {
  readonly decision: Decision;
  /** By what is asked for now. */
  readonly time: RenewalTime;
  readonly warnings: readonly Warning[];
}

/** When the schedule looks again. Milliseconds. */
export interface Schedule {
  readonly untilNextScan: (now: Instant) => number;
  readonly longestGap: number;
}

/** Throws InvalidRequest for a window of the request that is longer than the validity. */
export function decide(subject: Subject, job: Job, { untilNextScan, longestGap }: Schedule, now: Instant): Decided {
  const { profile, settings, validity, endsWith, version, secret } = subject;
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
    force: job.force,
    now,
    step: job.request ? 0 : untilNextScan(now),
  });
  const below = belowSchedule(time, longestGap);
  return { decision, time, warnings: [...time.warnings, ...(below ? [below] : [])] };
}
