/**
 * A gate in front of a CA. TLS goes through it untouched, a client's certificate too; while it is shut, what clients
 * send is kept, so that a test can act between a worker's read and the CA's answer. It lives in the set-up of the run,
 * because its port stands in the deployed configuration; tests work it over HTTP (`gateKeeper`).
 */
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gate {
  /** https, and by a name that step-ca's own certificate has. */
  readonly url: string;
  /** Where gateKeeper works it. */
  readonly control: string;
  close(): void;
}

export interface GateKeeper {
  shut(): Promise<void>;
  open(): Promise<void>;
  /** How many connections have something waiting at the gate. */
  waiting(): Promise<number>;
}

/** Starts an open gate in front of `target`, on a free port of 127.0.0.1. */
export async function startGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target);
  const held = new Map<Socket, Buffer[]>();
  const open = new Map<Socket, Socket>();
  let isShut = false;

  const gate = createServer((client) => {
    const server = connect(Number(port), hostname);
    open.set(client, server);
    client.on('data', (data) => {
      if (isShut) held.set(client, [...(held.get(client) ?? []), data]);
      else server.write(data);
    });
    server.on('data', (data) => client.write(data));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined); // the other end hears of it by the close
      socket.on('close', () => {
        client.destroy();
        server.destroy();
        open.delete(client);
        held.delete(client);
      });
    }
  });
  const commands: Readonly<Record<string, () => void>> = {
    '/shut': () => {
      isShut = true;
    },
    '/open': () => {
      isShut = false;
      for (const [client, parts] of held) for (const part of parts) open.get(client)?.write(part);
      held.clear();
    },
    '/waiting': () => undefined,
  };
  const control = createHttpServer((request, response) => {
    commands[request.url ?? '']?.();
    response.end(String(held.size));
  });
  const [gatePort, controlPort] = await Promise.all([gate, control].map(listen));
  return {
    url: `https://localhost:${gatePort}`,
    control: `http://127.0.0.1:${controlPort}`,
    close: () => {
      gate.close();
      control.close();
      control.closeAllConnections();
      for (const client of open.keys()) client.destroy();
    },
  };
}

function listen(server: Server | ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // A server that listens has an address with a port.
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export function gateKeeper(control: string): GateKeeper {
  const tell = async (command: string): Promise<number> => Number(await (await fetch(`${control}${command}`)).text());
  return {
    shut: async () => void (await tell('/shut')),
    open: async () => void (await tell('/open')),
    waiting: () => tell('/waiting'),
  };
}
