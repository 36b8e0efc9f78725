import type { Authority } from '../../lambdas/domain/authority.ts';
import type { AuthoritySource } from '../../lambdas/domain/ports.ts';
import { Faults } from './faults.ts';

/** An authority with the default configuration. */
export function authority(name: string, more: Partial<Authority> = {}): Authority {
  return {
    name,
    secretId: `pki/${name}`,
    disabled: false,
    backdate: 60_000,
    claims: {},
    provisionerClaims: new Map(),
    ...more,
  };
}

/** The authorities of a stack. */
export class FakeAuthorities implements AuthoritySource {
  readonly faults = new Faults();
  readonly #authorities = new Map<string, Authority>();

  constructor(...authorities: readonly Authority[]) {
    for (const each of authorities) this.set(each);
  }

  get names(): readonly string[] {
    return [...this.#authorities.keys()];
  }

  get all(): ReadonlyMap<string, Authority> {
    return this.#authorities;
  }

  /** Adds an authority, or replaces the one with its name. */
  set(each: Authority): void {
    this.#authorities.set(each.name, each);
  }

  find(name: string): Promise<Authority | undefined> {
    return this.faults.around('find', [name], () => this.#authorities.get(name));
  }
}
