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
  pemFields: [],
  advice: {
    CaRejected: {
      means: 'the stack cannot sign the certificate of this authority',
      fix: 'The message says why. Correct it or its parent in "authorities" of the configuration and deploy. If a CA outside of the stack issued it, renew it there and put it into the secret.',
    },
    InvalidCertificate: {
      means: 'the secret of this authority contains no usable certificate',
      fix: 'Roll back to the version before. If it never had one, deploy the stack again, or import the certificate into the secret.',
    },
    KmsDenied: {
      means: 'KMS refuses the use of a key',
      fix: 'The message names the key. That of the authority must be enabled. Name a key that encrypts its secret in encryptionKeys.',
    },
  },
  load: async () => (await import('./index.ts')).openAuthority,
});
