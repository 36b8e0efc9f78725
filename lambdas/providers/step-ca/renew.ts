/**
 * The same key goes on. By token: one call on a kept connection, five times as many a second as by TLS client
 * authentication, possible with a key in KMS and after notAfter. By TLS where the CA would refuse the token.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Credential, IssuedChain, IssueOptions } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { isSuccess, issuedChain, listedCertificates } from './answer.ts';
import { issuersOf, reachesEnd } from './chain.ts';
import type { Call, Conversation, StepCaClient } from './client.ts';
import { type Asked, callFailure, Refusal, refusal } from './errors.ts';
import { clientObstacle, tokenObstacle } from './fitness.ts';
import { keyOf } from './key.ts';
import { renewalToken } from './token.ts';

/** Throws what CaProvider.renew throws. */
export async function renew(ca: StepCaClient, current: Credential, options: IssueOptions): Promise<IssuedChain> {
  const { leaf } = current;
  const key = keyOf(current);
  const conversation = ca.converse(options.signal);
  const asked: Asked = { host: ca.host, leaf, now: options.now };
  const { privateKey } = key;
  if (privateKey === undefined || options.now > leaf.notAfter || clientObstacle(leaf) !== undefined) {
    return renewByToken(ca, conversation, current, key, asked);
  }
  const call: Call = { method: 'POST', path: '/renew', client: { certificates: presented(current), key: privateKey } };
  const byTls = (): Promise<IssuedChain> => issue(conversation, async () => call, asked);
  if (tokenObstacle(leaf) !== undefined) return byTls();
  try {
    return await renewByToken(ca, conversation, current, key, asked);
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    // Some certificates pass by TLS only: one that outlives its intermediate, or a CA behind another host's name.
    return byTls().catch((error: unknown) => {
      throw error instanceof RenewalError && error.retryable ? error : refused;
    });
  }
}

export const advice = 'A certificate with it, or a profile with another kind of CA, is the way.';

/** Throws CaRejected for a leaf that step-ca takes by neither way, KeyMismatch, and InvalidRequest without a key. */
export function checkRenewable(current: Pick<Credential, 'leaf' | 'key'>): void {
  const { leaf } = current;
  const { privateKey } = keyOf(current);
  // A key in KMS can sign a token, and never takes part in TLS.
  const obstacle = clientObstacle(leaf) ?? (privateKey === undefined ? tokenObstacle(leaf) : undefined);
  if (obstacle === undefined) return;
  throw new RenewalError(
    'CaRejected',
    `step-ca takes this certificate neither by TLS nor by a token: ${obstacle}. ${advice}`,
  );
}

/** Throws CaRejected with the leaf's own obstacle beside the CA's words, where it has one. */
export async function renewByToken(
  ca: StepCaClient,
  conversation: Conversation,
  { leaf, chain }: Credential,
  key: Signer,
  asked: Asked,
): Promise<IssuedChain> {
  const known = issuersOf(leaf, chain);
  const issuers = reachesEnd(leaf, known)
    ? known
    : issuersOf(leaf, [...chain, ...(await intermediates(conversation, asked))]);
  const call = async (): Promise<Call> => {
    const token = await renewalToken(
      { leaf, issuers, audience: ca.renewAudience, now: asked.now, entropy: ca.entropy },
      key,
    );
    return { method: 'POST', path: '/renew', headers: { authorization: `Bearer ${token}` }, body: '' };
  };
  return issue(conversation, call, asked).catch((error: unknown) => {
    const obstacle = clientObstacle(leaf) ?? tokenObstacle(leaf);
    if (obstacle === undefined || !(error instanceof Refusal)) throw error;
    throw new RenewalError('CaRejected', `${error.message} Of this certificate: ${obstacle}. ${advice}`, {
      cause: error,
    });
  });
}

/** What the CA answered to a /renew or /rekey, or its refusal as an error. */
export async function issue(conversation: Conversation, call: () => Promise<Call>, asked: Asked): Promise<IssuedChain> {
  const answer = await conversation.send(call).catch((error: unknown) => {
    throw callFailure(error, asked);
  });
  if (!isSuccess(answer)) throw refusal(answer, asked);
  return { certificates: issuedChain(answer, asked.host) };
}

/** The leaf and what leads up from it, as TLS presents it. */
export function presented({ leaf, chain }: Credential): readonly Uint8Array[] {
  return [leaf, ...issuersOf(leaf, chain)].map(({ der }) => der);
}

/** The CA's intermediates of today; none from a CA that has no such list. Each must prove itself by a signature later. */
async function intermediates(conversation: Conversation, asked: Asked) {
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
