/** Talking to one Infisical: address, trust, one limit of time for all calls of a renewal, the login included. */
import { addressOf, beginConversation, type ConversationLimits } from '../conversation.ts';
import type { HttpsAnswer } from '../https.ts';
import { toCaError } from '../transport-error.ts';

export interface InfisicalClient {
  /** Host, and port where it is not 443: for messages. */
  readonly host: string;
  /** The time of one renewal begins to run. */
  converse(signal: AbortSignal | undefined): Conversation;
}

export interface Conversation {
  /**
   * POSTs `body` as JSON to a path, percent-encoded already; `token` is sent as Bearer. Throws CaUnavailable, CaRejected,
   * CaUntrusted where there is no whole answer.
   */
  post(path: string, body: Readonly<Record<string, string>>, token?: string): Promise<HttpsAnswer>;
}

/** `trusted`: PEM of the only roots; undefined: the system's. */
export function infisicalClient(
  url: URL,
  trusted: readonly string[] | undefined,
  limits: ConversationLimits,
): InfisicalClient {
  const converse = (signal: AbortSignal | undefined): Conversation => {
    const { send } = beginConversation(signal, limits);
    const post: Conversation['post'] = (path, body, token) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const request = { url: addressOf(url, path), headers, body: JSON.stringify(body), ca: trusted };
      return send(async () => ({ method: 'POST', ...request })).catch((error: unknown) => {
        throw toCaError(error);
      });
    };
    return { post };
  };
  return { host: url.host, converse };
}
