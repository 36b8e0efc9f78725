/** What a secret's tags say of its certificate: one judgement for the scan and the inventory. Pure. */
import type { Decision } from '../domain/decision.ts';
import type { Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings, TagSettings } from '../domain/settings.ts';
import { expectedAt } from './declared-tags.ts';
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
  /** When a certificate that is declared and not there was to be there; undefined for any other. */
  readonly expectedAt?: Instant | undefined;
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
  const verdict = (decision: Decision, time?: RenewalTime, due?: Instant): Judgement => {
    const overdue = (time !== undefined && isOverdue(time, now)) || (due !== undefined && now >= due);
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
    // Where a tag can't be read, the profile alone tells when it is due.
    const time = found.profile && timeOf(secret, status, resolveSettings(undefined, noTags, found.profile));
    return verdict({ action: 'skip', code, message }, time);
  }
  const settings = resolveSettings(undefined, found.tagged, found.profile);
  const time = timeOf(secret, status, settings);
  const decision = checkScan({ secret, profile: found.profile, settings, status, time, force, now, step });
  // What is paused is not waited for.
  return verdict(decision, time, settings.paused ? undefined : expectedAt(secret, status));
}

const noTags: TagSettings = { paused: false };

function timeOf({ arn }: SecretSummary, status: Status, settings: Settings): RenewalTime | undefined {
  return status.known && status.validity ? renewalTime(status.validity, settings, arn) : undefined;
}
