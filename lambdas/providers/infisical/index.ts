/**
 * Infisical. It holds the keys of its CAs. The product only renews the certificate of a CA, with the same key; it neither renews leaves nor
 * rekeys.
 */

import { sameBytes } from '../../domain/bytes.ts';
import { call } from '../../domain/calls.ts';
import type { CertificateChain } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import { httpsAddress } from '../../net/https-address.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { verifyPath } from '../../x509/chain.ts';
import type { ConversationLimits } from '../conversation.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, issuesNothing, refuseReceipt } from '../request.ts';
import { rootsOf } from '../roots.ts';
import { checkIsCa, renew } from './ca-renewal.ts';
import { infisicalClient } from './client.ts';
import type { ReadAuthSecret } from './credentials.ts';
import { renewalPaths } from './paths.ts';
import { sessionOf } from './session.ts';

export interface Infisical {
  /** An https address. Its path is prefixed to the API's. */
  readonly url: string;
  /** Id of the CA in Infisical. */
  readonly caId: string;
  /** Path of the renewal, with `{caId}` in it. Undefined: the current path and, if it is unknown, the previous one. */
  readonly apiPath?: string | undefined;
  /**
   * PEM of the trusted roots, for TLS and for issued certificates. Undefined: the system's roots for TLS, and the root of the secret's own
   * chain for issued certificates.
   */
  readonly root?: string | undefined;
  /** Name or ARN of the secret with `clientId` and `clientSecret`, or with `token`. */
  readonly authSecretId: string;
}

/**
 * Opens the CA. Throws InvalidRequest for a url that is not https, a caId or an apiPath that gives no path, or a root without a
 * certificate.
 */
export function openInfisical(
  { url, caId, root, authSecretId, apiPath }: Infisical,
  limits: ConversationLimits = {},
): CaCalls {
  const paths = renewalPaths(caId, apiPath);
  const trusted = root === undefined ? undefined : rootsOf(root);
  const configured = trusted?.certificates.map((der) => parseCertificate(der).der);
  const client = infisicalClient(httpsAddress(url, 'https://eu.infisical.com'), trusted && [trusted.pem], limits);
  const session = sessionOf(authSecretId);
  return ({ policy, clock, store }) => {
    const readSecret: ReadAuthSecret = (secretId) => store.read(secretId);
    return {
      ask: (request) =>
        call(policy, 'ask', async (signal) => {
          refuseReceipt(request);
          const asked = askedFor(request);
          if (asked.kind === 'issue') throw issuesNothing('name one of type step-ca or offline');
          if (asked.kind === 'rekey') throw keepsItsKey();
          const options = { now: clock.now(), readSecret, signal };
          return { kind: 'issued', ...(await renew({ client, session, paths }, asked.current, options)) };
        }),
      checkFitness: async ({ leaf }, operation) => {
        if (operation === 'rekey') throw keepsItsKey();
        checkIsCa(leaf);
      },
      answers: () =>
        call(policy, 'reach', async (signal) => {
          const conversation = client.converse(signal);
          await session.token({ client, conversation, readSecret, now: clock.now() });
        }),
      // Only the roots of the configuration count, if there are any. Otherwise the value of the secret could add others.
      roots: async (current) => {
        const roots = configured ?? (current === undefined ? [] : ownRootsOf(current));
        if (roots.length > 0) return roots;
        throw new RenewalError(
          'CaUntrusted',
          'The profile has no root, and the certificates in the secret lead to none: add the root of the CA to the chain in the secret, as Infisical returns it, or set the root of the profile.',
        );
      },
    };
  };
}

const keepsItsKey = () =>
  new RenewalError('InvalidRequest', 'Infisical renews a CA only with the key that it holds: use the mode renew.');

/** Returns the self-signed certificates of the secret that the CA certificate leads to, or is. */
function ownRootsOf({ leaf, chain }: CertificateChain): readonly Uint8Array[] {
  return [leaf, ...chain]
    .filter((top) => sameBytes(top.subject, top.issuer))
    .filter((top) => verifyPath(leaf, chain, [top], Math.max(leaf.notBefore, top.notBefore)).ok)
    .map(({ der }) => der);
}
