/** What a secret's tags say of its certificate: one judgement for the scan and the inventory. Pure. */
import type { Decision } from '../domain/decision.ts';
import type { Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings, TagSettings } from '../domain/settings.ts';
import { type Candidate, enrolment, profileNameOf } from './enrolment.ts';
import { isOverdue, type RenewalTime, renewalTime } from './renewal-time.ts';
import { checkScan } from './scan-checks.ts';
import { resolveSettings } from './settings.ts';
import { readStatus, type Status } from './status.ts';

/** What was found of one secret. */
export interface Judgement extends Candidate {
  readonly profile: string;
  readonly decision: Decision;
  readonly status: Status;
  /** Undefined while the tags don't tell the certificate's window, and for a profile that is not known. */
  readonly time: RenewalTime | undefined;
  readonly overdue: boolean;
}

/** Under what conditions to judge. */
export interface JudgementTerms {
  readonly now: Instant;
  /** Milliseconds until the next scan: what falls due before it is due now. */
  readonly step: number;
  readonly force: boolean;
  /** The renew function's: a secret that it rotates is ours to write. */
  readonly rotationFunctionArn?: string | undefined;
}

/**
 * `profile` is undefined where the stack has none of that name, and of an authority's secret. Never throws: what a tag holds
 * is part of the judgement.
 */
export function judge(candidate: Candidate, profile: Profile | undefined, terms: JudgementTerms): Judgement {
  const { secret } = candidate;
  const { now, step, force } = terms;
  const status = readStatus(secret, now);
  const verdict = (decision: Decision, time?: RenewalTime): Judgement => {
    const overdue = time !== undefined && isOverdue(time, now);
    return { ...candidate, profile: profileNameOf(candidate), decision, status, time, overdue };
  };
  const found = enrolment(candidate, profile, terms.rotationFunctionArn);
  if (found.kind === 'left') return verdict(found.decision);
  if (found.kind === 'refused') {
    const { code, message } = found.error;
    // Where a tag can't be read, the profile alone tells when it is due.
    const time = found.profile && timeOf(secret, status, resolveSettings(undefined, noTags, found.profile));
    return verdict({ action: 'skip', code, message }, time);
  }
  const settings = resolveSettings(undefined, found.tagged, found.profile);
  const time = timeOf(secret, status, settings);
  return verdict(checkScan({ secret, profile: found.profile, settings, status, time, force, now, step }), time);
}

const noTags: TagSettings = { paused: false };

function timeOf({ arn }: SecretSummary, status: Status, settings: Settings): RenewalTime | undefined {
  return status.known && status.validity ? renewalTime(status.validity, settings, arn) : undefined;
}
