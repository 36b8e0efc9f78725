/**
 * The one HTTPS client of the product, on node:https: the global fetch costs 27 to 44 ms at its first use, and it can't
 * be told which roots to trust. What needs it is loaded on demand, so that a cold start doesn't pay for node:https.
 */
import type { KeyObject } from 'node:crypto';
import { Agent, type RequestOptions, request } from 'node:https';
import { DEFAULT_CIPHERS, TLSSocket } from 'node:tls';
import { connectionError, cutAnswer, stopped, TransportError, timedOut, tooLarge } from './transport-error.ts';

/** node:http's IncomingMessage, by way of the one module that this file is for. */
type Message = Parameters<NonNullable<Parameters<typeof request>[2]>>[0];

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  /** https only. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the only roots that are trusted; undefined for the system's. */
  readonly ca?: readonly string[] | undefined;
  /** TLS client authentication: PEM, leaf first, and the leaf's key. The connection is this request's own. */
  readonly client?: { readonly certificates: string; readonly key: KeyObject } | undefined;
  /** For all of it: name look-up, connection, TLS, request, answer to its last byte. Default 10 s. */
  readonly timeoutMs?: number;
  /** Of the answer's body. Default 1 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Any status is an answer: redirects are not followed. */
export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Message['headers'];
  readonly body: Buffer;
}

export const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 1024 * 1024;

/**
 * Sends one request and reads the whole answer. Throws TransportError and nothing else: one that is `stale` is worth
 * the same call at once, on a connection that then is a new one.
 */
export async function httpsRequest(options: HttpsRequest): Promise<HttpsAnswer> {
  const { url, signal, timeoutMs = defaultTimeoutMs } = options;
  if (url.protocol !== 'https:') throw new TransportError('protocol', `${url.origin} is not an https address`);
  const agent = options.client === undefined ? sharedAgent(url, options.ca) : ownAgent();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(stopped(url, signal?.reason, timeoutMs));
  // One clock for the whole exchange: node's own timeouts start anew with every byte, and a slow drip outlives them.
  const timer = setTimeout(() => stop.abort(timedOut(url, timeoutMs)), timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await exchange(options, agent, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    // What one kept connection suffered, its idle siblings will suffer too.
    if (error instanceof TransportError && error.stale) closeIdle(agent);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** One agent per origin and trust: a connection that was verified against other roots is never taken. */
const agents = new Map<string, Agent>();

function sharedAgent({ origin }: URL, ca: readonly string[] | undefined): Agent {
  const identity = [origin, ...(ca ?? ['system'])].join('\n');
  const known = agents.get(identity);
  if (known !== undefined) return known;
  // Idle connections end after 10 s: step-ca itself ends them after 15 s, and a frozen Lambda wakes up with dead ones.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16, timeout: 10_000 });
  agents.set(identity, agent);
  return agent;
}

/** For a connection that holds a client's key: it ends with its answer, and no session of it is kept. */
const ownAgent = (): Agent => new Agent({ keepAlive: false, maxCachedSessions: 0 });

function closeIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

async function exchange(options: HttpsRequest, agent: Agent, stop: AbortSignal): Promise<HttpsAnswer> {
  const { url, maxBytes = defaultMaxBytes } = options;
  const answer = await head(options, agent, stop);
  const status = answer.statusCode ?? 0;
  const parts: Buffer[] = [];
  let size = 0;
  try {
    // Leaving the loop early, as by a throw, destroys the connection.
    for await (const part of answer) {
      size += part.length;
      if (size > maxBytes) throw tooLarge(url, status, maxBytes);
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof TransportError ? error : cutAnswer(error, url, status);
  }
  return { status, headers: answer.headers, body: Buffer.concat(parts) };
}

/** Resolves with status and headers; the body is still to come. */
function head(options: HttpsRequest, agent: Agent, stop: AbortSignal): Promise<Message> {
  const { url, body } = options;
  return new Promise((resolve, reject) => {
    try {
      const sent = request(url, requestOptions(options, agent, stop));
      sent.once('response', resolve);
      sent.on('error', (error) => {
        // Only here does node tell a server that failed verification from any other error.
        const untrusted = sent.socket instanceof TLSSocket && Boolean(sent.socket.authorizationError);
        reject(connectionError(error, url, { untrusted, reused: sent.reusedSocket }));
      });
      sent.end(body);
    } catch (error) {
      // node refuses a key or certificate that OpenSSL can't use before anything is sent.
      reject(connectionError(error, url, { untrusted: false, reused: false }));
    }
  });
}

function requestOptions({ method, headers, body, ca, client }: HttpsRequest, agent: Agent, stop: AbortSignal) {
  const options: RequestOptions = {
    method,
    agent,
    signal: stop,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    // Named here although they are defaults: NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS don't reach past them.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  };
  if (ca !== undefined) options.ca = [...ca];
  if (client !== undefined) {
    options.cert = client.certificates;
    options.key = client.key.export({ type: 'pkcs8', format: 'pem' });
    // OpenSSL 3.5 takes no RSA key under 2048 bits at its default level, and such a key is here to be replaced.
    const { modulusLength = 2048 } = client.key.asymmetricKeyDetails ?? {};
    if (modulusLength < 2048) options.ciphers = `${DEFAULT_CIPHERS}:@SECLEVEL=1`;
  }
  return options;
}
