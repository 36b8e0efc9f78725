import * as z from 'zod/mini';
import type { CaReference } from '../../domain/profile.ts';
import { caKind, filledText, httpsUrl, kmsKeyArn, textOf } from '../kind.ts';

/** A JWK provisioner of the CA, and where its key is: with it certificates are issued by a declaration. */
const provisioner = z
  .strictObject({ name: filledText, kmsKeyArn: z.optional(kmsKeyArn), keySecretId: z.optional(filledText) })
  .check(
    z.refine(
      ({ kmsKeyArn: inKms, keySecretId }) => (inKms === undefined) !== (keySecretId === undefined),
      'expected kmsKeyArn (the key in KMS) or keySecretId (a secret with the key), and not both',
    ),
  );

export const stepCa = caKind({
  type: 'step-ca',
  schema: z.strictObject({
    type: z.literal('step-ca'),
    url: httpsUrl,
    root: filledText,
    provisioner: z.optional(provisioner),
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
  root: ({ root }) => textOf(root),
  load: async () => (await import('./index.ts')).openStepCa,
});

/** A field of it, as the one of a list; none of what is no text. */
function ofProvisioner({ provisioner: configured }: CaReference, field: 'keySecretId' | 'kmsKeyArn'): string[] {
  const isThere = typeof configured === 'object' && configured !== null;
  const text = isThere ? textOf(Reflect.get(configured, field)) : undefined;
  return text === undefined ? [] : [text];
}
