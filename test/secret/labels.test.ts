/** Keys whose label says less than their content, and encodings with omitted parts: read as OpenSSL 3 reads them. */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { sealPrivateKey } from '../../lambdas/secret/encrypted-key.ts';
import { sealLegacy } from '../../lambdas/secret/encryption/legacy-pem.ts';
import { readGivenKey } from '../../lambdas/secret/given-key.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { type KeyKind, makeMaterial, pem, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
beforeAll(() => {
  m = makeMaterial();
});

const password = 'opens it';
const quick = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' } as const;
type Content = 'pkcs8' | 'traditional' | 'encrypted';

const traditionalType = (key: KeyObject) => (key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1');
async function derOf(key: KeyObject, content: Content): Promise<Uint8Array> {
  if (content === 'encrypted') return sealPrivateKey(key, password, randomBytes, quick);
  return key.export({ format: 'der', type: content === 'pkcs8' ? 'pkcs8' : traditionalType(key) });
}

/** Returns the encoding of the key in a block: one of its own exports, or else encrypted PKCS#8, which OpenSSL must open. */
function contentOf(der: Uint8Array, key: KeyObject): Content {
  const same = (type: 'pkcs8' | 'sec1' | 'pkcs1') => Buffer.compare(key.export({ format: 'der', type }), der) === 0;
  if (same('pkcs8')) return 'pkcs8';
  if (key.asymmetricKeyType !== 'ed25519' && same(traditionalType(key))) return 'traditional';
  const opened = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8', passphrase: password });
  expect(opened.export({ format: 'jwk' })).toEqual(key.export({ format: 'jwk' }));
  return 'encrypted';
}

const labels = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY'] as const;
const contents: Content[] = ['pkcs8', 'traditional', 'encrypted'];
const named = (label: string, kind: KeyKind) => {
  if (!/^(?:EC|RSA) /.test(label)) return label;
  return kind === 'Ed25519' ? 'PRIVATE KEY' : kind === 'RSA' ? 'RSA PRIVATE KEY' : 'EC PRIVATE KEY';
};

describe.each(labels)('BEGIN %s', (label) => {
  const kinds: KeyKind[] = label.startsWith('RSA') ? ['RSA'] : ['P-256', 'P-384', 'P-521', 'RSA'];
  const rows = kinds
    .filter((kind) => !label.startsWith('EC ') || kind !== 'RSA')
    .flatMap((kind) => contents.map((content): [Content, KeyKind] => [content, kind]));
  it.each(rows)('with %s of a key %s', async (content, kind) => {
    const { der, key } = m.leaf(kind);
    const block = encodePem(label, await derOf(key, content));
    const values: [SecretValue, (value: SecretValue) => string][] = [
      [text(`${pem(der)}\n${block}\n`), (value) => (value.kind === 'string' ? value.text : '')],
      [
        text(JSON.stringify({ certificate: pem(der), privateKey: block })),
        (value) => JSON.parse(value.kind === 'string' ? value.text : '').privateKey,
      ],
    ];
    for (const [value, keyOf] of values) {
      const read = await readSecret(value, { password });
      expect(read.needsPassword).toBe(content === 'encrypted');
      expect(read.key.kind === 'private' && read.key.privateKey.export({ format: 'jwk' })).toEqual(
        key.export({ format: 'jwk' }),
      );
      expect(await read.write({ ...read, root: undefined, key: undefined })).toEqual(value);
      for (const to of ['P-384', 'RSA', 'Ed25519'] as const) {
        const next = m.nextLeaf(to);
        const change = { kind: 'private', privateKey: next.key } as const;
        const written = await read.write({ leaf: next.der, chain: [], root: undefined, key: change });
        const found = pemBlocks(keyOf(written)).find((each) => each.label.endsWith('PRIVATE KEY'));
        // Encrypted PKCS#8 gets its own label if the old one would name another kind of key.
        const expected = named(label, to);
        const isOther = content === 'encrypted' && expected !== label;
        expect(found?.label).toBe(isOther ? 'ENCRYPTED PRIVATE KEY' : expected);
        const kept = content === 'traditional' && to === 'Ed25519' ? 'pkcs8' : content;
        expect(contentOf(found?.der ?? new Uint8Array(), next.key)).toBe(kept);
        expect((await readSecret(written, { password })).leaf).toEqual(next.der);
      }
    }
    const given = await readGivenKey(text(block), { password });
    expect(given.export({ format: 'jwk' })).toEqual(key.export({ format: 'jwk' }));
  });

  it('encrypted content needs a password, and plain content does not', async () => {
    const { der, key } = m.leaf(label.startsWith('RSA') ? 'RSA' : 'P-256');
    const held = async (content: Content) => text(`${encodePem(label, await derOf(key, content))}\n${pem(der)}\n`);
    await expect(readSecret(await held('encrypted'))).rejects.toMatchObject({ code: 'PasswordRequired' });
    await expect(readSecret(await held('encrypted'), { password: 'another' })).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringContaining('the password is wrong'),
    });
    for (const content of ['pkcs8', 'traditional'] as const)
      expect((await readSecret(await held(content))).needsPassword).toBe(false);
  });
});

it.each<[string, Exclude<Content, 'encrypted'>]>([
  ['PRIVATE KEY', 'traditional'],
  ['EC PRIVATE KEY', 'pkcs8'],
])('legacy encryption of BEGIN %s with %s keeps both', async (label, content) => {
  const headers = ['Proc-Type: 4,ENCRYPTED', `DEK-Info: AES-256-CBC,${'0F'.repeat(16)}`];
  const { der, key } = m.leaf('P-256');
  const sealed = sealLegacy(headers, await derOf(key, content), password, randomBytes);
  const held = text(`${encodePem(label, sealed.data, '\n', sealed.headers)}\n${pem(der)}\n`);
  const read = await readSecret(held, { password });
  const next = m.nextLeaf('P-384');
  const written = await read.write({
    leaf: next.der,
    chain: [],
    root: undefined,
    key: { kind: 'private', privateKey: next.key },
  });
  const [block] = pemBlocks(written.kind === 'string' ? written.text : '');
  expect(block).toMatchObject({ label, headers: ['Proc-Type: 4,ENCRYPTED', expect.stringMatching(/^DEK-Info: /)] });
  expect((await readSecret(written, { password })).leaf).toEqual(next.der);
});

describe('a key with omitted parts', () => {
  const curves = { 'P-256': '1.2.840.10045.3.1.7', 'P-384': '1.3.132.0.34', 'P-521': '1.3.132.0.35' } as const;
  const numbers = (key: KeyObject) => {
    const { d = '', x = '', y = '' } = key.export({ format: 'jwk' });
    const [number, abscissa, ordinate] = [d, x, y].map((part) => Buffer.from(part, 'base64url'));
    return { d: number ?? Buffer.of(), x: abscissa ?? Buffer.of(), y: ordinate ?? Buffer.of() };
  };
  const bits = (point: Uint8Array) => write.element(0xa1, write.element(0x03, Buffer.concat([Buffer.of(0), point])));
  /** RFC 5915. */
  const sec1 = (curve: Uint8Array | undefined, d: Uint8Array, point: Uint8Array | undefined) =>
    write.sequence(
      write.integer(1),
      write.octetString(d),
      ...(curve ? [write.element(0xa0, curve)] : []),
      ...(point ? [bits(point)] : []),
    );
  const rows = (Object.keys(curves) as (keyof typeof curves)[]).flatMap((kind) =>
    (['no point', 'a compressed point', 'PKCS#8 without a point', 'PKCS#8 with a compressed point'] as const).map(
      (shape): [keyof typeof curves, typeof shape] => [kind, shape],
    ),
  );
  it.each(rows)('%s, %s', async (kind, shape) => {
    const { der, key } = m.leaf(kind);
    const { d, x, y } = numbers(key);
    const compressed = Buffer.concat([Buffer.of(2 + ((y.at(-1) ?? 0) & 1)), x]);
    const point = shape.endsWith('compressed point') ? compressed : undefined;
    const curve = write.oid(curves[kind]);
    const algorithm = write.sequence(write.oid('1.2.840.10045.2.1'), curve);
    const block = shape.startsWith('PKCS#8')
      ? encodePem(
          'PRIVATE KEY',
          write.sequence(write.integer(0), algorithm, write.octetString(sec1(undefined, d, point))),
        )
      : encodePem('EC PRIVATE KEY', sec1(curve, d, point));
    const held = text(`${pem(der)}\n${block}\n`);
    const read = await readSecret(held);
    expect(read.key.kind === 'private' && numbers(read.key.privateKey)).toEqual({ d, x, y });
    expect(await read.write({ ...read, root: undefined, key: undefined })).toEqual(held);
    const next = m.nextLeaf('P-384');
    const change = { kind: 'private', privateKey: next.key } as const;
    const written = await read.write({ leaf: next.der, chain: [], root: undefined, key: change });
    expect((await readSecret(written)).leaf).toEqual(next.der);
  });
});

describe('an unknown block is named', () => {
  const certificate = () => pem(m.leaf('P-256').der);
  const key = () => encodePem('PRIVATE KEY', m.leaf('P-256').key.export({ format: 'der', type: 'pkcs8' }));
  const labelled = (block: string, label: string) => block.replaceAll(/(BEGIN|END) [A-Z ]+/g, `$1 ${label}`);
  const table: [string, () => SecretValue, string][] = [
    [
      'in PEM text',
      () => text(`${certificate()}\n${key()}\n${labelled(certificate(), 'CERTIFICATE REQUEST')}`),
      '1 block of another kind (BEGIN CERTIFICATE REQUEST)',
    ],
    [
      'two of them',
      () =>
        text(
          `${certificate()}\n${key()}\n${labelled(certificate(), 'X509 CRL')}\n${labelled(certificate(), 'PUBLIC KEY')}`,
        ),
      '2 blocks of another kind (BEGIN X509 CRL, BEGIN PUBLIC KEY)',
    ],
    [
      'a label of its own, which may be anything',
      () => text(`${certificate()}\n${key()}\n${labelled(certificate(), 'hunter2')}`),
      'BEGIN (an unusual label)',
    ],
    [
      'a certificate with trust settings',
      () => text(`${labelled(certificate(), 'TRUSTED CERTIFICATE')}\n${key()}`),
      'BEGIN TRUSTED CERTIFICATE (make it a CERTIFICATE: openssl x509',
    ],
    [
      'in a field of certificates',
      () => text(JSON.stringify({ certificate: labelled(certificate(), 'PKCS7'), privateKey: key() })),
      'BEGIN PKCS7',
    ],
    [
      'in the field of the key',
      () => text(JSON.stringify({ certificate: certificate(), privateKey: labelled(key(), 'PUBLIC KEY') })),
      'BEGIN PUBLIC KEY',
    ],
    [
      'a key of an unsupported kind',
      () => text(`${certificate()}\n${labelled(key(), 'OPENSSH PRIVATE KEY')}`),
      'BEGIN OPENSSH PRIVATE KEY',
    ],
    [
      'base64 without its lines around it',
      () => text(JSON.stringify({ certificate: certificate().split('\n').slice(1, -1).join('\n'), privateKey: key() })),
      'base64 without its BEGIN and END lines',
    ],
    [
      'DER',
      () => ({
        kind: 'binary',
        bytes: new Uint8Array(Buffer.concat([m.leaf('P-256').der])),
      }),
      'begins like DER: convert it to PEM with openssl x509 -inform der',
    ],
  ];
  it.each(table)('%s', async (_, value, found) => {
    const error = await readSecret(value()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UnsupportedSecret', message: expect.stringContaining(found) });
    expect(String(error)).not.toMatch(/MI[A-Za-z0-9+/]{6}|hunter2|\.\./);
  });
});

it.each([
  ['x', '1 character '],
  ['', 'An empty value'],
  ['xy', '2 characters '],
])('the number of blocks is in the message: %j', async (value, found) => {
  await expect(readSecret(text(value))).rejects.toMatchObject({ message: expect.stringContaining(found) });
});

it.each([
  [1, 'Binary data of 1 byte that'],
  [2, 'Binary data of 2 bytes that'],
])('the number of bytes is in the message: %i', async (length, found) => {
  const value = { kind: 'binary', bytes: new Uint8Array(length).fill(0xff) } as const;
  await expect(readSecret(value)).rejects.toMatchObject({ message: expect.stringContaining(found) });
});
