/** Lists the secrets to judge, and finds the profile of each, for the scan and for the inventory. */
import type { Profile } from '../../domain/profile.ts';
import { authorityProfile } from '../../policy/authority-profile.ts';
import { type Candidate, profileNameOf, profileToFind } from '../../policy/enrolment.ts';
import type { ScanWorld } from '../world.ts';
import { findAuthorities } from './scan-authorities.ts';

export type Listed = Pick<ScanWorld, 'store' | 'authorities' | 'journal'>;

/** `next` is the token of the next page. */
export type CandidatePage = readonly Candidate[] & { readonly next?: string | undefined };

/**
 * Yields the authorities, then the enrolled secrets page by page. With `from`, only the secrets from that page on. Each secret
 * comes once, even if it is also an authority's, or on two pages because secrets are created and deleted during the listing.
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
 * Returns the lookup of the profile of each candidate in a page. It gives undefined if the stack has no such profile. Each name is
 * looked up once and only if it matters, because each unknown name costs a call.
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
