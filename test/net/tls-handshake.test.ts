/** Handshakes with real servers on this machine. What every network of the probe does is in test/conformance/probe-network.ts. */

import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createServer, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Handshake, HandshakeTarget } from '../../lambdas/domain/serving.ts';
import { probeNetwork } from '../../lambdas/net/tls-handshake.ts';
import {
  commonNameOnly,
  type KeyKind,
  makeAuthority,
  makeHierarchy,
  makeKey,
  makeLeaf,
  pem,
  pkcs8Pem,
  signCertificate,
  spkiOf,
} from '../../testkit/certificates/index.ts';
import { type TestServer, tcpServer } from '../../testkit/fakes/tls-server.ts';
import { hostileServers } from '../../testkit/hostile/tls-servers.ts';

const day = 86_400_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const hierarchy = makeHierarchy(now - day, now + day);
const { root, rootName, rootKey, intermediate, intermediateKey } = hierarchy;
const dates = { notBefore: now - day, notAfter: now + day };

const limitMs = 400;
const network = probeNetwork({ limitMs });
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

/** Errors of any socket that nobody listens to. */
const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note));
afterAll(() => {
  process.off('uncaughtException', note).off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

function leaf(kind: KeyKind = 'P-256', more: { notBefore?: number; notAfter?: number } = {}) {
  const key = makeKey(kind);
  return { key: pkcs8Pem(key), der: makeLeaf({ key, subject: commonNameOnly('x'), ...dates, ...more }, hierarchy) };
}

interface Served {
  readonly port: number;
  /** What the server got: data of the application, and errors. */
  readonly data: string[];
  readonly errors: unknown[];
}

async function serve(options: TlsOptions, host = '127.0.0.1'): Promise<Served> {
  const [data, errors]: [string[], unknown[]] = [[], []];
  const server = createServer(options, (socket) => {
    socket.on('data', (part) => data.push(String(part))).on('error', (error) => errors.push(error));
  });
  server.on('tlsClientError', (error) => errors.push(error));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve())));
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, data, errors };
}

async function hostile(talk: (socket: Socket) => void): Promise<TestServer<import('node:net').Server>> {
  const server = await tcpServer(talk);
  closing.push(server.close);
  return server;
}

const shake = (port: number, more: Partial<HandshakeTarget> = {}): Promise<Handshake> =>
  network.handshake({ address: '127.0.0.1', port, serverName: 'web.example', ...more });

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const only = (version: (typeof versions)[number]): TlsOptions => ({ minVersion: version, maxVersion: version });

describe.each(versions)('the chain, %s', (version) => {
  const { key, der } = leaf();
  const other = makeHierarchy(now - day, now + day, 'Other');

  it.each([
    ['whole', [der, intermediate]],
    ['alone', [der]],
    ['with the root', [der, intermediate, root]],
    ['in the wrong order, with others', [der, root, other.root, intermediate]],
    ['the leaf twice', [der, der, intermediate]],
  ])('%s: exactly as the server sends it', async (_, chain) => {
    const { port } = await serve({ key, cert: pem(...chain), ...only(version) });
    const found = await shake(port);
    expect(found.ok && found.certificates.map((each) => Buffer.from(each).toString('hex'))).toEqual(
      chain.map((each) => Buffer.from(each).toString('hex')),
    );
  });

  it('is cut after twenty, and refused when it is longer than OpenSSL takes', async () => {
    const name = commonNameOnly('n'.repeat(200));
    const big = makeAuthority(
      { subject: name, key: rootKey, ...dates, pathLength: 0 },
      { subject: rootName, key: rootKey },
    );
    const { port } = await serve({ key, cert: pem(der, ...Array(40).fill(big)), ...only(version) });
    const found = await shake(port);
    expect(found.ok && found.certificates.length).toBe(20);
    const huge = await serve({ key, cert: pem(der, ...Array(400).fill(big)), ...only(version) });
    expect(await shake(huge.port)).toMatchObject({ ok: false, problem: 'tooLarge' });
  });

  it('of a server that wants a certificate of the client', async () => {
    const { port } = await serve({
      key,
      cert: pem(der),
      requestCert: true,
      rejectUnauthorized: true,
      ...only(version),
    });
    expect(await shake(port)).toMatchObject({ ok: true });
  });
});

describe('certificates that another client would refuse', () => {
  it.each(['RSA-1024', 'P-384', 'P-521', 'Ed25519'] as const)('%s', async (kind) => {
    const { key, der } = leaf(kind);
    for (const version of versions) {
      const { port } = await serve({ key, cert: pem(der), ciphers: 'DEFAULT:@SECLEVEL=0', ...only(version) });
      const keyType = kind === 'Ed25519' ? 'OKP' : kind === 'RSA-1024' ? 'RSA' : 'EC';
      for (const wish of [undefined, keyType] as const)
        expect(await shake(port, { keyType: wish })).toMatchObject({ ok: true });
    }
  });

  it('signed with SHA-1, expired, and not valid yet', async () => {
    const key = makeKey();
    const sha1 = Buffer.from('300906072a8648ce3d0401', 'hex'); // ecdsa-with-SHA1
    const template = { subject: commonNameOnly('x'), spki: spkiOf(key), ...dates, extensions: [] };
    const issuer = { subject: rootName, key: intermediateKey };
    const ders = [
      signCertificate({ ...template, odd: { algorithm: sha1, digest: 'sha1' } }, issuer),
      signCertificate({ ...template, notBefore: now - 2 * day, notAfter: now - day }, issuer),
      signCertificate({ ...template, notBefore: now + day, notAfter: now + 2 * day }, issuer),
    ];
    for (const der of ders) {
      const { port } = await serve({ key: pkcs8Pem(key), cert: pem(der), ciphers: 'DEFAULT:@SECLEVEL=0' });
      expect(await shake(port)).toMatchObject({ ok: true });
    }
  });
});

it.each(['TLSv1', 'TLSv1.1'] as const)('a server with %s only does not speak TLS', async (version) => {
  const { key, der } = leaf();
  const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' };
  const { port } = await serve({ key, cert: pem(der), ...options });
  expect(await shake(port)).toMatchObject({ ok: false, problem: 'notTls' });
});

// With a hostile prime of 10,000 bits, one exchange is a second of CPU: no other connection would be served in its time.
it.each([undefined, 'RSA'] as const)('no finite-field Diffie-Hellman is offered (%s)', async (keyType) => {
  const { key, der } = leaf('RSA-2048');
  const options = { ...only('TLSv1.2'), ciphers: 'DHE:@SECLEVEL=0', dhparam: 'auto' };
  const { port } = await serve({ key, cert: pem(der), ...options });
  expect(await shake(port, { keyType })).toMatchObject({ ok: false, problem: 'alert' });
});

it('a server without a certificate', async () => {
  const { port } = await serve({});
  expect(await shake(port)).toEqual({ ok: false, problem: 'alert', code: 'handshake_failure' });
});

it.each(hostileServers)('a server that $name', async ({ talk, problem, code }) => {
  const server = await hostile(talk);
  const begun = performance.now();
  expect(await shake(Number(server.url.port))).toMatchObject({
    ok: false,
    problem,
    ...(code !== undefined && { code }),
  });
  // A busy machine may take long, but no hostile server holds a connection longer than the limit by far.
  expect(performance.now() - begun).toBeLessThan(limitMs * 10);
  expect(server.connections().all).toBe(1);
});

describe.each(versions)('what is sent, %s', (version) => {
  it('is a handshake and the announcement of the end, and nothing else', async () => {
    const { key, der } = leaf();
    const served = await serve({ key, cert: pem(der), ...only(version) });
    const sent: Buffer[] = [];
    const between = await hostile((socket) => {
      const onward = connect(served.port, '127.0.0.1').on('error', () => {});
      socket.on('data', (part) => sent.push(Buffer.from(part))).pipe(onward);
      onward.pipe(socket);
    });
    expect(await shake(Number(between.url.port))).toMatchObject({ ok: true });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const records = recordsOf(Buffer.concat(sent));
    const [hello, ...rest] = records;
    expect(hello?.type).toBe(22);
    // Types: 20 change cipher spec, 21 alert, 22 handshake, 23 application data. TLS 1.3 encrypts its handshake as 23: Finished, then an alert of 2 + 1 + 16 octets.
    if (version === 'TLSv1.2') expect(rest.map(({ type }) => type)).toEqual([22, 20, 22, 21]);
    else {
      expect(rest.map(({ type }) => type)).toEqual([20, 23, 23]);
      expect(rest.at(-1)?.length).toBe(19);
    }
    expect([served.data, served.errors]).toEqual([[], []]);
  });
});

function recordsOf(bytes: Buffer): readonly { type: number; length: number }[] {
  const found: { type: number; length: number }[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    found.push({ type: bytes.readUInt8(at), length: bytes.readUInt16BE(at + 3) });
  }
  return found;
}

it('no more connections are open at once than allowed: the next one begins when one has ended', async () => {
  const open: Socket[] = [];
  const dead = await hostile((socket) => void open.push(socket.resume()));
  const few = probeNetwork({ limitMs: 20_000, connections: 3 });
  const target = { address: '127.0.0.1', port: Number(dead.url.port), serverName: undefined };
  const all = Promise.all(Array.from({ length: 5 }, () => few.handshake(target)));
  await expect.poll(() => open.length).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(open).toHaveLength(3);
  open[0]?.destroy();
  await expect.poll(() => open.length).toBe(4);
  for (let ended = 1; ended < 5; ended++) {
    await expect.poll(() => open.length).toBeGreaterThan(ended);
    open[ended]?.destroy();
  }
  expect((await all).map((each) => !each.ok && each.problem)).toEqual(Array(5).fill('closed'));
});

it.each(['localhost', 'web.example', '127.1', '0x7f000001', ''])(
  '%j is no address: no look-up, no connection',
  async (address) => {
    expect(await network.handshake({ address, port: 443, serverName: undefined })).toMatchObject({ ok: false });
  },
);

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

// That every IPv6 address of a name is probed is in test/probes/endpoint.test.ts, for machines without IPv6.
it.skipIf(!hasIpv6)('IPv6', async () => {
  const { key, der } = leaf();
  const { port } = await serve({ key, cert: pem(der) }, '::1');
  expect(await shake(port, { address: '::1' })).toMatchObject({ ok: true });
  expect(await shake(port, { address: '0:0:0:0:0:0:0:1' })).toMatchObject({ ok: true });
});
