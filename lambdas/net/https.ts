/**
 * The HTTPS client of the product, on node:https. The global fetch takes 27 to 44 ms at its first use, and has no option for the trusted
 * roots. Users of this file are loaded on demand, so that a cold start does not load node:https.
 */
import type { KeyObject } from 'node:crypto';
import { Agent, type RequestOptions, request } from 'node:https';
import { DEFAULT_CIPHERS, rootCertificates, TLSSocket } from 'node:tls';
import { connectionError, cutAnswer, stopped, TransportError, tooLarge } from './transport-error.ts';

/** The type of node:http's IncomingMessage, without an import of node:http. */
type Message = Parameters<NonNullable<Parameters<typeof request>[2]>>[0];

export interface HttpsRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Must be https. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the trusted roots; undefined: the system's. */
  readonly ca?: readonly string[] | undefined;
  /** TLS client authentication: PEM, leaf first, and the leaf's key. The request gets a connection of its own. */
  readonly client?: { readonly certificates: string; readonly key: KeyObject } | undefined;
  /**
   * Milliseconds for everything from the name look-up to the last byte of the answer. Default: 10,000. With `signal`, it is used only in
   * the message.
   */
  readonly timeoutMs?: number;
  /** Bytes of the answer's body. Default: 1 MiB. */
  readonly maxBytes?: number;
  /** Ends the exchange. Default: aborted after `timeoutMs`. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer with any status. Redirects are not followed. */
export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Message['headers'];
  readonly body: Buffer;
}

/** PEM of the roots that are trusted without `ca`. */
export const systemRoots: readonly string[] = rootCertificates;

export const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 1024 * 1024;

/**
 * Sends a request and reads the whole answer. Throws only TransportError. After one that is `stale`, the caller may repeat the request at
 * once, on a new connection.
 */
export async function httpsRequest(options: HttpsRequest): Promise<HttpsAnswer> {
  // Node's timeouts restart with every byte, so a slow answer would never end.
  const { url, timeoutMs = defaultTimeoutMs, signal = AbortSignal.timeout(timeoutMs) } = options;
  if (url.protocol !== 'https:') throw new TransportError('protocol', `${url.origin} is not an https address`);
  const agent = options.client === undefined ? sharedAgent(url, options.ca) : ownAgent();
  try {
    return await exchange(options, agent, signal);
  } catch (error) {
    if (signal.aborted) throw stopped(url, signal.reason, timeoutMs);
    // The other idle connections are probably dead too.
    if (error instanceof TransportError && error.stale) closeIdle(agent);
    throw error;
  }
}

/** One agent for each origin and set of roots, so that no connection is used that was verified against other roots. */
const agents = new Map<string, Agent>();

function sharedAgent({ origin }: URL, ca: readonly string[] | undefined): Agent {
  const identity = [origin, ...(ca ?? ['system'])].join('\n');
  const known = agents.get(identity);
  if (known !== undefined) return known;
  // Idle connections end after 10 s: step-ca ends them after 15 s, and they are dead when a frozen Lambda continues.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16, timeout: 10_000 });
  agents.set(identity, agent);
  return agent;
}

/** For a connection with a client's key: it ends with its answer, and its session is not kept. */
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
    // Leaving the loop early, such as by a throw, destroys the connection.
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

/** Resolves with status and headers, before the body. */
function head(options: HttpsRequest, agent: Agent, stop: AbortSignal): Promise<Message> {
  const { url, body } = options;
  return new Promise((resolve, reject) => {
    try {
      const sent = request(url, requestOptions(options, agent, stop));
      sent.once('response', resolve);
      sent.on('error', (error) => {
        // Only here Node tells whether the server failed verification.
        const untrusted = sent.socket instanceof TLSSocket && Boolean(sent.socket.authorizationError);
        reject(connectionError(error, url, { untrusted, reused: sent.reusedSocket }));
      });
      sent.end(body);
    } catch (error) {
      // Node rejects a key or certificate that OpenSSL can't use before it sends anything.
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
    // Set although they are the defaults, so that NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS have no effect.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  };
  if (ca !== undefined) options.ca = [...ca];
  if (client !== undefined) {
    options.cert = client.certificates;
    options.key = client.key.export({ type: 'pkcs8', format: 'pem' });
    // OpenSSL 3.5 rejects RSA keys under 2048 bits at its default level, but such a key is used here once, to be replaced.
    const { modulusLength = 2048 } = client.key.asymmetricKeyDetails ?? {};
    if (modulusLength < 2048) options.ciphers = `${DEFAULT_CIPHERS}:@SECLEVEL=1`;
  }
  return options;
}
