/** Steps 4 and 5: the key, then the CA. */
import { ofRequest, RenewalError } from '../../domain/errors.ts';
import type { Signer } from '../../domain/signer.ts';
import { generateKey } from '../../keys/generate.ts';
import type { RenewalWorld } from '../world.ts';
import type { Subject } from './gather.ts';
import type { Plan } from './plan.ts';
import { type Answer, parseAnswer } from './verify.ts';

export interface Issued {
  readonly answer: Answer;
  /** The key that the new certificate is for; undefined where the CA holds it. */
  readonly key: Signer | undefined;
}

/**
 * Makes the new key, or takes the present one, and asks the CA. What it answers is parsed here and judged by verify.ts. Throws
 * what the CA's provider throws, and CertificateRejected for what is no certificate.
 */
export async function issue(world: RenewalWorld, subject: Subject, plan: Plan, force: boolean): Promise<Issued> {
  const { provider, leaf, chain, key } = subject;
  const current = { leaf, chain, key };
  const { notAfter } = plan;
  const options = { now: world.clock.now(), force, ...(notAfter !== undefined && { notAfter }) };
  if (plan.operation === 'renew') {
    const { certificates } = await provider.renew(current, options);
    return { answer: parseAnswer(certificates), key };
  }
  const newKey = plan.givenKey ? asRequested(plan.givenKey) : plan.keySpec && (await generateKey(plan.keySpec));
  if (!newKey) throw new RenewalError('Internal', 'A rekey was planned without a key. Report it.');
  const { certificates } = await provider.rekey(current, newKey, options);
  return { answer: parseAnswer(certificates), key: newKey };
}

/** What KMS says of a key that the request has brought is none of the certificate's. */
function asRequested(given: Signer): Signer {
  return {
    ...given,
    sign: (data) =>
      given.sign(data).catch((error: unknown) => {
        throw ofRequest(error);
      }),
  };
}
