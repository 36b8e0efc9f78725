/** The selection of a scan request: all enrolled secrets, one profile, or secrets by name; and the names that were not found. */

import { RenewalError } from '../../domain/errors.ts';
import { quote } from '../../domain/quote.ts';
import type { ScanRequest } from '../../domain/request.ts';
import { authorityProfileName } from '../../policy/authority-profile.ts';
import { type Candidate, profileNameOf } from '../../policy/enrolment.ts';
import type { ScanWorld } from '../world.ts';

/** Throws InvalidRequest for a profile that the stack does not have, because counts of zero would look like success. */
export async function requireProfile(
  { profiles, authorities }: Pick<ScanWorld, 'profiles' | 'authorities'>,
  { profile, continuation }: ScanRequest,
): Promise<void> {
  // A continuation was validated by the first invocation.
  if (profile === undefined || continuation !== undefined) return;
  const own = (authorities?.names ?? []).map(authorityProfileName);
  if (own.includes(profile) || (await profiles.find(profile))) return;
  const hint = own.length > 0 ? `, or one of its authorities: ${own.join(', ')}` : '';
  throw new RenewalError(
    'InvalidRequest',
    `This stack has no profile ${quote(profile)}: correct the name, or deploy the profile. Expected one of "profiles" in the deployed configuration${hint}.`,
  );
}

/** Filters the requested candidates, page by page. */
export class Selection {
  readonly #profile: string | undefined;
  readonly #secretIds: ReadonlySet<string> | undefined;
  readonly #missing: Set<string>;

  constructor({ profile, secretIds, continuation }: ScanRequest) {
    this.#profile = profile;
    this.#secretIds = secretIds && new Set(secretIds);
    this.#missing = new Set(continuation?.notFound ?? secretIds);
  }

  of(page: readonly Candidate[]): readonly Candidate[] {
    return page.filter((candidate) => {
      const { name, arn } = candidate.secret;
      this.#missing.delete(name);
      this.#missing.delete(arn);
      if (this.#profile !== undefined && profileNameOf(candidate) !== this.#profile) return false;
      return this.#secretIds === undefined || this.#secretIds.has(name) || this.#secretIds.has(arn);
    });
  }

  /** The requested `secretIds` that no page contained so far. Undefined if the request has none. */
  get notFound(): readonly string[] | undefined {
    return this.#secretIds && [...this.#missing];
  }
}
