/**
 * TLS servers on 127.0.0.1, in a process of their own. Prints one line of JSON: their ports, the port of a server that accepts and says
 * nothing, the root as PEM, and the SHA-256 of the certificate that all present.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { createServer } from 'node:tls';
import { commonNameOnly, makeHierarchy, makeKey, makeLeaf, pem, pkcs8Pem } from '../../testkit/certificates/index.ts';

export interface Servers {
  readonly ports: readonly number[];
  readonly silent: number;
  readonly root: string;
  readonly fingerprint: string;
}

process.stdin.on('end', () => process.exit()).resume(); // its starter is gone

const day = 86_400_000;
const dates = { notBefore: Date.now() - day, notAfter: Date.now() + day };
const hierarchy = makeHierarchy(dates.notBefore, dates.notAfter);
const key = makeKey();
const leaf = makeLeaf({ key, subject: commonNameOnly('bench'), ...dates }, hierarchy);
const identity = { cert: pem(leaf, hierarchy.intermediate), key: pkcs8Pem(key) };

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 2_000 }, resolve));
  return (server.address() as AddressInfo).port;
}

const quiet = (socket: { on(event: 'error', listener: () => void): unknown }): void =>
  void socket.on('error', () => {});
const ports = await Promise.all(Array.from({ length: 10 }, () => listening(createServer(identity, quiet))));
const silent = await listening(createTcpServer((socket) => quiet(socket.resume())));
const fingerprint = createHash('sha256').update(leaf).digest('hex');
const servers: Servers = { ports, silent, root: pem(hierarchy.root), fingerprint };
process.stdout.write(`${JSON.stringify(servers)}\n`);
