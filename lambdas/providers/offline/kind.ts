import * as z from 'zod/mini';
import { caKind, describe, filledText, textOf } from '../kind.ts';

export const offline = caKind({
  type: 'offline',
  schema: z.strictObject({
    type: describe("An authority of the stack's own.", z.literal('offline')),
    authority: describe('Name of the authority, under "authorities".', filledText),
  }),
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
