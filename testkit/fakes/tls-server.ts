/** Servers on 127.0.0.1 that misbehave as a test decides. */
import { createServer, type Server as HttpsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import {
  authorityKeyIdentifier,
  commonNameOnly,
  extendedKeyUsage,
  type Hierarchy,
  keyUsage,
  makeHierarchy,
  makeKey,
  pem,
  pkcs8Pem,
  serverAuth,
  signCertificate,
  spkiOf,
  subjectAltName,
} from '../certificates/index.ts';

const day = 86_400_000;
const now = Math.floor(Date.now() / 1000) * 1000;

/** One CA for all servers of a file. */
export const hierarchy: Hierarchy = makeHierarchy(now - day, now + day);
export const rootPem = pem(hierarchy.root);

export interface ServerCertificate {
  readonly names?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly selfSigned?: boolean;
}

/** `cert` and `key` of a server: a leaf for localhost and 127.0.0.1 with its intermediate. */
export function serverIdentity(options: ServerCertificate = {}): { cert: string; key: string } {
  const {
    names = ['dns:localhost', 'ip:7f000001'],
    notBefore = now - day,
    notAfter = now + day / 2,
    selfSigned,
  } = options;
  const key = makeKey('P-256');
  const { intermediateKey, intermediateName, intermediate } = hierarchy;
  const subject = commonNameOnly('localhost');
  const leaf = signCertificate(
    {
      subject,
      spki: spkiOf(key),
      notBefore,
      notAfter,
      extensions: [
        keyUsage('digitalSignature'),
        extendedKeyUsage(serverAuth),
        subjectAltName(...names),
        ...(selfSigned ? [] : [authorityKeyIdentifier(spkiOf(intermediateKey))]),
      ],
    },
    selfSigned ? { subject, key } : { subject: intermediateName, key: intermediateKey },
  );
  return { cert: selfSigned ? pem(leaf) : pem(leaf, intermediate), key: pkcs8Pem(key) };
}

export interface TestServer<S extends Server> {
  readonly url: URL;
  readonly server: S;
  /** The number of connections, and of open ones. */
  connections(): { all: number; open: number };
  close(): Promise<void>;
}

type Handler = Parameters<typeof createServer>[1];

export function tlsServer(handler: Handler, options: ServerOptions = {}): Promise<TestServer<HttpsServer>> {
  return listen(createServer({ ...serverIdentity(), ...options }, handler), 'https');
}

/** Starts a server without TLS. `talk` gets each connection. */
export function tcpServer(talk: (socket: Socket) => void): Promise<TestServer<Server>> {
  return listen(createTcpServer(talk), 'https');
}

async function listen<S extends Server>(server: S, scheme: string): Promise<TestServer<S>> {
  const sockets = new Set<Socket>();
  let all = 0;
  server.on('connection', (socket: Socket) => {
    all++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${scheme}://localhost:${port}`),
    server,
    connections: () => ({ all, open: sockets.size }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
