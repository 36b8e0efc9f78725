import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Timing } from './timing.ts';

/** Where a setting comes from. The request overrides the tag, the tag overrides the profile. */
export type SettingSource = 'request' | 'tag' | 'profile' | 'default';

/** The settings in one secret's tags. Undefined for an absent tag. */
export interface TagSettings {
  readonly mode?: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly paused: boolean;
}

/** The settings of one renewal, each from the source with the highest precedence. */
export interface Settings {
  readonly mode: Mode;
  readonly modeSource: SettingSource;
  /** Undefined: a third of the validity. */
  readonly timing?: Timing;
  readonly timingSource: SettingSource;
  /** Undefined: the same type and size as the present key. */
  readonly key?: KeySpec;
  readonly keySource: SettingSource;
  readonly paused: boolean;
}
