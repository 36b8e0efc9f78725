/** Judges a certificate by its secret's tags, for the scan and for the inventory. Pure. */
import type { Decision } from '../domain/decision.ts';
import type { Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { TagSettings } from '../domain/settings.ts';
import { expectedAt } from './declared-tags.ts';
import { type Candidate, enrolment, profileNameOf } from './enrolment.ts';
import { isOverdue, type RenewalTime } from './renewal-time.ts';
import { checkScan } from './scan-checks.ts';
import { resolveSettings } from './settings.ts';
import { readStatus, type Status, timeByTags } from './status.ts';

/** The judgement of one secret. */
export interface Judgement extends Candidate {
  readonly profile: string;
  readonly decision: Decision;
  readonly status: Status;
  /** Undefined if the tags do not contain the certificate's validity, and for an unknown profile. */
  readonly time: RenewalTime | undefined;
  /** When a missing declared certificate should have been issued. Undefined for any other certificate. */
  readonly expectedAt?: Instant | undefined;
  /** Overdue, expired, or missing after `expectedAt`. A paused certificate is judged by its clock too. */
  readonly overdue: boolean;
}

/** The conditions of a judgement. */
export interface JudgementTerms {
  readonly now: Instant;
  /** Milliseconds until the next scan. A certificate that becomes due before it is due now. */
  readonly step: number;
  readonly force: boolean;
  /** ARN of the renew function. cert-renewer may write a secret that Secrets Manager rotates with this function. */
  readonly rotationFunctionArn?: string | undefined;
}

/**
 * Judges one secret. `profile` is undefined if the stack has none of that name, and for an authority's secret. Never throws: an
 * invalid tag is part of the judgement.
 */
export function judge(candidate: Candidate, profile: Profile | undefined, terms: JudgementTerms): Judgement {
  const { secret } = candidate;
  const { now, step, force } = terms;
  const status = readStatus(secret, now);
  const verdict = (decision: Decision, time?: RenewalTime, due?: Instant): Judgement => {
    const overdue = (time !== undefined && isLate(time, status, now)) || (due !== undefined && now >= due);
    return {
      ...candidate,
      profile: profileNameOf(candidate),
      decision,
      status,
      time,
      ...(due !== undefined && { expectedAt: due }),
      overdue,
    };
  };
  const found = enrolment(candidate, profile, terms.rotationFunctionArn);
  if (found.kind === 'left') return verdict(found.decision);
  if (found.kind === 'refused') {
    const { code, message } = found.error;
    // With an invalid tag, the profile alone determines when it is due.
    const time = found.profile && timeByTags(secret.arn, status, resolveSettings(undefined, noTags, found.profile));
    return verdict({ action: 'skip', code, message }, time);
  }
  const settings = resolveSettings(undefined, found.tagged, found.profile);
  const time = timeByTags(secret.arn, status, settings);
  const decision = checkScan({ secret, profile: found.profile, settings, status, time, force, now, step });
  // While it is paused, a missing declared certificate does not become overdue.
  return verdict(decision, time, settings.paused ? undefined : expectedAt(secret, status));
}

/** An expired certificate is late, whatever its period: a fifth of a long period may end after the certificate. */
function isLate(time: RenewalTime, status: Status, now: Instant): boolean {
  const end = status.known ? status.validity?.end : undefined;
  return isOverdue(time, now) || (end !== undefined && now >= end);
}

const noTags: TagSettings = { paused: false };
