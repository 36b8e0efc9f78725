/** A TLS server with the certificate of a secret, as applications are: it takes a new certificate only when it is reloaded. */
import { X509Certificate } from 'node:crypto';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { EventCollector } from '../../testkit/local-aws/events.ts';
import type { Emulator } from '../../testkit/local-aws/ministack.ts';
import { run } from '../../testkit/tools/process.ts';
import { type PresentedLeaf, presentedAt } from '../../testkit/tools/s-client.ts';
import { look, type StoredPair } from './certificates.ts';
import { SHORT_LIVED } from './configuration.ts';
import { claim } from './proof.ts';
import { commandLine, say } from './telling.ts';

export interface DemoServer {
  /** host:port */
  readonly place: string;
  reload(pair: StoredPair): void;
  close(): Promise<void>;
}

/** Starts it without a certificate, because a deployment issues it later. */
export async function startDemoServer(): Promise<DemoServer> {
  const server = createServer((socket) => socket.end());
  server.on('tlsClientError', () => undefined); // a client that leaves after the handshake
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    place: `127.0.0.1:${portOf(server)}`,
    reload: ({ certificate, certificateChain, privateKey }) =>
      server.setSecureContext({ cert: `${certificate}${certificateChain}`, key: privateKey }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port; // it listens at a port

/** Shows what the probe says of a server that was not reloaded, and then of one that was. */
export async function showServed(aws: Emulator, server: DemoServer, bus: EventCollector): Promise<void> {
  const { pair } = await look(aws, SHORT_LIVED);
  const { serialNumber, fingerprint256 } = new X509Certificate(pair.certificate);
  const old = await presentedBy(server);
  await commandLine(aws, 'probe', SHORT_LIVED);
  claim('the server still presents an older certificate', old !== serialNumber.toLowerCase());

  say('Reload the server.');
  server.reload(pair);
  await commandLine(aws, 'probe', SHORT_LIVED);
  claim(
    'the server presents the certificate of the secret',
    (await presentedBy(server)) === serialNumber.toLowerCase(),
  );
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  const isTold = ({ 'detail-type': type, detail }: Awaited<ReturnType<typeof bus.events>>[number]) =>
    type === 'Certificate Served' && detail['fingerprintSha256'] === fingerprint;
  await bus.next('the event', isTold);
  claim('an event tells once that it is served', (await bus.events()).filter(isTold).length === 1);
}

/** Returns the serial number that openssl, or without it Node, gets from the server. */
async function presentedBy({ place }: DemoServer): Promise<string> {
  const hasOpenssl = await run('openssl', ['version']).then(
    () => true,
    () => false,
  );
  const [host = '', port] = place.split(':');
  if (!hasOpenssl) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }
  const { serialNumber, notAfter }: PresentedLeaf = await presentedAt(place);
  say(`  $ openssl s_client -connect ${place} | openssl x509 -noout -serial -enddate`);
  say(`    serial=${serialNumber}, until ${notAfter}`);
  return serialNumber;
}
