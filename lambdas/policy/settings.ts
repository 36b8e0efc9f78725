/** Resolves settings: the request overrides the tag, the tag the profile, the profile the default. */
import * as z from 'zod/mini';
import { RenewalError } from '../domain/errors.ts';
import { rsaSizes } from '../domain/key-spec.ts';
import type { ProbeTerms, Profile } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { OnDemandRequest } from '../domain/request.ts';
import type { Settings, TagSettings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { readEndpoints } from './endpoints.ts';
import { explainIssues, readKeySpec, readTiming, settingFields } from './vocabulary.ts';

const tagOfField: Readonly<Record<string, string>> = {
  mode: tags.mode,
  expiresIn: tags.expiresIn,
  rekeyPeriod: tags.rekeyPeriod,
  kty: tags.kty,
  curve: tags.curve,
  size: tags.size,
  paused: tags.paused,
};
const fieldsOfTags = Object.entries(tagOfField);

const tagSchema = z.strictObject({
  ...settingFields,
  paused: z.optional(z.enum(['true', 'false'])),
});

/** Reads the setting tags of one secret. Throws InvalidTag with the tag's name and the allowed values. */
export function readTagSettings(secretTags: ReadonlyMap<string, string>): TagSettings {
  const input: Record<string, string | number> = {};
  for (const [field, tag] of fieldsOfTags) {
    const value = secretTags.get(tag);
    if (value === undefined) continue;
    input[field] = field === 'size' ? wholeNumber(tag, value) : value;
  }
  if (Object.keys(input).length === 0) return { paused: false }; // the usual case
  const parsed = tagSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = String(issue?.path[0] ?? '');
    const tag = tagOfField[field] ?? field;
    const expected = issue ? explainIssues([{ ...issue, path: [] }], '') : '';
    throw invalidTag(tag, secretTags.get(tag) ?? '', expected);
  }
  const fieldName = (field: string) => tagOfField[field] ?? field;
  const timing = readTiming(parsed.data, fieldName, 'InvalidTag');
  const key = readKeySpec(parsed.data, fieldName, 'InvalidTag');
  return {
    ...(parsed.data.mode && { mode: parsed.data.mode }),
    ...(timing && { timing }),
    ...(key && { key }),
    paused: parsed.data.paused === 'true',
  };
}

/** Tags that are valid or not together. */
const tagGroups = [[tags.mode], [tags.expiresIn, tags.rekeyPeriod], [tags.kty, tags.curve, tags.size], [tags.paused]];

/**
 * Returns the setting tags that are not valid: those with a bad value, or all of a group whose values contradict each other, and
 * endpoints that the profile's `probe` does not allow. No other tags give InvalidTag in the scan.
 */
export function invalidSettingTags(
  secretTags: ReadonlyMap<string, string>,
  probe?: ProbeTerms | undefined,
): readonly string[] {
  const endpoints = secretTags.get(tags.endpoints);
  const isValid = endpoints === undefined || areAllowed(endpoints, probe);
  return [...invalidInGroups(secretTags), ...(isValid ? [] : [tags.endpoints])];
}

function areAllowed(endpoints: string, probe: ProbeTerms | undefined): boolean {
  try {
    readEndpoints(endpoints, probe);
    return true;
  } catch {
    return false;
  }
}

function invalidInGroups(secretTags: ReadonlyMap<string, string>): readonly string[] {
  return tagGroups.flatMap((group) => {
    const found = group.flatMap((tag): Tag[] => {
      const value = secretTags.get(tag);
      return value === undefined ? [] : [[tag, value]];
    });
    if (areValid(found)) return [];
    const good = found.filter(canBeValid);
    const bad = areValid(good) ? found.filter((tag) => !good.includes(tag)) : found;
    return bad.map(([tag]) => tag);
  });
}

type Tag = readonly [tag: string, value: string];

function areValid(some: readonly Tag[]): boolean {
  try {
    readTagSettings(new Map(some));
    return true;
  } catch {
    return false;
  }
}

/** Returns whether a value is valid with some type of key: a curve and a size are never valid alone. */
function canBeValid(tag: Tag): boolean {
  return areValid([tag]) || ['EC', 'OKP', 'RSA'].some((kty) => areValid([[tags.kty, kty], tag]));
}

/** Parses the number in a tag's value. */
function wholeNumber(tag: string, value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  const { least, most } = rsaSizes;
  throw invalidTag(tag, value, `: expected a whole number from ${least} to ${most}`);
}

function invalidTag(tag: string, found: string, expected: string): RenewalError {
  return new RenewalError('InvalidTag', `The tag ${tag} is ${quote(found)}${expected}. Correct or remove it.`);
}

/** Returns the settings of one renewal. `request` is undefined for the schedule. kty, curve and size are overridden as a group. */
export function resolveSettings(
  request: Pick<OnDemandRequest, 'mode' | 'timing' | 'key'> | undefined,
  tagged: TagSettings,
  profile: Profile,
): Settings {
  const timing = request?.timing ?? tagged.timing ?? profile.timing;
  const key = request?.key ?? tagged.key ?? profile.key;
  return {
    mode: request?.mode ?? tagged.mode ?? profile.mode,
    modeSource: request?.mode ? 'request' : tagged.mode ? 'tag' : 'profile',
    ...(timing && { timing }),
    timingSource: request?.timing ? 'request' : tagged.timing ? 'tag' : profile.timing ? 'profile' : 'default',
    ...(key && { key }),
    keySource: request?.key ? 'request' : tagged.key ? 'tag' : profile.key ? 'profile' : 'default',
    paused: tagged.paused || profile.paused,
  };
}
