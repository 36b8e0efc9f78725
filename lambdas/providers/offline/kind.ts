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
  pemFields: [],
  advice: {
    CaRejected: {
      means: 'the authority of the profile does not sign the certificate',
      fix: 'The message names the rule. Correct the authority in "authorities" of the configuration (disabled, caConfig, its parent) and deploy, or renew the authority first.',
    },
    CaUntrusted: {
      means: 'the authority of the profile did not issue the certificate in the secret',
      fix: 'Enrol it in the profile of the CA that issued it, or put a certificate of this authority into the secret.',
    },
    CertificateExpired: {
      means: 'the certificate has expired, and the authority does not renew expired ones',
      fix: 'Set allowRenewalAfterExpiry in the caConfig of the authority and deploy, or put in a new certificate.',
    },
    KmsDenied: {
      means: 'KMS refuses the use of a key',
      fix: 'The message names the key. That of the authority must be enabled, and that of a certificate needs the tag cert-renewer:profile. Name a key that encrypts a secret in encryptionKeys.',
    },
  },
  load: async () => (await import('./index.ts')).openOffline,
});
