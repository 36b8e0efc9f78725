import type { ProfileSource } from '../../lambdas/domain/ports.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { Faults } from './faults.ts';

/** The profiles of a stack. */
export class FakeProfiles implements ProfileSource {
  readonly faults = new Faults();
  readonly #profiles: Map<string, Profile>;

  constructor(...profiles: readonly Profile[]) {
    this.#profiles = new Map(profiles.map((profile) => [profile.name, profile]));
  }

  /** Adds a profile, or replaces the one with its name. */
  set(profile: Profile): void {
    this.#profiles.set(profile.name, profile);
  }

  names(): readonly string[] {
    return [...this.#profiles.keys()].sort();
  }

  find(name: string): Promise<Profile | undefined> {
    return this.faults.around('find', [name], () => this.#profiles.get(name));
  }
}
