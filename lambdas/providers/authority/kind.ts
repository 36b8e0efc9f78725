import * as z from 'zod/mini';
import { caKind, filledText } from '../kind.ts';

/** Not for a configuration: policy/authority-profile.ts makes the profile of an authority. */
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
  needs: () => ({ secrets: [], signingKeys: [] }), // cdk/authorities/ gives the permissions
  issues: () => false,
  identity: ({ authority }) => [authority],
  root: () => undefined,
  load: async () => (await import('./index.ts')).openAuthority,
});
