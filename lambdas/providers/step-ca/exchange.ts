/** One renewal or rekey: who asks, and what is said to the CA, all of it in one limit of time. */
import type { Instant } from '../../domain/instant.ts';
import type { Credential, Entropy, IssuedChain } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { isSuccess, issuedChain } from './answer.ts';
import { issuersOf } from './chain.ts';
import type { Call, Conversation, StepCaClient } from './client.ts';
import { type Asked, callFailure, refusal } from './errors.ts';
import { keyOf } from './key.ts';

/** What is asked for, before its time begins to run. */
export interface Asking {
  readonly ca: StepCaClient;
  readonly current: Credential;
  readonly now: Instant;
  /** For the tokens' ids. */
  readonly entropy: Entropy;
  readonly signal: AbortSignal | undefined;
}

export interface Exchange extends Pick<Asking, 'ca' | 'current' | 'entropy'> {
  /** Of the certificate that is there. */
  readonly key: Signer;
  readonly conversation: Conversation;
  readonly asked: Asked;
}

/** Throws InvalidRequest without a key, KeyMismatch. */
export function begin({ ca, current, now, entropy, signal }: Asking): Exchange {
  const key = keyOf(current);
  const asked = { host: ca.host, leaf: current.leaf, now };
  return { ca, current, entropy, key, conversation: ca.converse(signal), asked };
}

/** What the CA answered to a /renew or /rekey, or its refusal as an error. */
export async function issue({ conversation, asked }: Exchange, call: () => Promise<Call>): Promise<IssuedChain> {
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
