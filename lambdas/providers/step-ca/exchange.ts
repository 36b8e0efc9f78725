/** A renewal or rekey at step-ca, with one time limit. */
import type { Instant } from '../../domain/instant.ts';
import type { Credential, Entropy, IssuedChain } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { isSuccess, issuedChain } from './answer.ts';
import { issuersOf } from './chain.ts';
import type { Call, Conversation, StepCaClient } from './client.ts';
import { type Asked, callFailure, refusal } from './errors.ts';
import { keyOf } from './key.ts';

/** The inputs of a renewal or rekey. */
export interface Asking {
  readonly ca: StepCaClient;
  readonly current: Credential;
  readonly now: Instant;
  /** The source of the tokens' ids. */
  readonly entropy: Entropy;
  readonly signal: AbortSignal | undefined;
}

export interface Exchange extends Pick<Asking, 'ca' | 'current' | 'entropy'> {
  /** The key of the current certificate. */
  readonly key: Signer;
  readonly conversation: Conversation;
  readonly asked: Asked;
}

/** Starts the time limit. Throws InvalidRequest without a key, KeyMismatch. */
export function begin({ ca, current, now, entropy, signal }: Asking): Exchange {
  const key = keyOf(current);
  const asked = { host: ca.host, leaf: current.leaf, now };
  return { ca, current, entropy, key, conversation: ca.converse(signal), asked };
}

/** Calls /renew or /rekey. Throws the CA's rejection as an error. */
export async function issue({ conversation, asked }: Exchange, call: () => Promise<Call>): Promise<IssuedChain> {
  const answer = await conversation.send(call).catch((error: unknown) => {
    throw callFailure(error, asked);
  });
  if (!isSuccess(answer)) throw refusal(answer, asked);
  return { certificates: issuedChain(answer, asked.host) };
}

/** Returns the leaf and its issuers, as TLS presents them. */
export function presented({ leaf, chain }: Credential): readonly Uint8Array[] {
  return [leaf, ...issuersOf(leaf, chain)].map(({ der }) => der);
}
