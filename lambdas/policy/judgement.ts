/** What a secret's tags say of its certificate: one judgement for the scan, the inventory and whoever else looks. Pure. */
import type { Authority } from '../domain/authority.ts';
import type { Decision } from '../domain/decision.ts';
import { quote } from '../domain/duration.ts';
import { toRenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { holdsKey } from '../domain/key-text.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { authorityProfileName, readAuthorityTags } from './authority-profile.ts';
import { checkOwnership, checkScan } from './checks.ts';
import { isOverdue, type RenewalTime, renewalTime } from './renewal-time.ts';
import { readTagSettings, resolveSettings } from './settings.ts';
import { readStatus, type Status } from './status.ts';

/** A secret that may have work: listed by its tag, or one of the stack's own authorities. */
export interface Candidate {
  readonly secret: SecretSummary;
  readonly authority?: Authority;
}

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

/** The name that a candidate's profile has in plans, events and metrics; quoted for one that is a key by mistake. */
export function profileNameOf({ secret, authority }: Candidate): string {
  if (authority) return authorityProfileName(authority.name);
  const name = secret.tags.get(tags.profile) ?? '';
  return holdsKey(name) ? quote(name) : name;
}

/** `profile` is undefined where the stack has none of that name. Never throws: what a tag holds is part of the judgement. */
export function judge(candidate: Candidate, profile: Profile | undefined, terms: JudgementTerms): Judgement {
  const { secret, authority } = candidate;
  const { now, step, force, rotationFunctionArn } = terms;
  const name = profileNameOf(candidate);
  const status = readStatus(secret, now);
  const verdict = (decision: Decision, time?: RenewalTime): Judgement => {
    const overdue = time !== undefined && isOverdue(time, now);
    return { secret, profile: name, ...(authority && { authority }), decision, status, time, overdue };
  };
  const left = checkOwnership({ secret, ...(rotationFunctionArn !== undefined && { rotationFunctionArn }) });
  if (left) return verdict(left);
  if (!profile) return verdict(unknownProfile(name));
  const tagged = settingsOf(secret, authority ? readAuthorityTags : readTagSettings);
  if ('action' in tagged) return verdict(tagged, timeOf(secret, status, { paused: false }, profile));
  const time = timeOf(secret, status, tagged, profile);
  const settings = resolveSettings(undefined, tagged, profile);
  return verdict(checkScan({ secret, profile, settings, status, time, force, now, step }), time);
}

function settingsOf(secret: SecretSummary, read: typeof readTagSettings): TagSettings | Decision {
  try {
    return read(secret.tags);
  } catch (thrown) {
    const { code, message } = toRenewalError(thrown);
    return { action: 'skip', code, message };
  }
}

function timeOf(secret: SecretSummary, status: Status, tagged: TagSettings, profile: Profile): RenewalTime | undefined {
  if (!status.known || !status.validity) return undefined;
  return renewalTime(status.validity, resolveSettings(undefined, tagged, profile), secret.arn);
}

function unknownProfile(name: string): Decision {
  const message = `The tag ${tags.profile} is ${quote(name)}, and this stack has no such profile: correct the tag, or deploy the profile.`;
  return { action: 'skip', code: 'UnknownProfile', message };
}
