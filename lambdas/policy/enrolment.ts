/** Whether a secret is ours to renew, and by which profile and tags: one answer for the scan, the worker and the inventory. */
import type { Authority } from '../domain/authority.ts';
import type { Decision } from '../domain/decision.ts';
import { RenewalError, toRenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import type { Profile } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { authorityProfile, authorityProfileName, readAuthorityTags } from './authority-profile.ts';
import { checkOwnership } from './ownership.ts';
import { readTagSettings } from './settings.ts';

/** A secret that may have work: listed by its tag, or one of the stack's own authorities. */
export interface Candidate {
  readonly secret: SecretSummary;
  readonly authority?: Authority;
}

/**
 * - `enrolled`: ours to write, its profile is there and its tags are good.
 * - `left`: somebody else writes it (a replica, another rotation, an AWS service), and that is no mistake.
 * - `refused`: SecretNotFound (being deleted), SecretNotEnrolled, UnknownProfile or InvalidTag. The scan tells the code and
 *   the message of the error, the worker throws it. With InvalidTag the profile is known.
 */
export type Enrolment =
  | { readonly kind: 'enrolled'; readonly profile: Profile; readonly tagged: TagSettings }
  | { readonly kind: 'left'; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly error: RenewalError; readonly profile?: Profile };

/** The name that a candidate's profile has in plans, events and metrics; quoted for one that is a key by mistake. */
export function profileNameOf({ secret, authority }: Candidate): string {
  if (authority) return authorityProfileName(authority.name);
  const name = secret.tags.get(tags.profile) ?? '';
  return holdsKey(name) ? quote(name) : name;
}

/**
 * The name of the profile that `enrolment` has to be given: look it up, and hand over what was found. Undefined where none
 * is asked for (an authority, no tag, a secret that is not ours): names come from tags, and each unknown one costs a call.
 */
export function profileToFind(candidate: Candidate, rotationFunctionArn: string | undefined): string | undefined {
  const { secret, authority } = candidate;
  const name = secret.tags.get(tags.profile);
  if (authority || name === undefined || holdsKey(name)) return undefined;
  return checkOwnership({ secret, rotationFunctionArn }) === undefined ? name : undefined;
}

/**
 * `profile` is what the stack has under the name of `profileToFind`; an authority's secret needs none. Never throws: what a
 * tag holds is part of the answer.
 */
export function enrolment(
  { secret, authority }: Candidate,
  profile: Profile | undefined,
  rotationFunctionArn: string | undefined,
): Enrolment {
  const profileName = secret.tags.get(tags.profile);
  if (!authority && profileName === undefined) {
    return foreign(
      'SecretNotEnrolled',
      `The secret ${secret.name} has no tag ${tags.profile}: tag it with the name of a profile of this stack to have it renewed.`,
    );
  }
  const left = checkOwnership({ secret, rotationFunctionArn });
  if (left?.code === 'SecretNotFound') return foreign('SecretNotFound', left.message);
  if (left) return { kind: 'left', decision: left };
  const found = authority ? authorityProfile(authority) : profile;
  if (!found) {
    return foreign(
      'UnknownProfile',
      `The tag ${tags.profile} is ${quote(profileName ?? '')}, and this stack has no such profile: correct the tag, or deploy the profile.`,
    );
  }
  try {
    const tagged = authority ? readAuthorityTags(secret.tags) : readTagSettings(secret.tags);
    return { kind: 'enrolled', profile: found, tagged };
  } catch (thrown) {
    return { kind: 'refused', error: toRenewalError(thrown), profile: found };
  }
}

/** It is not ours to write, so nothing is noted on it. */
function foreign(code: 'SecretNotEnrolled' | 'SecretNotFound' | 'UnknownProfile', message: string): Enrolment {
  return { kind: 'refused', error: new RenewalError(code, message, { concerns: 'foreign' }) };
}
