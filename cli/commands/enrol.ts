/** `enrol` and `unenrol`: the tags that enrol a secret. */
import { RenewalError, toRenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { quote } from '../../lambdas/domain/quote.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { invalidSettingTags, readTagSettings } from '../../lambdas/policy/settings.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import { authorityOf } from '../../lambdas/renewal/authority.ts';
import { command, type OptionValues } from '../command.ts';
import { type Done, each } from '../each.ts';
import { endpointOption, endpointsTag } from '../endpoints.ts';
import { UsageError } from '../exit.ts';
import { tagsInFlags } from '../flags.ts';
import { requireEnrolled } from '../inventory.ts';
import {
  describeSecrets,
  findStack,
  listProfiles,
  readAuthorities,
  readProfiles,
  readSettings,
} from '../permissions.ts';
import { type Deployment, requireProfile, type Session } from '../session.ts';
import { warningsOf, warningText } from '../warnings.ts';

/** The settings that tags hold, for `enrol` and `import`. */
export const enrolmentOptions = {
  profile: { flags: '--profile <profile>', description: 'a profile of the stack; required' },
  mode: {
    flags: '--mode <mode>',
    description: 'new key pair (rekey), or the same (renew)',
    choices: ['rekey', 'renew'],
  },
  expiresIn: {
    flags: '--expires-in <window>',
    description: 'renew when this much time or less is left: 8h, or 33% of the validity',
  },
  rekeyPeriod: {
    flags: '--rekey-period <duration>',
    description: 'renew when this much time has passed since notBefore',
  },
  kty: { flags: '--kty <type>', description: 'type of new keys', choices: ['EC', 'OKP', 'RSA'] },
  curve: { flags: '--curve <curve>', description: 'P-256, P-384, P-521 or Ed25519; needs --kty' },
  size: { flags: '--size <bits>', description: 'size of RSA keys, 2048 to 8192; needs --kty' },
  endpoint: endpointOption,
  paused: { flags: '--paused', description: 'enrol, but exclude from the schedule for now' },
} as const;

type Given = OptionValues<typeof enrolmentOptions>;

/** Returns the tags for the options. Throws UsageError where the scan would report InvalidTag. */
export function tagsOf(given: Given): Readonly<Record<string, string>> & { readonly [tags.profile]: string } {
  const { profile, mode, expiresIn, rekeyPeriod, kty, curve, size, endpoint, paused } = given;
  if (profile === undefined) throw new UsageError('--profile is missing: name a profile of the stack.');
  const wanted = {
    [tags.mode]: mode,
    [tags.expiresIn]: expiresIn?.replace(/%$/, 'pct'), // a tag's value can't contain %
    [tags.rekeyPeriod]: rekeyPeriod,
    [tags.kty]: kty,
    [tags.curve]: curve,
    [tags.size]: size,
    [tags.endpoints]: endpoint && endpointsTag(endpoint),
    [tags.paused]: paused ? 'true' : undefined,
  };
  const set = Object.fromEntries(
    Object.entries(wanted).flatMap(([tag, value]) => (value === undefined ? [] : [[tag, value]])),
  );
  try {
    readTagSettings(new Map(Object.entries(set)));
  } catch (thrown) {
    throw new UsageError(tagsInFlags(toRenewalError(thrown).message));
  }
  return { [tags.profile]: profile, ...set };
}

const keyGroup = [tags.kty, tags.curve, tags.size];
const timingGroup = [tags.expiresIn, tags.rekeyPeriod];

/** Returns earlier tags that would contradict the new ones. Each group is replaced as a whole. */
function overridden(secret: SecretSummary, set: Readonly<Record<string, string>>): string[] {
  return [keyGroup, timingGroup].flatMap((group) =>
    group.some((tag) => tag in set) ? group.filter((tag) => !(tag in set) && secret.tags.has(tag)) : [],
  );
}

export const enrol = command({
  name: 'enrol',
  summary: 'enrol secrets: renew them from now on',
  description: [
    'Sets the tags that enrol a secret in a profile. The other options override the profile for this secret. A secret of another profile moves to this one. The command does not read the value; a worker inspects it after the next scan.',
    'Tags of earlier settings stay, unless they contradict the new ones or are not valid (InvalidTag): these are removed, and the command says which. It warns of a window that will not apply as it is (WindowClamped, WindowBelowSchedule).',
  ],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: enrolmentOptions,
  examples: [
    { command: 'cert-renewer enrol web/tls --profile internal', says: 'with the defaults of the profile' },
    { command: 'cert-renewer enrol web/tls --profile internal --expires-in 33%', says: 'with its own window' },
  ],
  needs: [
    ...[findStack, readSettings, readProfiles, listProfiles, readAuthorities, describeSecrets],
    { actions: ['secretsmanager:TagResource'], on: 'secrets' },
    {
      actions: ['secretsmanager:UntagResource'],
      on: 'secrets',
      when: 'the secret has tags that contradict the new ones, or are not valid',
    },
  ],
  winds: true,
  run: async (context, names, given) => {
    const { session } = context;
    const set = tagsOf(given);
    const profile = await requireProfile(session, set[tags.profile]);
    if (given.endpoint) endpointsTag(given.endpoint, profile);
    return each(context, names, (name) => enrolOne(session, name, profile, set));
  },
});

async function enrolOne(
  session: Session,
  name: string,
  profile: Profile,
  set: Readonly<Record<string, string>>,
): Promise<Done> {
  const { store, clock } = session;
  const deployment = await session.deployment();
  const secret = await store.describe(name);
  await refuseOthers(deployment, secret);
  const outdated = overridden(secret, set);
  const now = clock.now();
  const invalid = notValid(secret, profile, new Set([...outdated, ...Object.keys(set)]), now);
  const gone = [...outdated, ...invalid];
  await store.tag(secret.arn, set, gone);
  const left = [...secret.tags].filter(([tag]) => !gone.includes(tag));
  const enrolled = { ...secret, tags: new Map([...left, ...Object.entries(set)]) };
  const warnings = warningsOf({ secret: enrolled }, profile, deployment, now);
  const before = secret.tags.get(tags.profile);
  const from = before !== undefined && before !== profile.name ? ` (it was in ${before})` : '';
  const removed = invalid.map((tag) => `${tag} (${quote(secret.tags.get(tag) ?? '')})`);
  const what =
    removed.length === 0
      ? ''
      : `; removed ${removed.join(', ')}, which ${invalid.length === 1 ? 'is' : 'are'} not valid`;
  return {
    says: `enrolled in ${profile.name}${from}${what}; cert-renewer plan ${secret.name} shows what happens next${warningText(warnings)}`,
    record: {
      secretArn: secret.arn,
      profile: profile.name,
      previousProfile: before ?? null,
      removed: invalid,
      warnings,
    },
  };
}

/** Refuses a replica, and the secret of an authority of the stack: the stack renews that without tags. Throws InvalidRequest. */
async function refuseOthers(deployment: Deployment, secret: SecretSummary): Promise<void> {
  if (secret.isReplica) {
    throw new RenewalError('InvalidRequest', 'The secret is a replica: enrol its primary, in the primary’s Region.');
  }
  const authority = await authorityOf(deployment, secret);
  if (authority === undefined) return;
  throw new RenewalError(
    'InvalidRequest',
    `The secret has the certificate of the stack's own authority ${authority.name}, which the configuration enrols: leave out its name. cert-renewer status ${secret.name} shows it.`,
  );
}

/**
 * Returns the tags of earlier settings that are not valid and that no new one replaces. A mode of rekey is not valid if the worker says
 * so: the certificate has a key that can't change. The worker's InvalidTag is not about the mode if another tag was wrong.
 */
function notValid(
  secret: SecretSummary,
  { probe }: Profile,
  replaced: ReadonlySet<string>,
  now: Instant,
): readonly string[] {
  const kept = new Map([...secret.tags].filter(([tag]) => !replaced.has(tag)));
  if (invalidSettingTags(secret.tags, probe).length > 0) return invalidSettingTags(kept, probe);
  if (kept.get(tags.mode) !== 'rekey') return [];
  const status = readStatus(secret, now);
  return status.known && status.failure?.code === 'InvalidTag' ? [tags.mode] : [];
}

export const unenrol = command({
  name: 'unenrol',
  summary: 'stop renewing secrets',
  description: ['Removes all tags of cert-renewer. The value stays as it is and is not renewed any more.'],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: {},
  examples: [{ command: 'cert-renewer unenrol web/tls', says: 'the pair stays in the secret' }],
  needs: [describeSecrets, { actions: ['secretsmanager:UntagResource'], on: 'enrolled' }],
  winds: true,
  run: (context, names) =>
    each(context, names, async (name) => {
      const { session } = context;
      const secret = await session.store.describe(name);
      requireEnrolled(secret);
      // The profile last: IAM may allow changes of tags only while it is there.
      const others = Object.values(tags).filter((tag) => tag !== tags.profile && secret.tags.has(tag));
      if (others.length > 0) await session.store.tag(secret.arn, {}, others);
      await session.store.tag(secret.arn, {}, [tags.profile]);
      const profile = secret.tags.get(tags.profile) ?? '';
      const end = secret.tags.get(tags.notAfter);
      const says = `no longer in ${profile}${end === undefined ? '' : `; its certificate ends on ${end}`}`;
      return { says, record: { secretArn: secret.arn, profile, notAfter: end ?? null } };
    }),
});
