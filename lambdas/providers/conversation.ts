/** All that is said to a CA for one certificate: several calls, one limit of time. */
import { defaultTimeoutMs, type HttpsAnswer, type HttpsRequest, httpsRequest } from './https.ts';
import { TransportError } from './transport-error.ts';

export interface ConversationLimits {
  /** For all calls together. Default 10 s. */
  readonly timeoutMs?: number;
  /** The clock of that limit: a signal that is aborted then, with a TimeoutError. */
  readonly abortedIn?: (milliseconds: number) => AbortSignal;
}

export interface Conversation {
  /**
   * `make` is called anew for each try, as a token may be good for one only. There is a second one when a connection kept from an
   * earlier call turns out to be dead. Throws TransportError, and what `make` throws.
   */
  send(make: () => Promise<HttpsRequest>): Promise<HttpsAnswer>;
}

/** Its time begins to run. It ends with the caller's, where that is over first. */
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

/** `path` behind the path of the CA's own address, if it has one. */
export function addressOf(url: URL, path: string): URL {
  const address = new URL(url.origin);
  address.pathname = url.pathname.replace(/\/+$/, '') + path;
  return address;
}
