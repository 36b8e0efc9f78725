/**
 * A profile: which CA, and the defaults for the secrets that name it. It comes from the deployed configuration and from
 * nowhere else. providers/profile.ts validates it.
 */
import type { KeySpec } from './key-spec.ts';
import type { Timing } from './timing.ts';

export type Mode = 'renew' | 'rekey';

/** A CA of the configuration. What else it holds is for its provider alone (providers/), which has the schema. */
export interface CaReference {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Profile {
  readonly name: string;
  readonly ca: CaReference;
  readonly mode: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly passwordSecretId?: string;
  readonly paused: boolean;
}
