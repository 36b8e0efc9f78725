import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Timing } from './timing.ts';

/** Who asked for a setting. The request overrides the tag, the tag overrides the profile. */
export type SettingSource = 'request' | 'tag' | 'profile' | 'default';

/** What one secret's tags ask for; undefined where a tag is absent. */
export interface TagSettings {
  readonly mode?: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly paused: boolean;
}

/** The settings of one renewal, each from the nearest place that names it. */
export interface Settings {
  readonly mode: Mode;
  readonly modeSource: SettingSource;
  /** Undefined: a third of the validity. */
  readonly timing?: Timing;
  readonly timingSource: SettingSource;
  /** Undefined: the same algorithm and size as the present key. */
  readonly key?: KeySpec;
  readonly keySource: SettingSource;
  readonly paused: boolean;
}
