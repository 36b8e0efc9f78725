/**
 * A profile: the CA and the default settings for the secrets that name it. It comes only from the deployed configuration.
 * providers/profile.ts validates it.
 */
import type { KeySpec } from './key-spec.ts';
import type { Timing } from './timing.ts';

export type Mode = 'renew' | 'rekey';

/** `issue` makes a new certificate by its declaration. `renew` and `rekey` copy the present certificate. */
export type Operation = 'issue' | Mode;

/** A CA of the configuration. Its other fields are for its provider only (providers/), which has the schema. */
export interface CaReference {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The limits for certificates that a profile may issue. */
export interface Issuance {
  /**
   * Allowed names by the rules of RFC 5280 section 4.2.1.10 (`dns:example.com`, `ip:10.0.0.0/8` …), and common names (`cn:<text>`).
   */
  readonly allow: readonly string[];
  /** Milliseconds, for declarations without a duration. Undefined: the CA's default. */
  readonly duration?: number;
  /** Milliseconds. Undefined: only the CA limits the duration. */
  readonly maxDuration?: number;
}

/** Where the probe may connect, by `probe` of the configuration. */
export interface ProbeTerms {
  /** Each entry is `dns:` and a name, or `ip:` and a range (10.0.0.0/8). */
  readonly allow: readonly string[];
  /** Milliseconds after a renewal in which all endpoints are to serve the new certificate. */
  readonly within: number;
}

export interface Profile {
  readonly name: string;
  readonly ca: CaReference;
  readonly mode: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly passwordSecretId?: string;
  /** Undefined: this profile issues nothing. */
  readonly issue?: Issuance;
  readonly paused: boolean;
  /** Undefined: the stack does not probe endpoints. The same for all profiles of a stack. */
  readonly probe?: ProbeTerms;
}
