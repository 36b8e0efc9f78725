import * as z from 'zod/mini';

/** The name of a profile or an authority. All its characters are valid in tag values. A colon marks the profiles of authorities. */
export const profileName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected a name of at most 64 letters, digits and _ . -'));
