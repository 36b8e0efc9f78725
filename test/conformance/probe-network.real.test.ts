/** The network of the product, with servers of Node on 127.0.0.1. */
import { createServer as createTcpServer, type Server } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import { probeNetwork } from '../../lambdas/net/tls-handshake.ts';
import { type Identity, type NetworkWorld, probeNetworkSuite, type Where } from './probe-network.ts';

async function listen(server: Server): Promise<Where> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const found = server.address();
  return { address: '127.0.0.1', port: typeof found === 'object' && found ? found.port : 0 };
}

const pairs = (site: readonly Identity[] = []) => ({
  cert: site.map(({ cert }) => cert),
  key: site.map(({ key }) => key),
});

probeNetworkSuite('the real one', async (): Promise<NetworkWorld> => {
  const servers: Server[] = [];
  const started = (server: Server): Promise<Where> => {
    servers.push(server);
    return listen(server);
  };
  return {
    network: probeNetwork({ limitMs: 1_500 }),
    name: 'localhost',
    serve: (sites) =>
      started(
        createServer(
          {
            ...pairs(sites.get('')),
            SNICallback: (name, done) => done(null, createSecureContext(pairs(sites.get(name)))),
          },
          (socket) => socket.on('error', () => {}),
        ),
      ),
    silent: () => started(createTcpServer((socket) => void socket.resume().on('error', () => {}))),
    async nowhere() {
      const server = createTcpServer();
      const where = await listen(server);
      await new Promise((resolve) => server.close(resolve));
      return where;
    },
    async close() {
      for (const server of servers) server.close();
    },
  };
});
