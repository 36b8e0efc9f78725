/**
 * A profile: which CA, and the defaults for the secrets that name it. It comes from the deployed configuration and from
 * nowhere else. providers/profile.ts validates it.
 */
import type { KeySpec } from './key-spec.ts';
import type { Timing } from './timing.ts';

export type Mode = 'renew' | 'rekey';

/** What is done for a certificate: a renewal of what is there, or a certificate by its declaration. */
export type Operation = 'issue' | Mode;

/** A CA of the configuration. What else it holds is for its provider alone (providers/), which has the schema. */
export interface CaReference {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a profile may have issued. */
export interface Issuance {
  /** Names by the rules of RFC 5280 section 4.2.1.10 (`dns:example.com`, `ip:10.0.0.0/8` …), and common names (`cn:<text>`). */
  readonly allow: readonly string[];
  /** Milliseconds: where a declaration names none; undefined: the CA's own. */
  readonly duration?: number;
  /** Milliseconds; undefined: as long as the CA issues. */
  readonly maxDuration?: number;
}

export interface Profile {
  readonly name: string;
  readonly ca: CaReference;
  readonly mode: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly passwordSecretId?: string;
  /** Undefined: nothing is issued in this profile. */
  readonly issue?: Issuance;
  readonly paused: boolean;
}
