import type { Window } from './duration.ts';

/** When to act: so much before the end, or so much after the start. */
export type Timing =
  | { readonly kind: 'expiresIn'; readonly window: Window }
  | { readonly kind: 'rekeyPeriod'; readonly milliseconds: number; readonly text: string };
