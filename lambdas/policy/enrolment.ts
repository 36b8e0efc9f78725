/**
 * Whether cert-renewer may renew a secret, and by which profile and tags. The scan, the worker and the inventory share this rule.
 */
import type { Authority } from '../domain/authority.ts';
import type { Decision } from '../domain/decision.ts';
import { RenewalError, toRenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import type { Profile } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Endpoint } from '../domain/serving.ts';
import type { TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { authorityProfile, authorityProfileName, readAuthorityTags } from './authority-profile.ts';
import { readEndpoints } from './endpoints.ts';
import { checkOwnership } from './ownership.ts';
import { readTagSettings } from './settings.ts';

/** A secret to judge: one with the profile tag, or one of an authority. */
export interface Candidate {
  readonly secret: SecretSummary;
  readonly authority?: Authority;
}

/**
 * - `enrolled`: cert-renewer may write it, its profile exists and its tags are valid.
 * - `left`: another writer owns it (a replica, another rotation, an AWS service). This is not an error.
 * - `refused`: SecretNotFound (scheduled for deletion), SecretNotEnrolled, UnknownProfile or InvalidTag. The scan reports the error's
 *   code and message, the worker throws it. `profile` is set with InvalidTag.
 */
export type Enrolment =
  | {
      readonly kind: 'enrolled';
      readonly profile: Profile;
      readonly tagged: TagSettings;
      /** Where the certificate is served. Empty for an authority. */
      readonly endpoints: readonly Endpoint[];
    }
  | { readonly kind: 'left'; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly error: RenewalError; readonly profile?: Profile };

/** Returns the name of a candidate's profile in plans, events and metrics. A tag that holds a key by mistake is not quoted. */
export function profileNameOf({ secret, authority }: Candidate): string {
  if (authority) return authorityProfileName(authority.name);
  const name = secret.tags.get(tags.profile) ?? '';
  return holdsKey(name) ? quote(name) : name;
}

/**
 * Returns the name of the profile that the caller has to look up and pass to `enrolment`. Undefined if no profile is needed (an
 * authority, no tag, a secret of another writer), because each unknown name costs a call.
 */
export function profileToFind(candidate: Candidate, rotationFunctionArn: string | undefined): string | undefined {
  const { secret, authority } = candidate;
  const name = secret.tags.get(tags.profile);
  if (authority || name === undefined || holdsKey(name)) return undefined;
  return checkOwnership({ secret, rotationFunctionArn }) === undefined ? name : undefined;
}

/**
 * Decides about a candidate. `profile` is the stack's profile with the name from `profileToFind`. Never throws: an invalid tag is
 * part of the answer.
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
      `The secret ${secret.name} has no tag ${tags.profile}. To enrol it, add the tag with the name of a profile of this stack.`,
    );
  }
  const left = checkOwnership({ secret, rotationFunctionArn });
  if (left?.code === 'SecretNotFound') return foreign('SecretNotFound', left.message);
  if (left) return { kind: 'left', decision: left };
  const found = authority ? authorityProfile(authority) : profile;
  if (!found) {
    return foreign(
      'UnknownProfile',
      `The tag ${tags.profile} is ${quote(profileName ?? '')}, but this stack has no such profile: correct the tag, or deploy the profile.`,
    );
  }
  try {
    const tagged = authority ? readAuthorityTags(secret.tags) : readTagSettings(secret.tags);
    const places = authority ? undefined : secret.tags.get(tags.endpoints);
    const endpoints = places === undefined ? [] : readEndpoints(places, found.probe);
    return { kind: 'enrolled', profile: found, tagged, endpoints };
  } catch (thrown) {
    return { kind: 'refused', error: toRenewalError(thrown), profile: found };
  }
}

/** Refuses a secret that cert-renewer may not write, so nothing is noted on it. */
function foreign(code: 'SecretNotEnrolled' | 'SecretNotFound' | 'UnknownProfile', message: string): Enrolment {
  return { kind: 'refused', error: new RenewalError(code, message, { concerns: 'foreign' }) };
}
