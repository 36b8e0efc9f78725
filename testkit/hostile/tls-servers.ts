/** TCP servers that do to a TLS client what no good server does: each talks to one connection, in plain bytes. */
import type { Socket } from 'node:net';
import type { HandshakeProblem } from '../../lambdas/domain/serving.ts';

export interface HostileServer {
  readonly name: string;
  readonly talk: (socket: Socket) => void;
  readonly problem: HandshakeProblem;
  /** Undefined: any. */
  readonly code?: string;
}

const record = (type: number, body: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(type, 3, 3, body.length >> 8, body.length & 0xff), body]);
const uint24 = (value: number): Uint8Array => Uint8Array.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
/** `length` is what the message says of itself. */
const message = (type: number, body: Uint8Array, length = body.length): Buffer =>
  record(22, Buffer.concat([Uint8Array.of(type), uint24(length), body]));
const alert = (description: number, level = 2): Buffer => record(21, Uint8Array.of(level, description));

/** A hello of a server, of this version, with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: its messages are not encrypted. */
const serverHello = (minor: number): Buffer =>
  message(2, Uint8Array.of(3, minor, ...new Uint8Array(32), 0, 0xc0, 0x2b, 0, 0, 5, 0xff, 1, 0, 1, 0));
const hello = serverHello(3);

/** A Certificate message of TLS 1.2. */
export const certificateMessage = (...ders: readonly Uint8Array[]): Buffer => {
  const list = Buffer.concat(ders.flatMap((der) => [uint24(der.length), der]));
  return message(11, Buffer.concat([uint24(list.length), list]));
};

/** Answers the ClientHello with these bytes. */
const answering =
  (...parts: readonly (Uint8Array | string)[]) =>
  (socket: Socket): void => {
    socket.once('data', () => {
      for (const part of parts) socket.write(part);
    });
  };

/** Writes as fast as the client reads. */
const endless =
  (first: Uint8Array, again: Uint8Array) =>
  (socket: Socket): void => {
    const block = Buffer.concat(Array.from({ length: 500 }, () => again));
    const write = (): void => {
      while (!socket.destroyed && socket.write(block));
    };
    socket.on('drain', write);
    socket.once('data', () => {
      socket.write(first);
      write();
    });
  };

const dripping = (socket: Socket): void => {
  let at = 0;
  const timer = setInterval(() => socket.write(hello.subarray(at, ++at)), 20);
  socket.once('close', () => clearInterval(timer));
  socket.resume();
};

export const hostileServers: readonly HostileServer[] = [
  { name: 'says nothing', talk: (socket) => socket.resume(), problem: 'timeout', code: 'silent' },
  { name: 'drips', talk: dripping, problem: 'timeout', code: 'silent' },
  { name: 'repeats HelloRequest', talk: endless(hello, message(0, new Uint8Array())), problem: 'timeout' },
  { name: 'stops after its hello', talk: answering(hello), problem: 'timeout' },
  { name: 'closes at once', talk: (socket) => void socket.end(), problem: 'closed' },
  { name: 'closes after the hello', talk: (socket) => socket.once('data', () => socket.end()), problem: 'closed' },
  { name: 'resets', talk: (socket) => socket.once('data', () => socket.resetAndDestroy()), problem: 'closed' },
  {
    name: 'closes after its hello',
    talk: (socket) => void socket.once('data', () => socket.end(hello)),
    problem: 'closed',
  },
  { name: 'speaks HTTP', talk: answering('HTTP/1.1 400 Bad Request\r\n\r\n'), problem: 'notTls' },
  { name: 'speaks SSH', talk: (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), problem: 'notTls' },
  { name: 'speaks SMTP', talk: (socket) => void socket.write('220 mail.example ESMTP\r\n'), problem: 'notTls' },
  { name: 'sends zeros', talk: endless(new Uint8Array(9), new Uint8Array(1_000)), problem: 'notTls' },
  { name: 'speaks SSL 3.0', talk: answering(serverHello(0)), problem: 'notTls' },
  { name: 'speaks TLS 1.1', talk: answering(serverHello(2)), problem: 'notTls' },
  { name: 'refuses the version', talk: answering(alert(70)), problem: 'notTls', code: 'protocol_version' },
  { name: 'refuses the handshake', talk: answering(alert(40)), problem: 'alert', code: 'handshake_failure' },
  { name: 'does not know the name', talk: answering(alert(112)), problem: 'alert', code: 'unrecognized_name' },
  { name: 'has an error', talk: answering(alert(80)), problem: 'alert', code: 'internal_error' },
  { name: 'wants another protocol', talk: answering(alert(120)), problem: 'alert', code: 'no_application_protocol' },
  { name: 'warns without end', talk: endless(alert(112, 1), alert(112, 1)), problem: 'failed' },
  {
    name: 'changes ciphers without end',
    talk: endless(record(20, Uint8Array.of(1)), record(20, Uint8Array.of(1))),
    problem: 'failed',
  },
  { name: 'sends empty records', talk: endless(hello, record(22, new Uint8Array())), problem: 'failed' },
  { name: 'presents an empty list', talk: answering(hello, certificateMessage()), problem: 'failed' },
  { name: 'presents no DER', talk: answering(hello, certificateMessage(new Uint8Array(100))), problem: 'failed' },
  {
    name: 'presents 10 MB of certificates',
    talk: endless(
      Buffer.concat([hello, message(11, new Uint8Array(1_000), 10_000_000)]),
      record(22, new Uint8Array(16_000)),
    ),
    problem: 'tooLarge',
  },
];
