/**
 * smallstep's step-ca. Two of its endpoints are used, and they are kept apart:
 * - POST /renew with a token that the old key signs (by-token.ts): any key that can sign, one in KMS too, and the only way
 *   past notAfter;
 * - POST /rekey by TLS with the old key (by-tls.ts): it takes no token.
 */
import { call } from '../../domain/calls.ts';
import type { ConversationLimits } from '../conversation.ts';
import { httpsAddress } from '../https-address.ts';
import type { CaCalls } from '../kind.ts';
import { newKeyOf, refuseReceipt } from '../request.ts';
import { rootsOf } from '../roots.ts';
import { stepCaClient } from './client.ts';
import { checkRenewable, tlsKeyFor } from './fitness.ts';
import { health } from './health.ts';
import { rekey, renew } from './ways.ts';

export interface StepCa {
  /** The CA's address, https; a path in it is kept in front of the endpoints. */
  readonly url: string;
  /** PEM of the only roots that are trusted, for TLS and for what is issued. */
  readonly root: string;
}

/** Throws InvalidRequest for a url that is not an https one and for a root without a certificate. */
export function openStepCa({ url, root }: StepCa, limits: ConversationLimits = {}): CaCalls {
  const { certificates, pem } = rootsOf(root);
  const ca = stepCaClient(httpsAddress(url, 'https://ca.example:9000'), [pem], limits);
  return ({ policy, clock, entropy }) => ({
    ask: (request) =>
      call(policy, 'ask', async (signal) => {
        refuseReceipt(request);
        const newKey = newKeyOf(request);
        const asking = { ca, current: request.current, now: clock.now(), entropy, signal };
        return { kind: 'issued', ...(await (newKey === undefined ? renew(asking) : rekey(asking, newKey))) };
      }),
    checkFitness: async (current, operation) => {
      if (operation === 'renew') checkRenewable(current);
      else tlsKeyFor(current);
    },
    // Never what the CA says of itself: the profile is where trust comes from.
    roots: async () => certificates,
    answers: () => call(policy, 'reach', (signal) => health(ca, signal)),
  });
}
