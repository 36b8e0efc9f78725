/** The secrets that may have work, and the profile of each: for the scan, and for whoever looks at the inventory. */
import type { Profile } from '../../domain/profile.ts';
import { authorityProfile } from '../../policy/authority-profile.ts';
import { type Candidate, profileNameOf, profileToFind } from '../../policy/enrolment.ts';
import type { ScanWorld } from '../world.ts';
import { findAuthorities } from './scan-authorities.ts';

export type Listed = Pick<ScanWorld, 'store' | 'authorities' | 'journal'>;

/** `next` is where the listing goes on after it. */
export type CandidatePage = readonly Candidate[] & { readonly next?: string | undefined };

/**
 * The authorities first, then the enrolled secrets page by page; with `from`, the secrets from that page on. Each comes once: a
 * secret that is an authority's too, and one that is on two pages, because others are created and deleted while the listing runs.
 */
export async function* candidates(world: Listed, from?: string): AsyncGenerator<CandidatePage> {
  const authorities = await findAuthorities(world);
  if (authorities.length > 0 && from === undefined) yield authorities;
  const seen = new Set(authorities.map(({ secret }) => secret.arn));
  for await (const page of world.store.list(from)) {
    const found: Candidate[] = [];
    for (const secret of page) {
      if (seen.has(secret.arn)) continue;
      seen.add(secret.arn);
      found.push({ secret });
    }
    yield Object.assign(found, { next: page.next });
  }
}

/**
 * The profile of each candidate of a page; undefined where the stack has none of that name. Each name is looked up once, and
 * only where it counts: names come from tags, and each unknown one costs a call.
 */
export async function profilesOf(
  world: Pick<ScanWorld, 'profiles' | 'rotationFunctionArn'>,
  page: readonly Candidate[],
): Promise<(candidate: Candidate) => Profile | undefined> {
  const names = new Set<string>();
  for (const candidate of page) {
    const name = profileToFind(candidate, world.rotationFunctionArn);
    if (name !== undefined) names.add(name);
  }
  const found = await Promise.all([...names].map(async (name) => [name, await world.profiles.find(name)] as const));
  const profiles = new Map(found);
  return (candidate) =>
    candidate.authority ? authorityProfile(candidate.authority) : profiles.get(profileNameOf(candidate));
}
