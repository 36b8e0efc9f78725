/** The calls to a CA for one certificate, with one time limit. */
import { defaultTimeoutMs, type HttpsAnswer, type HttpsRequest, httpsRequest } from '../net/https.ts';
import { TransportError } from '../net/transport-error.ts';

export interface ConversationLimits {
  /** Milliseconds for all calls together. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Returns a signal that is aborted after this time, with a TimeoutError. For tests. */
  readonly abortedIn?: (milliseconds: number) => AbortSignal;
}

export interface Conversation {
  /**
   * Sends a request. It calls `make` for each try, because a token may be valid only once. There is a second try if a kept connection turns
   * out to be dead. Throws TransportError, and what `make` throws.
   */
  send(make: () => Promise<HttpsRequest>): Promise<HttpsAnswer>;
}

/** Starts the time limit. The conversation also ends when `caller` is aborted. */
export function beginConversation(
  caller: AbortSignal | undefined,
  { timeoutMs = defaultTimeoutMs, abortedIn = AbortSignal.timeout }: ConversationLimits,
): Conversation {
  const limit = abortedIn(timeoutMs);
  const signal = caller === undefined ? limit : AbortSignal.any([limit, caller]);
  const once = async (make: () => Promise<HttpsRequest>) => httpsRequest({ ...(await make()), signal, timeoutMs });
  return {
    send: async (make) => {
      try {
        return await once(make);
      } catch (error) {
        if (error instanceof TransportError && error.stale) return once(make);
        throw error;
      }
    },
  };
}

/** Returns the address of `path` under the path of the CA's address. */
export function addressOf(url: URL, path: string): URL {
  const address = new URL(url.origin);
  address.pathname = url.pathname.replace(/\/+$/, '') + path;
  return address;
}
