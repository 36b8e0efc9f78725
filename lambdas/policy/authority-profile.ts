/** An authority's own certificate, as the rules see it: a profile that no configuration has, and the tags of its secret. */
import type { Authority } from '../domain/authority.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Profile } from '../domain/profile.ts';
import type { TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { readTagSettings } from './settings.ts';

/** The name under which an authority's own certificate appears in plans, events and metrics. */
export function authorityProfileName(authority: string): string {
  return `authority:${authority}`;
}

/**
 * The profile of an authority's own certificate: renewed like any other, with the same key. A disabled one signs nothing,
 * so the schedule leaves it alone.
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

/** The tags of an authority's secret: window and paused count, a new key is out of the question. Throws InvalidTag. */
export function readAuthorityTags(secretTags: ReadonlyMap<string, string>): TagSettings {
  const { key: _, ...settings } = readTagSettings(secretTags);
  if (settings.mode !== 'rekey') return settings;
  throw new RenewalError(
    'InvalidTag',
    `The tag ${tags.mode} is "rekey", and this is the certificate of an authority, which keeps its key so that what it issued stays valid: only renew is possible. Correct or remove it.`,
  );
}
