/** Stages for the tests of `doctor`. */
import type { TaggedSecret } from '../../cli/aws/secrets.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { hour, internal, start, World } from '../renewal/world.ts';
import { status } from '../renewal/zoo.ts';
import { records, type StageOptions, stage } from './stage.ts';

export const { session: usual } = stage();

export const fresh = status(start - hour, start + 9000 * hour);
export const due = status(start - 20 * hour, start + 4 * hour);
export const expired = status(start - 48 * hour, start - hour);
export const failed = (code: string) => ({ ...due, [tags.failure]: `2 2026-11-22T11:50:00Z ${code}` });

/** A world of secrets in the profile `internal`, with these other tags, which may name another profile. */
export function worldOf(
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ...profiles: readonly Profile[]
): World {
  const world = new World(...(profiles.length > 0 ? profiles : [internal]));
  for (const [name, more] of Object.entries(secrets)) {
    world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...more } });
  }
  return world;
}

export const healthy = (): World => worldOf({ web: fresh });

/** Lists these secrets as those with tags of cert-renewer. */
export const listing = (...secrets: readonly Partial<TaggedSecret>[]) => ({
  ...usual.secrets,
  tagged: async function* () {
    yield secrets.map((one) => ({ arn: `arn:${one.name}`, name: '', description: '', tags: new Map(), ...one }));
  },
});

/** Runs `doctor --json`. `found` leaves out what is well. */
export async function look(options: StageOptions = {}) {
  const { code, stdout } = await stage({ world: healthy(), invoke: () => ({}), ...options }).cli('doctor', '--json');
  const all = records(stdout);
  const { summary } = all.pop() ?? {};
  return { code, all, found: all.filter(({ grade }) => grade !== 'ok'), summary };
}
