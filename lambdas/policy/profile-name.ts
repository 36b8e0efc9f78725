import * as z from 'zod/mini';

/** What a profile or an authority is called. Tag values are the alphabet; a colon is left for the profiles of authorities. */
export const profileName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected a name of letters, digits and _ . -, at most 64 long'));
