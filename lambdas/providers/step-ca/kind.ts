import * as z from 'zod/mini';
import type { CaReference } from '../../domain/profile.ts';
import { caKind, describe, filledText, httpsUrl, kmsKeyArn, textOf } from '../kind.ts';

const provisioner = z
  .strictObject({
    name: describe('Name of the JWK provisioner at the CA.', filledText),
    kmsKeyArn: describe("ARN of the KMS key that is the provisioner's. Excludes keySecretId.", z.optional(kmsKeyArn)),
    keySecretId: describe(
      "Name or ARN of the secret with the provisioner's key, PEM or JWK. Excludes kmsKeyArn.",
      z.optional(filledText),
    ),
  })
  .check(
    z.refine(
      ({ kmsKeyArn: inKms, keySecretId }) => (inKms === undefined) !== (keySecretId === undefined),
      'expected kmsKeyArn (the key in KMS) or keySecretId (a secret with the key), not both',
    ),
  );

export const stepCa = caKind({
  type: 'step-ca',
  schema: z.strictObject({
    type: describe('A step-ca.', z.literal('step-ca')),
    url: describe('Address of the CA: https, without a query.', httpsUrl),
    root: describe('The root certificates: a PEM file, relative to this file, or PEM text.', filledText),
    provisioner: describe(
      'A JWK provisioner, which issues declared certificates. Default: the CA renews and rekeys only.',
      z.optional(provisioner),
    ),
  }),
  can: {
    renews: true,
    rekeys: true,
    rekeysInKms: false,
    answers: 'at once',
    keyHolder: 'secret',
    wantsPath: true,
  },
  needs: (ca) => ({ secrets: ofProvisioner(ca, 'keySecretId'), signingKeys: ofProvisioner(ca, 'kmsKeyArn') }),
  issues: ({ provisioner: configured }) => configured !== undefined,
  identity: ({ url }) => [url],
  pemFields: ['root'],
  advice: {
    CaUnavailable: {
      means: 'the CA does not answer',
      fix: 'Start step-ca, or let the network of the renew function reach it. After a change of its url, deploy.',
    },
    CaRejected: {
      means: 'the CA refuses the request',
      fix: 'The message quotes its answer, and its log says more. Check that the provisioner exists, its claims, and the policy of the CA.',
    },
    CaUntrusted: {
      means: 'the server at the url of the profile does not prove that it is the CA of the root',
      fix: 'Correct root or url of the profile and deploy. The TLS certificate of step-ca may have expired too.',
    },
  },
  load: async () => (await import('./index.ts')).openStepCa,
});

/** Returns a field of the provisioner as a list of one; an empty list if it is not a string. */
function ofProvisioner({ provisioner: configured }: CaReference, field: 'keySecretId' | 'kmsKeyArn'): string[] {
  const isThere = typeof configured === 'object' && configured !== null;
  const text = isThere ? textOf(Reflect.get(configured, field)) : undefined;
  return text === undefined ? [] : [text];
}
