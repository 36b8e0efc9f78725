/** The profile and the tag settings of an authority's own certificate. No configuration contains this profile. */
import type { Authority } from '../domain/authority.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Profile } from '../domain/profile.ts';
import type { TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { readTagSettings } from './settings.ts';

/** Returns the profile name of an authority's own certificate in plans, events and metrics. */
export function authorityProfileName(authority: string): string {
  return `authority:${authority}`;
}

/** Returns whether a profile name is an authority's. No profile of a configuration has a colon in its name. */
export const isAuthorityProfile = (name: string): boolean => name.startsWith(authorityProfileName(''));

/**
 * Returns the profile of an authority's own certificate. It is renewed with the same key. A disabled authority signs nothing, so
 * its profile is paused.
 */
export function authorityProfile(authority: Authority): Profile {
  const { name, passwordSecretId, disabled } = authority;
  return {
    name: authorityProfileName(name),
    ca: { type: 'authority', authority: name },
    mode: 'renew',
    ...(passwordSecretId !== undefined && { passwordSecretId }),
    paused: disabled,
  };
}

/** Reads the tags of an authority's secret. Window and `paused` count, the tags for a new key do not. Throws InvalidTag. */
export function readAuthorityTags(secretTags: ReadonlyMap<string, string>): TagSettings {
  const { key: _, ...settings } = readTagSettings(secretTags);
  if (settings.mode !== 'rekey') return settings;
  throw new RenewalError(
    'InvalidTag',
    `The tag ${tags.mode} is "rekey", but an authority keeps its key, so that the certificates it issued stay valid: only renew is possible. Correct or remove it.`,
  );
}
