/** The client of an Infisical: its address, its roots, and one time limit for all calls of a renewal, including the login. */

import type { HttpsAnswer } from '../../net/https.ts';
import { toCaError } from '../../net/transport-error.ts';
import { addressOf, beginConversation, type ConversationLimits } from '../conversation.ts';

export interface InfisicalClient {
  /** Host, and port if it is not 443. For messages. */
  readonly host: string;
  /** Starts the time limit of a renewal. */
  converse(signal: AbortSignal | undefined): Conversation;
}

export interface Conversation {
  /**
   * POSTs `body` as JSON to a path, which is percent-encoded. `token` is sent as Bearer. Throws CaUnavailable, CaRejected or CaUntrusted if
   * there is no complete answer.
   */
  post(path: string, body: Readonly<Record<string, string>>, token?: string): Promise<HttpsAnswer>;
}

/** `trusted`: PEM of the trusted roots; undefined: the system's. */
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
