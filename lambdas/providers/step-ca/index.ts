/**
 * smallstep's step-ca. Three of its endpoints are used, and they are kept apart:
 * - POST /renew with a token that the old key signs (by-token.ts): any key that can sign, one in KMS too, and the only way
 *   past notAfter;
 * - POST /rekey by TLS with the old key (by-tls.ts): it takes no token;
 * - POST /1.0/sign with a one-time token (sign.ts), where the profile has a provisioner: it takes no old certificate.
 */
import { call } from '../../domain/calls.ts';
import type { ConversationLimits } from '../conversation.ts';
import { httpsAddress } from '../https-address.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, issuesNothing, refuseReceipt } from '../request.ts';
import { rootsOf } from '../roots.ts';
import { stepCaClient } from './client.ts';
import { checkRenewable, tlsKeyFor } from './fitness.ts';
import { health } from './health.ts';
import type { Provisioner } from './provisioner-key.ts';
import { rekey, renew } from './ways.ts';

export interface StepCa {
  /** The CA's address, https; a path in it is kept in front of the endpoints. */
  readonly url: string;
  /** PEM of the only roots that are trusted, for TLS and for what is issued. */
  readonly root: string;
  /** Undefined: nothing is issued by a declaration. */
  readonly provisioner?: Provisioner | undefined;
}

/** What a profile needs, at the end of a sentence. */
const provisionerWanted = 'set provisioner in its ca, the name of a JWK provisioner and where its key is';

/** Throws InvalidRequest for a url that is not an https one and for a root without a certificate. */
export function openStepCa({ url, root, provisioner }: StepCa, limits: ConversationLimits = {}): CaCalls {
  const { certificates, pem } = rootsOf(root);
  const ca = stepCaClient(httpsAddress(url, 'https://ca.example:9000'), [pem], limits);
  return ({ policy, clock, entropy, store, vault }) => ({
    ask: (request) =>
      call(policy, 'ask', async (signal) => {
        refuseReceipt(request);
        const asked = askedFor(request);
        const asking = { ca, now: clock.now(), entropy, signal };
        switch (asked.kind) {
          case 'issue': {
            if (provisioner === undefined) throw issuesNothing(provisionerWanted);
            const { signDeclared } = await import('./sign.ts');
            const { content, key } = asked;
            const sources = { store, vault };
            return { kind: 'issued', ...(await signDeclared({ ...asking, provisioner, content, key, sources })) };
          }
          case 'renew':
            return { kind: 'issued', ...(await renew({ ...asking, current: asked.current })) };
          case 'rekey':
            return { kind: 'issued', ...(await rekey({ ...asking, current: asked.current }, asked.newKey)) };
        }
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
