/** The DNS server of the tests, asked by Node's resolver (c-ares) and byte by byte. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TYPES } from '../../testkit/dns/message.ts';
import { type DnsServer, startDnsServer } from '../../testkit/dns/server.ts';

const long = 'x'.repeat(700);
const records: Readonly<Record<string, readonly string[]>> = {
  '_acme-challenge.example.com': ['first', 'second'],
  'middle.example.com': ['y'.repeat(300)],
  'long.example.com': [long, 'short'],
  'empty.example.com': [''],
};

let dns: DnsServer;
const resolver = new Resolver({ tries: 1, timeout: 2_000 });
beforeAll(async () => {
  dns = await startDnsServer((name) => {
    if (name === 'broken.example.com') throw new Error('no answer');
    return records[name] ?? [];
  });
  resolver.setServers([dns.address]);
});
afterAll(() => dns?.close());

const texts = async (name: string) => (await resolver.resolveTxt(name)).map((parts) => parts.join('')).sort();

test('two values of one name are two records', async () => {
  expect(await texts('_acme-challenge.example.com')).toEqual(['first', 'second']);
});

test('names are compared without their case', async () => {
  expect(await texts('_ACME-challenge.Example.com')).toEqual(['first', 'second']);
});

test('a value of more than 255 bytes is one record of several strings', async () => {
  expect(await resolver.resolveTxt('middle.example.com')).toEqual([['y'.repeat(255), 'y'.repeat(45)]]);
});

test('a resolver asks by TCP for an answer too large for UDP', async () => {
  const before = dns.asked.length;
  expect(await texts('long.example.com')).toEqual(['short', long]);
  expect(dns.asked.slice(before)).toEqual(Array(2).fill({ name: 'long.example.com', type: TYPES.TXT }));
});

test('an empty value is a record', async () => {
  expect(await texts('empty.example.com')).toEqual(['']);
});

test.each(['nothing.example.com'])('%s exists without TXT records', async (name) => {
  await expect(resolver.resolveTxt(name)).rejects.toMatchObject({ code: 'ENODATA' });
});

test('other types have no records', async () => {
  await expect(resolver.resolveCaa('_acme-challenge.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(resolver.resolve4('_acme-challenge.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(resolver.resolveSoa('_acme-challenge.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
});

test('an error of the callback is SERVFAIL', async () => {
  await expect(resolver.resolveTxt('broken.example.com')).rejects.toMatchObject({ code: 'ESERVFAIL' });
});

/** A query with id 7 for the TXT records of _acme-challenge.example.com. */
const query = Buffer.concat([
  Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  ...['_acme-challenge', 'example', 'com'].map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
  Buffer.from([0, 0, TYPES.TXT, 0, 1]),
]);
const port = () => Number(dns.address.split(':')[1]);

test('two queries on one TCP connection, in pieces, have two answers', async () => {
  const socket = connect(port(), '127.0.0.1');
  let received = Buffer.alloc(0);
  const framed = Buffer.concat([Buffer.from([0, query.length]), query]);
  socket.write(Buffer.concat([framed, framed.subarray(0, 5)]));
  const next = async (length: number) => {
    while (received.length < length) received = Buffer.concat([received, (await once(socket, 'data'))[0] as Buffer]);
  };
  await next(2);
  const first = 2 + received.readUInt16BE(0);
  await next(first);
  expect(received.readUInt16BE(2)).toBe(7);
  expect(received.readUInt16BE(2 + 6)).toBe(2);
  socket.write(framed.subarray(5));
  await next(2 * first);
  expect(received.subarray(first)).toEqual(received.subarray(0, first));
  socket.destroy();
});

test('bytes that are no query are not answered, and the server still answers others', async () => {
  const socket = connect(port(), '127.0.0.1');
  socket.write(Buffer.from([0, 3, 1, 2, 3]));
  await once(socket, 'close');
  const udp = createSocket('udp4');
  for (const noQuery of [
    Buffer.from('no query'),
    query.subarray(0, 20),
    Buffer.concat([query.subarray(0, 12), Buffer.alloc(20, 200)]),
  ])
    udp.send(noQuery, port(), '127.0.0.1');
  udp.send(query, port(), '127.0.0.1');
  const [message] = (await once(udp, 'message')) as [Buffer];
  expect(message.readUInt16BE(0)).toBe(7);
  udp.close();
});
