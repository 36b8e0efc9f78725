/** POST /renew with a token signed by the certificate's key. It works on a kept connection, with a key in KMS, and after notAfter. */
import { RenewalError } from '../../domain/errors.ts';
import type { IssuedChain } from '../../domain/ports.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { listedCertificates } from './answer.ts';
import { issuersOf, reachesEnd } from './chain.ts';
import type { Call } from './client.ts';
import { callFailure, Refusal } from './errors.ts';
import { type Exchange, issue } from './exchange.ts';
import { advice, clientObstacle, tokenObstacle } from './fitness.ts';
import { renewalToken } from './token.ts';

/** Renews by token. If the CA rejects a leaf that has an obstacle of its own, the CaRejected error names both. */
export async function renewByToken(exchange: Exchange): Promise<IssuedChain> {
  const { ca, current, key, asked, entropy } = exchange;
  const { leaf, chain } = current;
  const known = issuersOf(leaf, chain);
  const issuers = reachesEnd(leaf, known) ? known : issuersOf(leaf, [...chain, ...(await intermediates(exchange))]);
  const call = async (): Promise<Call> => {
    const token = await renewalToken({ leaf, issuers, audience: ca.renewAudience, now: asked.now, entropy }, key);
    return { method: 'POST', path: '/renew', headers: { authorization: `Bearer ${token}` }, body: '' };
  };
  return issue(exchange, call).catch((error: unknown) => {
    const obstacle = clientObstacle(leaf) ?? tokenObstacle(leaf);
    if (obstacle === undefined || !(error instanceof Refusal)) throw error;
    throw new RenewalError('CaRejected', `${error.message} About this certificate: ${obstacle}. ${advice}`, {
      cause: error,
    });
  });
}

/** Returns the CA's current intermediates; an empty list if the CA has no such list. Their signatures are verified later. */
async function intermediates({ conversation, asked }: Exchange) {
  try {
    const answer = await conversation.send(async () => ({ method: 'GET', path: '/intermediates' }));
    return listedCertificates(answer, asked.host).map(parseCertificate);
  } catch (error) {
    const failure = callFailure(error, asked);
    if (failure instanceof RenewalError && (failure.code === 'CaRejected' || failure.code === 'InvalidCertificate')) {
      return [];
    }
    throw failure;
  }
}
