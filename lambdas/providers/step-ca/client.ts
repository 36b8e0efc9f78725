/** Talking to one step-ca: addresses, trust, one limit of time for all calls of an operation. */
import type { KeyObject } from 'node:crypto';
import { encodePem } from '../../domain/pem.ts';
import { addressOf, beginConversation, type ConversationLimits } from '../conversation.ts';
import type { HttpsAnswer } from '../https.ts';

export interface StepCaClient {
  /** Host, and port where it is not 443: for messages. */
  readonly host: string;
  /** What a renewal token must name as its audience. */
  readonly renewAudience: string;
  /** What a one-time token must name as its audience. */
  readonly signAudience: string;
  /** Where a certificate request goes with a one-time token. */
  readonly signPath: '/sign' | '/1.0/sign';
  /** The time of one certificate begins to run. */
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
  /** `call` is made anew for each try: a token is good for one only. Throws TransportError, and what `call` throws. */
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
    // step-ca compares an audience with its dnsNames and these paths, whatever path a proxy puts in front.
    renewAudience: `https://${url.host}/renew`,
    signAudience: `https://${url.host}/1.0/sign`,
    signPath: /\/1\.0\/*$/.test(url.pathname) ? '/sign' : '/1.0/sign',
    converse,
  };
}

function inPem({ certificates, key }: NonNullable<Call['client']>): { certificates: string; key: KeyObject } {
  return { certificates: certificates.map((der) => encodePem('CERTIFICATE', der)).join('\n'), key };
}
