/** `enrol` and `unenrol`: the tags that a secret is kept by. */
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

/** What the tags of a secret may say of its renewal: for `enrol` and `import`. */
export const enrolmentOptions = {
  profile: { flags: '--profile <profile>', description: 'a profile of the stack; needed' },
  mode: { flags: '--mode <mode>', description: 'new key pair, or the same', choices: ['rekey', 'renew'] },
  expiresIn: { flags: '--expires-in <window>', description: 'renew when no more than this is left: 8h, 33%' },
  rekeyPeriod: { flags: '--rekey-period <duration>', description: 'renew when this much has passed since notBefore' },
  kty: { flags: '--kty <type>', description: 'type of new keys', choices: ['EC', 'OKP', 'RSA'] },
  curve: { flags: '--curve <curve>', description: 'P-256, P-384, P-521 or Ed25519; needs --kty' },
  size: { flags: '--size <bits>', description: 'of RSA keys, 2048 to 8192; needs --kty' },
  paused: { flags: '--paused', description: 'enrolled, but left alone by the schedule for now' },
} as const;

type Given = OptionValues<typeof enrolmentOptions>;

/** The tags that are asked for. Throws UsageError for what the scan would call InvalidTag. */
export function tagsOf(given: Given): Readonly<Record<string, string>> & { readonly [tags.profile]: string } {
  const { profile, mode, expiresIn, rekeyPeriod, kty, curve, size, paused } = given;
  if (profile === undefined) throw new UsageError('--profile is missing: name a profile of the stack.');
  const wanted = {
    [tags.mode]: mode,
    [tags.expiresIn]: expiresIn?.replace(/%$/, 'pct'), // a tag's value can hold no %
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

/** Tags of before that would contradict the new ones: each group moves as one. */
function overridden(secret: SecretSummary, set: Readonly<Record<string, string>>): string[] {
  return [keyGroup, timingGroup].flatMap((group) =>
    group.some((tag) => tag in set) ? group.filter((tag) => !(tag in set) && secret.tags.has(tag)) : [],
  );
}

export const enrol = command({
  name: 'enrol',
  summary: 'have cert-renewer keep these secrets',
  description: [
    'Sets the tags that enrol a secret in a profile; --mode and the others override the profile for this secret. One that is enrolled already moves to the profile. The value is not read: the next scan has a worker look at it.',
  ],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: enrolmentOptions,
  examples: [
    { command: 'cert-renewer enrol web/tls --profile internal', says: 'with all the defaults of the profile' },
    { command: 'cert-renewer enrol web/tls --profile internal --expires-in 33%', says: 'and a window of its own' },
  ],
  needs: [
    ...[findStack, readSettings, readProfiles, describeSecrets],
    { actions: ['secretsmanager:TagResource'], on: 'secrets' },
    { actions: ['secretsmanager:UntagResource'], on: 'secrets', when: 'it has tags that contradict the new ones' },
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
        throw new RenewalError('InvalidRequest', 'It is a replica: enrol its primary, in the Region that writes it.');
      }
      await session.store.tag(secret.arn, set, overridden(secret, set));
      const from = before !== undefined && before !== profile ? ` (it was in ${before})` : '';
      return {
        says: `enrolled in ${profile}${from}; see what will happen: cert-renewer plan ${secret.name}`,
        record: { secretArn: secret.arn, profile, previousProfile: before ?? null },
      };
    });
  },
});

export const unenrol = command({
  name: 'unenrol',
  summary: 'take them out of its hands',
  description: ['Takes all tags of cert-renewer away. The value stays as it is, and nobody renews it any more.'],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: {},
  examples: [{ command: 'cert-renewer unenrol web/tls', says: 'the pair stays where it is' }],
  needs: [describeSecrets, { actions: ['secretsmanager:UntagResource'], on: 'enrolled' }],
  winds: true,
  run: (context, names) =>
    each(context, names, async (name) => {
      const { session } = context;
      const secret = await session.store.describe(name);
      requireEnrolled(secret);
      // The profile last: with it goes the right to change the others.
      const others = Object.values(tags).filter((tag) => tag !== tags.profile && secret.tags.has(tag));
      if (others.length > 0) await session.store.tag(secret.arn, {}, others);
      await session.store.tag(secret.arn, {}, [tags.profile]);
      const profile = secret.tags.get(tags.profile) ?? '';
      const end = secret.tags.get(tags.notAfter);
      const says = `no longer in ${profile}${end === undefined ? '' : `; its certificate ends on ${end}`}`;
      return { says, record: { secretArn: secret.arn, profile, notAfter: end ?? null } };
    }),
});
