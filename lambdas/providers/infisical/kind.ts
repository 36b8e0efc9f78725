import * as z from 'zod/mini';
import { caKind, describe, filledText, httpsUrl, textOf } from '../kind.ts';

export const infisical = caKind({
  type: 'infisical',
  schema: z.strictObject({
    type: describe(
      'An internal CA of Infisical. Only the certificate of the CA itself is renewed.',
      z.literal('infisical'),
    ),
    url: describe('Address of Infisical: https, without a query.', httpsUrl),
    caId: describe('Id of the CA.', filledText),
    authSecretId: describe(
      'Name or ARN of the secret with the login: JSON with clientId and clientSecret, or with token.',
      filledText,
    ),
    root: describe(
      'The root certificates for TLS and for the chain: a PEM file, relative to this file, or PEM text. Default: TLS trusts the roots of the system, and the chain must lead to a root in the secret.',
      z.optional(filledText),
    ),
    apiPath: describe(
      'Path of the renewal API, with {caId} in it. Default: the current path, then the previous one.',
      z.optional(z.string()),
    ),
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
  pemFields: ['root'],
  advice: {
    CaUnavailable: {
      means: 'Infisical does not answer',
      fix: 'Start Infisical, or let the network of the renew function reach it. After a change of its url, deploy.',
    },
    CaRejected: {
      means: 'Infisical refuses the login or the request',
      fix: 'The message quotes its answer. Check the login in the secret of authSecretId, what it may do, and caId.',
    },
    CaUntrusted: {
      means: 'the server, or the certificates in the secret, do not lead to a trusted root',
      fix: 'Correct root or url of the profile and deploy. A profile without root needs the root of the CA in the chain in the secret.',
    },
  },
  load: async () => (await import('./index.ts')).openInfisical,
});
