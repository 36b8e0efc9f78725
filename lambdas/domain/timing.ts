import type { Window } from './duration.ts';

/** When a certificate is due: a window before its end, or a period after its start. */
export type Timing =
  | { readonly kind: 'expiresIn'; readonly window: Window }
  | { readonly kind: 'rekeyPeriod'; readonly milliseconds: number; readonly text: string };
