import * as z from 'zod/mini';
import { caKind, filledText, httpsUrl, textOf } from '../kind.ts';

export const infisical = caKind({
  type: 'infisical',
  schema: z.strictObject({
    type: z.literal('infisical'),
    url: httpsUrl,
    caId: filledText,
    authSecretId: filledText,
    root: z.optional(filledText),
    apiPath: z.optional(z.string()),
  }),
  can: {
    renews: true,
    rekeys: false,
    rekeysInKms: false,
    answers: 'at once',
    keyHolder: 'ca',
    wantsPath: false,
  },
  needs: (ca) => ({ secrets: [textOf(ca['authSecretId'])].filter((id) => id !== undefined), signingKeys: [] }),
  issues: () => false,
  identity: ({ url, caId }) => [url, caId],
  root: ({ root }) => textOf(root),
  load: async () => (await import('./index.ts')).openInfisical,
});
