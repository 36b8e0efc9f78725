import * as z from 'zod/mini';
import { caKind, filledText, textOf } from '../kind.ts';

export const offline = caKind({
  type: 'offline',
  schema: z.strictObject({ type: z.literal('offline'), authority: filledText }),
  can: {
    renews: true,
    rekeys: true,
    rekeysInKms: true,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: false,
  },
  needs: (ca) => {
    const authority = textOf(ca['authority']);
    return { secrets: [], signingKeys: [], ...(authority !== undefined && { authority }) };
  },
  issues: () => true,
  identity: ({ authority }) => [authority],
  root: () => undefined,
  load: async () => (await import('./index.ts')).openOffline,
});
