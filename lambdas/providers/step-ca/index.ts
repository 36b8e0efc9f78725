/**
 * smallstep's step-ca. Two of its endpoints are used, and they are kept apart:
 * - POST /renew with a token that the old key signs (renew.ts): any key that can sign, one in KMS too, and the only way
 *   past notAfter;
 * - POST /rekey by TLS with the old key (rekey.ts): it takes no token.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { CaProvider, Entropy } from '../../domain/ports.ts';
import { rootsOf } from '../roots.ts';
import { type ConversationLimits, stepCaClient } from './client.ts';
import { health } from './health.ts';
import { rekey, tlsKeyFor } from './rekey.ts';
import { checkRenewable, renew } from './renew.ts';

export interface StepCaOptions extends ConversationLimits {
  /** The CA's address, https; a path in it is kept in front of the endpoints. */
  readonly url: string;
  /** PEM of the only roots that are trusted, for TLS and for what is issued. */
  readonly root: string;
  /** For the tokens' ids. */
  readonly entropy: Entropy;
}

/** Throws InvalidRequest for a url that is not an https one and for a root without a certificate. */
export function stepCaProvider({ url, root, entropy, ...limits }: StepCaOptions): CaProvider {
  const { certificates, pem } = rootsOf(root);
  const ca = stepCaClient(httpsUrl(url), [pem], entropy, limits);
  return {
    renew: (current, options) => renew(ca, current, options),
    rekey: (current, newKey, options) => rekey(ca, current, newKey, options),
    checkFitness: async (current, operation) => {
      if (operation === 'renew') checkRenewable(current);
      else tlsKeyFor(current);
    },
    // Never what the CA says of itself: the profile is where trust comes from.
    roots: async () => certificates,
    answers: ({ signal }) => health(ca, signal),
  };
}

function httpsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new RenewalError(
    'InvalidRequest',
    'The url of the profile is not an https address, such as https://ca.example:9000.',
  );
}
