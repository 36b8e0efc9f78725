/** The secrets that may have work, and the profile of each: for the scan, and for whoever looks at the inventory. */
import type { Profile } from '../domain/profile.ts';
import { authorityProfile } from '../policy/authority-profile.ts';
import { checkOwnership } from '../policy/checks.ts';
import { type Candidate, profileNameOf } from '../policy/judgement.ts';
import { ownership } from './gather.ts';
import { findAuthorities } from './scan-authorities.ts';
import type { ScanWorld } from './world.ts';

export type Listed = Pick<ScanWorld, 'store' | 'authorities' | 'journal'>;

/** `next` is where the listing goes on after it. */
export type CandidatePage = readonly Candidate[] & { readonly next?: string | undefined };

/**
 * The authorities first, then the enrolled secrets page by page; one that is both is an authority's, and comes once. From
 * a place within the listing: what is left of the secrets.
 */
export async function* candidates(world: Listed, from?: string): AsyncGenerator<CandidatePage> {
  const authorities = await findAuthorities(world);
  if (authorities.length > 0 && from === undefined) yield authorities;
  const own = new Set(authorities.map(({ secret }) => secret.arn));
  for await (const page of world.store.list(from)) {
    const found = page.filter(({ arn }) => !own.has(arn)).map((secret) => ({ secret }));
    yield Object.assign(found, { next: page.next });
  }
}

/**
 * Undefined where the stack has no such profile. It is looked up only where it counts: names come from tags, and each
 * unknown one costs a call.
 */
export async function profileOf(
  world: Pick<ScanWorld, 'profiles' | 'rotationFunctionArn'>,
  candidate: Candidate,
): Promise<Profile | undefined> {
  const { secret, authority } = candidate;
  if (authority) return authorityProfile(authority);
  const isOurs = checkOwnership(ownership(world, secret)) === undefined;
  return isOurs ? world.profiles.find(profileNameOf(candidate)) : undefined;
}
