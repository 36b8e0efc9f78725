/**
 * A gate in front of a CA. It forwards TLS unchanged, client certificates included. While it is shut, it holds what clients
 * send, so that a test can act between a worker's read and the CA's answer. While it is away, it refuses connections, as a CA
 * that is down. It runs in the set-up of the run, because its port is in the deployed configuration. Tests control it over
 * HTTP (`gateKeeper`).
 */
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gate {
  /** An https URL, with a name that step-ca's own certificate has. */
  readonly url: string;
  /** The URL for gateKeeper. */
  readonly control: string;
  close(): void;
}

export interface GateKeeper {
  /** Runs `work` while no other test controls the gate or uses it. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Returns how many connections have data waiting at the gate. */
  waiting(): Promise<number>;
  /** Closes all connections and refuses new ones. */
  leave(): Promise<void>;
  /** Listens on the same port again. */
  comeBack(): Promise<void>;
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
      socket.on('error', () => undefined); // the other end is closed by the close event
      socket.on('close', () => {
        client.destroy();
        server.destroy();
        open.delete(client);
        held.delete(client);
      });
    }
  });
  const disconnect = (): void => {
    for (const client of open.keys()) client.destroy();
  };
  /** The waiting tests, in the order of their arrival. Each is called at its turn. */
  const turns: (() => void)[] = [];
  const commands: Readonly<Record<string, () => unknown>> = {
    '/shut': () => {
      isShut = true;
    },
    '/open': () => {
      isShut = false;
      for (const [client, parts] of held) for (const part of parts) open.get(client)?.write(part);
      held.clear();
    },
    '/waiting': () => undefined,
    '/leave': () => {
      gate.close();
      disconnect();
    },
    '/come-back': () => listen(gate, gatePort),
    '/take': () => new Promise<void>((resolve) => (turns.push(resolve) === 1 ? resolve() : undefined)),
    '/give-back': () => {
      turns.shift();
      turns[0]?.();
    },
  };
  const control = createHttpServer(async (request, response) => {
    await commands[request.url ?? '']?.();
    response.end(String(held.size));
  });
  const [gatePort = 0, controlPort] = await Promise.all([listen(gate), listen(control)]);
  return {
    url: `https://localhost:${gatePort}`,
    control: `http://127.0.0.1:${controlPort}`,
    close: () => {
      gate.close();
      control.close();
      control.closeAllConnections();
      disconnect();
    },
  };
}

function listen(server: Server | ReturnType<typeof createServer>, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // A listening server has an address with a port.
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export function gateKeeper(control: string): GateKeeper {
  const tell = async (command: string): Promise<number> => Number(await (await fetch(`${control}${command}`)).text());
  return {
    alone: async (work) => {
      await tell('/take');
      try {
        return await work();
      } finally {
        await tell('/give-back');
      }
    },
    shut: async () => void (await tell('/shut')),
    open: async () => void (await tell('/open')),
    waiting: () => tell('/waiting'),
    leave: async () => void (await tell('/leave')),
    comeBack: async () => void (await tell('/come-back')),
  };
}
