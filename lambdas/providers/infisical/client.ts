/** Talking to one Infisical: address, trust, one limit of time for all calls of a renewal, the login included. */
import { defaultTimeoutMs, type HttpsAnswer, httpsRequest } from '../https.ts';
import { TransportError, toCaError } from '../transport-error.ts';

export interface ClientLimits {
  /** For all calls of one renewal together. Default 10 s. */
  readonly timeoutMs?: number;
  /** The clock of that limit: a signal that is aborted then, with a TimeoutError. */
  readonly abortedIn?: (milliseconds: number) => AbortSignal;
}

export interface InfisicalClient {
  /** Host, and port where it is not 443: for messages. */
  readonly host: string;
  /** The time of one renewal begins to run. */
  converse(signal: AbortSignal | undefined): Conversation;
}

export interface Conversation {
  /**
   * POSTs `body` as JSON to a path, percent-encoded already; `token` is sent as Bearer. It is sent a second time when a
   * connection kept from an earlier call turns out to be dead. Throws CaUnavailable, CaRejected, CaUntrusted where
   * there is no whole answer.
   */
  post(path: string, body: Readonly<Record<string, string>>, token?: string): Promise<HttpsAnswer>;
}

/** `trusted`: PEM of the only roots; undefined: the system's. */
export function infisicalClient(
  url: URL,
  trusted: readonly string[] | undefined,
  { timeoutMs = defaultTimeoutMs, abortedIn = AbortSignal.timeout }: ClientLimits,
): InfisicalClient {
  const prefix = url.pathname.replace(/\/+$/, '');
  const converse = (outer: AbortSignal | undefined): Conversation => {
    const limit = abortedIn(timeoutMs);
    const signal = outer === undefined ? limit : AbortSignal.any([limit, outer]);
    const post: Conversation['post'] = async (path, body, token) => {
      const address = new URL(url.origin);
      address.pathname = prefix + path;
      const once = (): Promise<HttpsAnswer> =>
        httpsRequest({
          method: 'POST',
          url: address,
          headers: {
            'content-type': 'application/json',
            accept: 'application/json',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify(body),
          ca: trusted,
          signal,
          timeoutMs,
        });
      try {
        return await once().catch((error: unknown) => {
          if (error instanceof TransportError && error.stale) return once();
          throw error;
        });
      } catch (error) {
        throw toCaError(error);
      }
    };
    return { post };
  };
  return { host: url.host, converse };
}
