import * as z from 'zod/mini';
import { caKind, filledText } from '../kind.ts';

/** No configuration may name it: policy/authority-profile.ts makes the profile. */
export const authority = caKind({
  type: 'authority',
  schema: z.strictObject({ type: z.literal('authority'), authority: filledText }),
  can: {
    renews: true,
    rekeys: false,
    rekeysInKms: false,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: false,
  },
  needs: () => ({ secrets: [], signingKeys: [] }), // what it may do is said where the authority is made (cdk/authorities/)
  issues: () => false,
  identity: ({ authority }) => [authority],
  root: () => undefined,
  load: async () => (await import('./index.ts')).openAuthority,
});
