/**
 * A profile: which CA, and the defaults for the secrets that name it. It comes from the deployed configuration and from
 * nowhere else. policy/vocabulary.ts validates it.
 */
import type { KeySpec } from './key-spec.ts';
import type { Timing } from './settings.ts';

export type Mode = 'renew' | 'rekey';

export type CaReference =
  | { readonly type: 'step-ca'; readonly url: string; readonly root: string }
  | { readonly type: 'offline'; readonly authority: string }
  /** The CA certificate of an authority of the stack itself; no profile of the configuration has this type. */
  | { readonly type: 'authority'; readonly authority: string }
  | {
      readonly type: 'infisical';
      readonly url: string;
      readonly caId: string;
      readonly authSecretId: string;
      /** PEM; without it the system's roots are trusted. */
      readonly root?: string;
      readonly apiPath?: string;
    };

export interface Profile {
  readonly name: string;
  readonly ca: CaReference;
  readonly mode: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly passwordSecretId?: string;
  readonly paused: boolean;
}
