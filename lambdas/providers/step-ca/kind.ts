import * as z from 'zod/mini';
import { caKind, filledText, httpsUrl, textOf } from '../kind.ts';

export const stepCa = caKind({
  type: 'step-ca',
  schema: z.strictObject({ type: z.literal('step-ca'), url: httpsUrl, root: filledText }),
  can: {
    renews: true,
    rekeys: true,
    rekeysInKms: false,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: true,
  },
  needs: () => ({ secrets: [] }),
  root: ({ root }) => textOf(root),
  load: async () => (await import('./index.ts')).openStepCa,
});
