/** `enrol` and `unenrol`: the tags that enrol a secret. */
import { RenewalError, toRenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { command, type OptionValues } from '../command.ts';
import { each } from '../each.ts';
import { UsageError } from '../exit.ts';
import { requireEnrolled } from '../inventory.ts';
import { describeSecrets, findStack, readProfiles, readSettings } from '../permissions.ts';
import { requireProfile } from '../session.ts';

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
  paused: { flags: '--paused', description: 'enrol, but exclude from the schedule for now' },
} as const;

type Given = OptionValues<typeof enrolmentOptions>;

/** Returns the tags for the options. Throws UsageError where the scan would report InvalidTag. */
export function tagsOf(given: Given): Readonly<Record<string, string>> & { readonly [tags.profile]: string } {
  const { profile, mode, expiresIn, rekeyPeriod, kty, curve, size, paused } = given;
  if (profile === undefined) throw new UsageError('--profile is missing: name a profile of the stack.');
  const wanted = {
    [tags.mode]: mode,
    [tags.expiresIn]: expiresIn?.replace(/%$/, 'pct'), // a tag's value can't contain %
    [tags.rekeyPeriod]: rekeyPeriod,
    [tags.kty]: kty,
    [tags.curve]: curve,
    [tags.size]: size,
    [tags.paused]: paused ? 'true' : undefined,
  };
  const set = Object.fromEntries(
    Object.entries(wanted).flatMap(([tag, value]) => (value === undefined ? [] : [[tag, value]])),
  );
  try {
    readTagSettings(new Map(Object.entries(set)));
  } catch (thrown) {
    throw new UsageError(
      toRenewalError(thrown)
        .message.replaceAll('The tag ', '')
        .replaceAll(/cert-renewer:([a-z-]+)/g, '--$1'),
    );
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
  ],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: enrolmentOptions,
  examples: [
    { command: 'cert-renewer enrol web/tls --profile internal', says: 'with the defaults of the profile' },
    { command: 'cert-renewer enrol web/tls --profile internal --expires-in 33%', says: 'with its own window' },
  ],
  needs: [
    ...[findStack, readSettings, readProfiles, describeSecrets],
    { actions: ['secretsmanager:TagResource'], on: 'secrets' },
    {
      actions: ['secretsmanager:UntagResource'],
      on: 'secrets',
      when: 'the secret has tags that contradict the new ones',
    },
  ],
  winds: true,
  run: async (context, names, given) => {
    const { session } = context;
    const set = tagsOf(given);
    const { name: profile } = await requireProfile(session, set[tags.profile]);
    return each(context, names, async (name) => {
      const secret = await session.store.describe(name);
      const before = secret.tags.get(tags.profile);
      if (secret.isReplica) {
        throw new RenewalError(
          'InvalidRequest',
          'The secret is a replica: enrol its primary, in the primary’s Region.',
        );
      }
      await session.store.tag(secret.arn, set, overridden(secret, set));
      const from = before !== undefined && before !== profile ? ` (it was in ${before})` : '';
      return {
        says: `enrolled in ${profile}${from}; cert-renewer plan ${secret.name} shows what happens next`,
        record: { secretArn: secret.arn, profile, previousProfile: before ?? null },
      };
    });
  },
});

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
