/** Talking to one step-ca: addresses, trust, one limit of time for all calls of an operation. */
import type { KeyObject } from 'node:crypto';
import { encodePem } from '../../domain/pem.ts';
import type { Entropy } from '../../domain/ports.ts';
import { defaultTimeoutMs, type HttpsAnswer, httpsRequest } from '../https.ts';
import { TransportError } from '../transport-error.ts';

export interface ConversationLimits {
  /** For all calls of one renewal or rekey together. Default 10 s. */
  readonly timeoutMs?: number;
  /** The clock of that limit: a signal that is aborted then, with a TimeoutError. */
  readonly abortedIn?: (milliseconds: number) => AbortSignal;
}

export interface StepCaClient {
  /** Host, and port where it is not 443: for messages. */
  readonly host: string;
  /** What a renewal token must name as its audience. */
  readonly renewAudience: string;
  readonly entropy: Entropy;
  /** The time of one renewal or rekey begins to run. */
  converse(signal: AbortSignal | undefined): Conversation;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: '/renew' | '/rekey' | '/intermediates' | '/health';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly client?: { readonly certificates: readonly Uint8Array[]; readonly key: KeyObject };
}

export interface Conversation {
  /**
   * `call` is made anew for each try: a token is good for one only. There is a second one when a connection kept from
   * an earlier call turns out to be dead. Throws TransportError, and what `call` throws.
   */
  send(call: () => Promise<Call>): Promise<HttpsAnswer>;
}

export function stepCaClient(
  url: URL,
  trusted: readonly string[],
  entropy: Entropy,
  { timeoutMs = defaultTimeoutMs, abortedIn = AbortSignal.timeout }: ConversationLimits,
): StepCaClient {
  const prefix = url.pathname.replace(/\/+$/, '');
  const converse = (outer: AbortSignal | undefined): Conversation => {
    const limit = abortedIn(timeoutMs);
    const signal = outer === undefined ? limit : AbortSignal.any([limit, outer]);
    const once = async (make: () => Promise<Call>): Promise<HttpsAnswer> => {
      const { path, client, ...call } = await make();
      const address = new URL(url.origin);
      address.pathname = prefix + path;
      return httpsRequest({ ...call, url: address, ca: trusted, client: client && inPem(client), signal, timeoutMs });
    };
    const send = async (make: () => Promise<Call>): Promise<HttpsAnswer> => {
      try {
        return await once(make);
      } catch (error) {
        if (error instanceof TransportError && error.stale) return once(make);
        throw error;
      }
    };
    return { send };
  };
  // step-ca compares the audience with its dnsNames and these two paths, whatever path a proxy puts in front.
  return { host: url.host, renewAudience: `https://${url.host}/renew`, entropy, converse };
}

function inPem({ certificates, key }: NonNullable<Call['client']>): { certificates: string; key: KeyObject } {
  return { certificates: certificates.map((der) => encodePem('CERTIFICATE', der)).join('\n'), key };
}
