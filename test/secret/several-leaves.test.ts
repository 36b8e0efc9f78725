/** Several certificates for one key, from several renewals, as users leave them beside each other when they renew by hand. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { seal } from '../../lambdas/secret/encryption/pbes.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { certificateBag, shroudedKeyBag } from '../../lambdas/secret/pkcs12/content.ts';
import { closeFile, openFile } from '../../lambdas/secret/pkcs12/file.ts';
import '../support/equal-bytes.ts';
import {
  binary,
  goldenPassword,
  type Issued,
  issue,
  type KeyKind,
  keyPem,
  makeMaterial,
  pem,
  text,
} from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
type Named = Issued & { name: string };
let m: Material;
let ca: Named;
/** For each kind of key: three certificates of one key. One has ended, one is current, and one is between them. */
const leaves = new Map<KeyKind, { old: Named; today: Named; between: Named }>();
const kinds: KeyKind[] = ['P-256', 'P-521', 'Ed25519', 'RSA'];

beforeAll(() => {
  m = makeMaterial();
  ca = issue('CA', 'P-256');
  for (const kind of kinds) {
    const old = issue('leaf', kind, ca, { notAfter: '2026-02-01T00:00:00Z' });
    const today = issue('leaf', kind, ca, { key: old.key });
    // Not in alphabetical order: "Dec" is before "Feb" there.
    const between = issue('leaf', kind, ca, { key: old.key, notAfter: '2026-12-01T00:00:00Z' });
    leaves.set(kind, { old, today, between });
  }
});

const of = (kind: KeyKind) => {
  const found = leaves.get(kind);
  if (!found) throw new Error(kind);
  return found;
};
const key = (privateKey: Issued['key']) => ({ kind: 'private', privateKey }) as const;
const textOf = (value: SecretValue) => (value.kind === 'string' ? value.text : '');

type Order = ('old' | 'today' | 'between' | 'a')[];
const orders: [Order, Order][] = [
  [['old', 'today'], []],
  [['today', 'old'], []],
  [['old', 'today', 'a'], ['a']],
  [['old', 'a', 'today'], ['a']],
  [['today', 'a', 'old'], ['a']],
  [['a', 'old', 'today'], ['a']],
  [['old', 'between', 'today', 'a'], ['a']],
  [['between', 'today', 'old', 'a'], ['a']],
];

describe.each(kinds)('for a key %s', (kind) => {
  const der = (name: Order[number]) => (name === 'a' ? m.a : of(kind)[name].der);

  it.each(orders)('%j in a text, a field and a file of PKCS#12', async (order, chain) => {
    const { today } = of(kind);
    const blocks = order.map((name) => pem(der(name)));
    const values = [
      text(`${blocks.join('\n')}\n${keyPem(today.key)}\n`),
      text(`${keyPem(today.key)}\n${blocks.join('\n')}`),
      text(JSON.stringify({ certificate: blocks.join('\n'), privateKey: keyPem(today.key) })),
      text(JSON.stringify({ 'tls.crt': `${blocks.join('\n')}\n`, 'tls.key': keyPem(today.key), 'ca.crt': '' })),
      binary(
        await fileOf(
          order.map((name) => certificateBag(der(name), undefined)),
          today.key,
        ),
      ),
    ];
    for (const value of values) {
      const content = await readSecret(value, { password: goldenPassword });
      expect(content.leaf).toEqual(today.der);
      expect(content.chain).toEqual(chain.map(der));
      expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
      // After a renewal and a rekey there is one leaf, in the place of the first one.
      for (const next of [of(kind).between, m.nextLeaf('P-384')]) {
        if (next === of(kind).between && order.includes('between')) continue;
        const change = next.key === today.key ? undefined : key(next.key);
        const written = await content.write({ leaf: next.der, chain: [m.b], root: undefined, key: change });
        const again = await readSecret(written, { password: goldenPassword });
        expect(again.leaf).toEqual(next.der);
        expect(again.chain).toEqual(chain.length === 0 ? [] : [m.b]);
        if (value.kind !== 'string') continue;
        const expected = order
          .filter((name, i) => name === 'a' || i === order.findIndex((each) => each !== 'a'))
          .map((name) => pem(name === 'a' ? m.b : next.der))
          .join('\n');
        expect(textOf(written).replaceAll('\\n', '\n')).toContain(expected);
      }
    }
  });
});

const quick = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' } as const;

async function fileOf(certificates: ReturnType<typeof certificateBag>[], privateKey: Issued['key']) {
  const info = privateKey.export({ format: 'der', type: 'pkcs8' });
  const { algorithm, data } = await seal(info, goldenPassword, quick, randomBytes);
  const bag = { id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)), attributes: undefined };
  const safes = [{ bags: [...certificates, bag], derivation: undefined }];
  return closeFile({ safes, macIterations: 2048 }, goldenPassword, randomBytes);
}

it('in PKCS#12 the new leaf has the attributes that link it to its key', async () => {
  const { old, today } = of('P-256');
  const attributes = Buffer.from('3100', 'hex'); // an empty SET is enough to recognise it
  const named = write.sequence(write.oid('1.2.3'));
  const set = new Uint8Array(Buffer.concat([Buffer.of(0x31, named.length), named]));
  const orders = [
    [certificateBag(old.der, set), certificateBag(today.der, undefined)],
    [certificateBag(today.der, undefined), certificateBag(old.der, set)],
    [certificateBag(old.der, undefined), certificateBag(today.der, set)],
  ];
  for (const bags of orders) {
    const file = await fileOf([...bags, certificateBag(m.a, attributes)], today.key);
    const content = await readSecret(binary(file), { password: goldenPassword });
    expect(content.leaf).toEqual(today.der);
    const next = m.nextLeaf('P-384');
    const written = await content.write({ leaf: next.der, chain: [m.b], root: undefined, key: key(next.key) });
    const { safes } = await openFile(written.kind === 'binary' ? written.bytes : new Uint8Array(), goldenPassword);
    const certificates = safes.flatMap((safe) => safe.bags).filter(({ id }) => id.endsWith('.10.1.3'));
    expect(certificates.map((bag) => Buffer.from(bag.attributes ?? []).toString('hex'))).toEqual([
      Buffer.from(set).toString('hex'),
      '3100',
    ]);
  }
});

it('for a key in KMS the first certificate determines the key, and of its certificates the one that ends last counts', async () => {
  const { old, today } = of('P-256');
  for (const order of [
    [old, today],
    [today, old],
  ]) {
    const certificate = [...order.map(({ der }) => pem(der)), pem(m.a)].join('\n');
    const value = text(JSON.stringify({ certificate, kmsKeyId: 'alias/a' }));
    const content = await readSecret(value);
    expect([content.leaf, content.chain]).toEqual([today.der, [m.a]]);
    expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
    const written = await content.write({ leaf: m.leaf('RSA').der, chain: [m.b], root: undefined, key: undefined });
    expect(JSON.parse(textOf(written)).certificate).toBe(`${pem(m.leaf('RSA').der)}\n${pem(m.b)}`);
  }
});

it('one of the same key in the field of the chain is not part of the chain, and is removed by the next renewal', async () => {
  const { old, today } = of('RSA');
  const fields = (certificate: string, certificateChain: string) =>
    text(JSON.stringify({ certificate, privateKey: keyPem(today.key), certificateChain }));
  const value = fields(pem(today.der), `${pem(old.der)}\n${pem(m.a)}\n`);
  const content = await readSecret(value);
  expect([content.leaf, content.chain]).toEqual([today.der, [m.a]]);
  expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
  const written = await content.write({ leaf: m.b, chain: [m.c], root: undefined, key: undefined });
  expect(written).toEqual(fields(pem(m.b), `${pem(m.c)}\n`));
});

it('the same applies to certificates of a CA', async () => {
  const before = issue('Root', 'P-384', undefined, { notAfter: '2026-02-01T00:00:00Z' });
  const renewed = issue('Root', 'P-384', undefined, { key: before.key });
  const content = await readSecret(text(`${pem(before.der)}\n${pem(renewed.der)}\n${keyPem(before.key)}\n`));
  expect([content.leaf, content.chain]).toEqual([renewed.der, []]);
  const written = await content.write({ leaf: m.root, chain: [], root: m.root, key: undefined });
  expect(textOf(written)).toBe(`${pem(m.root)}\n${keyPem(before.key)}\n`);
});
