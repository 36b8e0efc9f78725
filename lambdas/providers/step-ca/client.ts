/** The client of a step-ca: its addresses, its roots, and one time limit for all calls of an operation. */
import type { KeyObject } from 'node:crypto';
import { encodePem } from '../../domain/pem.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { addressOf, beginConversation, type ConversationLimits } from '../conversation.ts';

export interface StepCaClient {
  /** Host, and port if it is not 443. For messages. */
  readonly host: string;
  /** The audience of a renewal token. */
  readonly renewAudience: string;
  /** The audience of a one-time token. */
  readonly signAudience: string;
  /** The path for a CSR with a one-time token. */
  readonly signPath: '/sign' | '/1.0/sign';
  /** Starts the time limit of one certificate. */
  converse(signal: AbortSignal | undefined): Conversation;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: '/renew' | '/rekey' | '/sign' | '/1.0/sign' | '/intermediates' | '/health';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly client?: { readonly certificates: readonly Uint8Array[]; readonly key: KeyObject };
}

export interface Conversation {
  /** Sends a call. It calls `call` for each try, because a token is valid only once. Throws TransportError, and what `call` throws. */
  send(call: () => Promise<Call>): Promise<HttpsAnswer>;
}

export function stepCaClient(url: URL, trusted: readonly string[], limits: ConversationLimits): StepCaClient {
  const converse = (signal: AbortSignal | undefined): Conversation => {
    const { send } = beginConversation(signal, limits);
    return {
      send: (make) =>
        send(async () => {
          const { path, client, ...call } = await make();
          return { ...call, url: addressOf(url, path), ca: trusted, client: client && inPem(client) };
        }),
    };
  };
  return {
    host: url.host,
    // step-ca compares an audience with its dnsNames and these paths, without the path that a proxy adds.
    renewAudience: `https://${url.host}/renew`,
    signAudience: `https://${url.host}/1.0/sign`,
    signPath: /\/1\.0\/*$/.test(url.pathname) ? '/sign' : '/1.0/sign',
    converse,
  };
}

function inPem({ certificates, key }: NonNullable<Call['client']>): { certificates: string; key: KeyObject } {
  return { certificates: certificates.map((der) => encodePem('CERTIFICATE', der)).join('\n'), key };
}
