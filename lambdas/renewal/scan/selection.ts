/** What a scan was asked for: all that is enrolled, one profile, or some secrets by name; and what of it is not there. */

import { RenewalError } from '../../domain/errors.ts';
import { quote } from '../../domain/quote.ts';
import type { ScanRequest } from '../../domain/request.ts';
import { authorityProfileName } from '../../policy/authority-profile.ts';
import { type Candidate, profileNameOf } from '../../policy/enrolment.ts';
import type { ScanWorld } from '../world.ts';

/** Throws InvalidRequest for a profile that the stack lacks: zeros would look as if all were well. */
export async function requireProfile(
  { profiles, authorities }: Pick<ScanWorld, 'profiles' | 'authorities'>,
  { profile, continuation }: ScanRequest,
): Promise<void> {
  // What goes on was asked for while the profile was there.
  if (profile === undefined || continuation !== undefined) return;
  const own = (authorities?.names ?? []).map(authorityProfileName);
  if (own.includes(profile) || (await profiles.find(profile))) return;
  const hint = own.length > 0 ? `, or one of its authorities: ${own.join(', ')}` : '';
  throw new RenewalError(
    'InvalidRequest',
    `This stack has no profile ${quote(profile)}: correct the name, or deploy the profile. Expected one of "profiles" in the deployed configuration${hint}.`,
  );
}

/** The candidates that are asked for, page by page. */
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

  /** Of the ids that were given those that no page held so far; undefined where none was given. */
  get notFound(): readonly string[] | undefined {
    return this.#secretIds && [...this.#missing];
  }
}
