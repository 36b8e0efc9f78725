/**
 * smallstep's step-ca. The product uses three of its endpoints:
 * - POST /renew with a token signed by the old key (by-token.ts): with any key that can sign, also in KMS. The only way after notAfter.
 * - POST /rekey by TLS with the old key (by-tls.ts): it accepts no token.
 * - POST /1.0/sign with a one-time token (sign.ts), if the profile has a provisioner: it needs no old certificate.
 */
import { call } from '../../domain/calls.ts';
import { httpsAddress } from '../../net/https-address.ts';
import type { ConversationLimits } from '../conversation.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, issuesNothing, refuseReceipt } from '../request.ts';
import { rootsOf } from '../roots.ts';
import { stepCaClient } from './client.ts';
import { checkRenewable, tlsKeyFor } from './fitness.ts';
import { health } from './health.ts';
import type { Provisioner } from './provisioner-key.ts';
import { rekey, renew } from './ways.ts';

export interface StepCa {
  /** The CA's https address. Its path is prefixed to the endpoints. */
  readonly url: string;
  /** PEM of the trusted roots, for TLS and for issued certificates. */
  readonly root: string;
  /** Undefined: the CA issues no declared certificates. */
  readonly provisioner?: Provisioner | undefined;
}

/** The end of a message about a profile without a provisioner. */
const provisionerWanted = 'set provisioner in its ca, with the name of a JWK provisioner and its key';

/** Opens the CA. Throws InvalidRequest for a url that is not https, and for a root without a certificate. */
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
    // Never roots from the CA: trust comes only from the profile.
    roots: async () => certificates,
    answers: () => call(policy, 'reach', (signal) => health(ca, signal)),
  });
}
