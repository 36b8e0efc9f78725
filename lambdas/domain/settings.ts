import type { Window } from './duration.ts';
import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';

/** When to act: so much before the end, or so much after the start. */
export type Timing =
  | { readonly kind: 'expiresIn'; readonly window: Window }
  | { readonly kind: 'rekeyPeriod'; readonly milliseconds: number; readonly text: string };

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
