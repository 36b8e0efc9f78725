/** A DNS server in this process that knows TXT records only. Pebble asks by TCP, step-ca by UDP. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { CODES, type Query, type Question, readQuery, TYPES, writeAnswer } from './message.ts';

/** Returns the values of the TXT records of a name, which is in lower case and without the dot at the end. */
export type TextsOf = (name: string) => readonly string[] | Promise<readonly string[]>;

export interface DnsServer {
  /** 127.0.0.1:<port>, for UDP and TCP. */
  readonly address: string;
  /** All questions until now. Pebble and step-ca ask several times for one challenge. */
  readonly asked: readonly Question[];
  close(): Promise<void>;
}

/** The largest answer by UDP (RFC 1035, 4.2.1). For a larger one the resolver asks by TCP. */
const UDP_BYTES = 512;

/**
 * Starts the server on a free port of 127.0.0.1. Every name exists; other types than TXT have no records. If `textsOf` throws,
 * the answer is SERVFAIL.
 */
export async function startDnsServer(textsOf: TextsOf): Promise<DnsServer> {
  const asked: Question[] = [];
  const answer = async (message: Buffer, limit = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> => {
    const query = readQuery(message);
    if (query === undefined) return undefined;
    asked.push(query.question);
    const written = await answerTo(query, textsOf);
    return written.length <= limit
      ? written
      : writeAnswer(query, { code: CODES.success, texts: [], isTruncated: true });
  };
  const [udp, tcp] = await onOnePort();
  udp.on('message', async (message, { port, address }) => {
    const written = await answer(message, UDP_BYTES);
    if (written !== undefined && !isClosed) udp.send(written, port, address);
  });
  const connections = new Set<Socket>();
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.on('error', () => {}); // a resolver may leave without its answer
    socket.on('close', () => connections.delete(socket));
    converse(socket, answer);
  });
  let isClosed = false;
  return {
    address: `127.0.0.1:${udp.address().port}`,
    asked,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(resolve)),
        new Promise<unknown>((resolve) => tcp.close(resolve)),
      ]);
    },
  };
}

async function answerTo(query: Query, textsOf: TextsOf): Promise<Buffer> {
  const { name, type } = query.question;
  try {
    return writeAnswer(query, { code: CODES.success, texts: type === TYPES.TXT ? await textsOf(name) : [] });
  } catch {
    return writeAnswer(query, { code: CODES.serverFailure, texts: [] });
  }
}

/** Answers the messages of a connection. Two bytes before each message are its length (RFC 1035, 4.2.2). */
function converse(socket: Socket, answer: (message: Buffer) => Promise<Buffer | undefined>): void {
  let received = Buffer.alloc(0);
  socket.on('data', async (part) => {
    received = Buffer.concat([received, part]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = received.subarray(2, end);
      received = received.subarray(end);
      const written = await answer(message);
      if (written === undefined) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(written.length);
      socket.write(Buffer.concat([length, written]));
    }
  });
}

/** Binds both on one free port. The port of the one may be in use for the other, so it tries several. */
async function onOnePort(attempts = 10): Promise<[UdpSocket, Server]> {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const tcp = createServer();
  tcp.listen((udp.address() as AddressInfo).port, '127.0.0.1');
  try {
    await once(tcp, 'listening');
    return [udp, tcp];
  } catch (error) {
    udp.close();
    if (attempts === 1) throw error;
    return onOnePort(attempts - 1);
  }
}
