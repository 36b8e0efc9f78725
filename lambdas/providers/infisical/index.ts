/**
 * Infisical. It holds the keys of its CAs, so there is one thing to ask for: the renewal of a CA's certificate with the
 * same key. Leaves and rekeys are none of its API's business here.
 */

import { sameBytes } from '../../domain/bytes.ts';
import { call } from '../../domain/calls.ts';
import type { CertificateChain } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { verifyPath } from '../../x509/chain.ts';
import type { ConversationLimits } from '../conversation.ts';
import { httpsAddress } from '../https-address.ts';
import type { CaCalls } from '../kind.ts';
import { askedFor, issuesNothing, refuseReceipt } from '../request.ts';
import { rootsOf } from '../roots.ts';
import { checkIsCa, renew } from './ca-renewal.ts';
import { infisicalClient } from './client.ts';
import type { ReadAuthSecret } from './credentials.ts';
import { renewalPaths } from './paths.ts';
import { sessionOf } from './session.ts';

export interface Infisical {
  /** https; a path in it is kept in front of the API's. */
  readonly url: string;
  /** The CA's id in Infisical. */
  readonly caId: string;
  /** Where the renewal is: a path with `{caId}` in it. Undefined: the one of today, and the old one where that is unknown. */
  readonly apiPath?: string | undefined;
  /**
   * PEM of the only roots that are trusted, for TLS and for what is issued. Undefined: the system's for TLS, and for what is
   * issued the root that the secret's own chain leads to.
   */
  readonly root?: string | undefined;
  /** Name or ARN of the secret with `clientId` and `clientSecret`, or with `token`. */
  readonly authSecretId: string;
}

/** Throws InvalidRequest for a url that is not https, a caId or an apiPath that make no path, a root without a certificate. */
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
      // What the deployment names is all that is trusted: else a value that is written into the secret could add to it.
      roots: async (current) => {
        const roots = configured ?? (current === undefined ? [] : ownRootsOf(current));
        if (roots.length > 0) return roots;
        throw new RenewalError(
          'CaUntrusted',
          'The profile has no root, and the certificates in the secret lead to none: put the root of the CA into the chain of the secret, as Infisical gives it, or its PEM into the root of the profile.',
        );
      },
    };
  };
}

const keepsItsKey = () =>
  new RenewalError(
    'InvalidRequest',
    'Infisical renews a CA with the key that it holds and with no other: use the mode renew.',
  );

/** Self-signed certificates of the secret's own that its CA certificate leads to, or is. */
function ownRootsOf({ leaf, chain }: CertificateChain): readonly Uint8Array[] {
  return [leaf, ...chain]
    .filter((top) => sameBytes(top.subject, top.issuer))
    .filter((top) => verifyPath(leaf, chain, [top], Math.max(leaf.notBefore, top.notBefore)).ok)
    .map(({ der }) => der);
}
