/** The calls of one look to a CA, with one time limit. */
import { RenewalError } from '../../domain/errors.ts';
import type { HttpsAnswer, HttpsRequest } from '../../net/https.ts';
import { TransportError, toCaError } from '../../net/transport-error.ts';
import { beginConversation, type Conversation } from '../conversation.ts';
import type { CaTools } from '../kind.ts';
import type { AcmeCa } from './ca.ts';
import { problemOf } from './problems.ts';

/** The inputs of a look. */
export interface Look {
  readonly ca: AcmeCa;
  readonly tools: CaTools;
  readonly signal: AbortSignal | undefined;
}

export interface Exchange extends Look {
  /** Host of the directory, for messages. */
  readonly host: string;
  readonly conversation: Conversation;
}

/** Starts the time limit. */
export function beginExchange(look: Look): Exchange {
  const { ca, signal } = look;
  return { ...look, host: ca.address.host, conversation: beginConversation(signal, ca.limits) };
}

/** RFC 8555 section 6.1 requires it. */
export const userAgent = { 'user-agent': 'cert-renewer' };

/** Sends an unsigned request. Returns an answer of success. Throws Problem, and what toCaError returns. */
export async function fetchOpen(exchange: Exchange, url: URL, method: 'GET' | 'HEAD' = 'GET'): Promise<HttpsAnswer> {
  const answer = await send(exchange, async () => ({ method, url, headers: userAgent }));
  return successOf(exchange, answer);
}

/** Sends a request with one more try on a dead connection. Keeps the nonce of the answer. */
export async function send({ ca, conversation }: Exchange, make: () => Promise<HttpsRequest>): Promise<HttpsAnswer> {
  const trusting = async () => ({ ...(await make()), ca: ca.trusted });
  const answer = await conversation.send(trusting).catch((error: unknown) => {
    throw failureOf(error);
  });
  ca.nonces.keep(answer);
  return answer;
}

function failureOf(error: unknown): unknown {
  const failure = toCaError(error);
  if (!(error instanceof TransportError) || error.kind !== 'untrusted') return failure;
  const advice = 'For an ACME CA the roots for TLS are serverRoot of the profile, by default those of public CAs';
  return new RenewalError('CaUntrusted', `${error.message}. ${advice}.`, { cause: error });
}

/** Returns an answer of success. Throws Problem for any other. */
export function successOf({ host, tools }: Exchange, answer: HttpsAnswer, secrets?: readonly string[]): HttpsAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw problemOf(answer, { host, now: tools.clock.now(), secrets });
}
