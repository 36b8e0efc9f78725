/**
 * The network of the probe: look-ups of names, and TLS handshakes for the server's certificates. It verifies nothing, because it only
 * observes: a server with an old, a weak or a foreign certificate is to be told from one with none.
 */
import { lookup } from 'node:dns/promises';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { limited } from '../domain/bounded.ts';
import {
  type Handshake,
  type HandshakeProblem,
  type HandshakeTarget,
  type KeyType,
  type ProbeNetwork,
  type Resolution,
  silent,
} from '../domain/serving.ts';

/** Milliseconds for a look-up, and for a handshake from the connection to its end. */
const limitMs = 5_000;
/** Certificates of a chain that are returned. More are left out. OpenSSL accepts 100 KiB of them. */
const mostCertificates = 20;
/** Connections at once. A Lambda function may have 1,024 open files. */
const mostAtOnce = 200;
/** The size of libuv's thread pool where UV_THREADPOOL_SIZE does not set it. */
const defaultThreads = 4;

export interface NetworkOptions {
  /** Default: 5,000. */
  readonly limitMs?: number;
  /** Threads of libuv's pool (UV_THREADPOOL_SIZE). Default: 4. */
  readonly threads?: number | undefined;
  /** Connections at once. Default: 200. */
  readonly connections?: number;
}

export function probeNetwork(options: NetworkOptions = {}): ProbeNetwork {
  const { limitMs: limit = limitMs, threads = defaultThreads, connections = mostAtOnce } = options;
  const connection = limited(connections);
  // libuv gives look-ups half of its threads (uv__slow_work_thread_threshold). Another one would only wait, and its time would pass.
  const thread = limited(Math.ceil(threads / 2));
  const context = contexts();
  return {
    resolve: (host) => resolve(host, limit, thread),
    handshake: (target) => connection(() => handshake(target, context(target.keyType), limit)),
  };
}

// ---- Names ---------------------------------------------------------------------------------------------------------

/**
 * Asks the resolver of the system, as other clients here do. A look-up can't be stopped: after the limit its answer is ignored, but it keeps
 * its thread. The limit counts from when it has one, so that names without an answer don't take the time of others.
 */
function resolve(host: string, limit: number, thread: ReturnType<typeof limited>): Promise<Resolution> {
  return new Promise((done) => {
    void thread(async () => {
      const timer = setTimeout(() => done({ ok: false, code: 'timeout' }), limit);
      done(await lookedUp(host));
      clearTimeout(timer);
    });
  });
}

async function lookedUp(host: string): Promise<Resolution> {
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return { ok: true, addresses: found.map(({ address }) => address) };
  } catch (error) {
    return { ok: false, code: codeOf(error) };
  }
}

// ---- Handshakes ----------------------------------------------------------------------------------------------------

const rsaPkcs1 = 'rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512';

/**
 * How a client says which type of key the server's certificate may have: in TLS 1.3 by signature algorithms (RFC 8446 section 4.2.3), in
 * TLS 1.2 by cipher suites too. Some servers (JSSE) also want these algorithms for the signatures of CAs. So an EC key allows RSA with
 * PKCS#1, which signs no handshake of TLS 1.3.
 */
const accepted: Record<KeyType, { readonly sigalgs: string; readonly ciphers: string }> = {
  EC: {
    sigalgs: `ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:${rsaPkcs1}`,
    ciphers: 'aECDSA',
  },
  RSA: {
    sigalgs: [
      'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512',
      'rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512',
      rsaPkcs1,
    ].join(':'),
    ciphers: 'aRSA',
  },
  OKP: { sigalgs: `ed25519:${rsaPkcs1}`, ciphers: 'aECDSA' },
};

/** One context for each type of key. It has no trusted root, so the chain is what the server sends, and no session is kept. */
function contexts(): (keyType: KeyType | undefined) => SecureContext {
  const made = new Map<KeyType | undefined, SecureContext>();
  return (keyType) => {
    const known = made.get(keyType);
    if (known !== undefined) return known;
    const wished = keyType && accepted[keyType];
    const context = createSecureContext({
      ca: [],
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ...wished,
      // OpenSSL 3.5 refuses a certificate with a weak key at its default level. Here it is one to tell. Without finite-field
      // Diffie-Hellman, as browsers: a server chooses its prime, and one of 10,000 bits takes a second of CPU from all connections.
      ciphers: `${wished?.ciphers ?? 'DEFAULT'}:!kDHE:@SECLEVEL=0`,
    });
    made.set(keyType, context);
    return context;
  };
}

/** Resolves when the socket is closed. */
function handshake(
  { address, port, serverName }: HandshakeTarget,
  secureContext: SecureContext,
  limit: number,
): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      // Node would look up what is not an address, and the answer would not be judged.
      lookup: (_host, _options, callback) => callback(new Error('not an address'), '', 4),
      // RFC 6066 section 3: not for an address
      ...(serverName !== undefined && { servername: serverName }),
      secureContext,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    let outcome: Handshake = { ok: false, problem: 'closed', code: 'closed' };
    const seen = (found: Handshake): void => {
      if (!outcome.ok) outcome = found;
    };
    let isConnected = false;
    socket.once('connect', () => {
      isConnected = true;
    });
    const timer = setTimeout(() => {
      seen({ ok: false, problem: 'timeout', code: isConnected ? silent : 'ETIMEDOUT' });
      socket.destroy();
    }, limit);
    // Secrets are logged after the server has presented its certificate. In TLS 1.2, a server that wants a certificate of the client fails the
    // handshake only then.
    socket.on('keylog', () => {
      const certificates = certificatesOf(socket);
      if (certificates.length > 0) seen({ ok: true, certificates });
    });
    // The end is announced, because a server logs a connection that breaks.
    socket.once('secureConnect', () => socket.destroySoon());
    socket.on('error', (error) => seen(failureOf(error)));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}

/** Returns the DER certificates in the order of the server. Empty before it has presented them, and at every call but the first. */
function certificatesOf(socket: TLSSocket): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let each = socket.getPeerX509Certificate();
  while (each !== undefined && found.length < mostCertificates) {
    found.push(each.raw);
    each = each.issuerCertificate; // the next one as sent, whether it is the issuer or not
  }
  return found;
}

// ---- Failures ------------------------------------------------------------------------------------------------------

function failureOf(error: unknown): Handshake {
  const code = codeOf(error);
  return { ok: false, problem: problemOf(code), code: alertOf(code) ?? code };
}

const problemOfCode: ReadonlyMap<string, HandshakeProblem> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ENETUNREACH', 'noRoute'],
  ['EAFNOSUPPORT', 'noRoute'],
  ['EADDRNOTAVAIL', 'noRoute'],
  ['ETIMEDOUT', 'timeout'],
  ['ECONNRESET', 'closed'],
  ['EPIPE', 'closed'],
  ['ERR_SSL_EXCESSIVE_MESSAGE_SIZE', 'tooLarge'],
  // Plain text, or an older version.
  ['EPROTO', 'notTls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'notTls'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'notTls'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'notTls'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'notTls'],
]);

const problemOf = (code: string): HandshakeProblem =>
  problemOfCode.get(code) ?? (alertOf(code) === undefined ? 'failed' : 'alert');

/** Returns the code of Node, OpenSSL or the system, never a message. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[\w/]{1,80}$/.test(code) ? code : 'no code';
}

/** OpenSSL leaves out the word ALERT for those of extensions (RFC 6066), such as ERR_SSL_TLSV1_UNRECOGNIZED_NAME. */
function alertOf(code: string): string | undefined {
  return /^ERR_SSL_(?:.{1,12}_ALERT|TLSV1)_(\w{1,40})$/.exec(code)?.[1]?.toLowerCase();
}
