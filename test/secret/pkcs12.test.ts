import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { readElements, readOctets } from '../../lambdas/asn1/ber.ts';
import * as write from '../../lambdas/asn1/writer.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { openFile } from '../../lambdas/secret/pkcs12/file.ts';
import { binary, goldenBytes, goldenKey, goldenPassword, goldenText, makeMaterial, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
beforeAll(() => {
  m = makeMaterial();
});

const password = goldenPassword;
const certificate = (name: string) => new Uint8Array(new X509Certificate(goldenText(name)).raw);
const files: [string, string[]][] = [
  ['openssl.p12', ['intermediate.crt']],
  ['openssl-with-root.p12', ['intermediate.crt', 'root.crt']],
  ['openssl-leaf-alone.p12', []],
  ['openssl-3des.p12', ['intermediate.crt']],
  ['openssl-rc2.p12', ['intermediate.crt']],
  ['openssl-plain-certificates-no-mac.p12', ['intermediate.crt']],
  ['keytool.p12', ['intermediate.crt']],
  ['keytool-with-trust.p12', ['intermediate.crt']],
];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const aes256 = '60864801650304012a';
const friendlyName = (name: string) => hex(Buffer.from(name, 'utf16le').swap16());

/** Returns all attributes of a written file as hex, to search for names. */
async function attributesOf(bytes: Uint8Array): Promise<string[]> {
  const { safes } = await openFile(bytes, password);
  return safes.flatMap(({ bags }) => bags.map(({ attributes }) => hex(attributes ?? new Uint8Array())));
}

describe.each(files)('%s', (name, chain) => {
  it('is read', async () => {
    const content = await readSecret(binary(goldenBytes(name)), { password });
    expect(content.shape).toBe('pkcs12');
    expect(content.leaf).toEqual(certificate('leaf.crt'));
    expect(content.chain).toEqual(chain.map(certificate));
    expect(content.needsPassword).toBe(true);
    expect(content.key.kind === 'private' && content.key.privateKey.equals(goldenKey())).toBe(true);
  });

  it('keeps its bytes if nothing changes', async () => {
    const value = binary(goldenBytes(name));
    const { leaf, chain: found, key, write } = await readSecret(value, { password });
    expect(await write({ leaf, chain: found, root: undefined, key: undefined })).toEqual(value);
    const same = await write({ leaf, chain: found, root: undefined, key: key.kind === 'none' ? undefined : key });
    expect(same).toEqual(value);
  });

  it('is written with a new pair, AES-256 and HMAC-SHA-256, and its old names', async () => {
    const before = goldenBytes(name);
    const content = await readSecret(binary(before), { password });
    const { der, key: privateKey } = m.nextLeaf('P-384');
    const written = await content.write({
      leaf: der,
      chain: [m.b, m.c],
      root: m.nextRoot,
      key: { kind: 'private', privateKey },
    });
    const bytes = written.kind === 'binary' ? written.bytes : new Uint8Array();
    const again = await readSecret(written, { password });
    expect(again.leaf).toEqual(der);
    const root = chain.includes('root.crt') ? [m.nextRoot] : [];
    expect(again.chain).toEqual(chain.length === 0 ? [] : [m.b, m.c, ...root]);
    expect(again.key.kind === 'private' && again.key.privateKey.equals(privateKey)).toBe(true);
    expect(hex(bytes)).toContain(aes256);
    for (const weak of ['2a864886f70d010c01', '2a864886f70d0307', '2b0e03021a']) expect(hex(bytes)).not.toContain(weak);
    const names = await attributesOf(bytes);
    expect(names.filter((each) => each.includes(friendlyName('leaf.example')))).toHaveLength(2);
    // localKeyId on the key and on its certificate, with the old value.
    const localKeyIds = names.filter((each) => each.includes('2a864886f70d010915'));
    expect(localKeyIds).toHaveLength(2);
    expect((await attributesOf(before)).filter((each) => each.includes('2a864886f70d010915'))).toEqual(localKeyIds);
  });

  it('is not opened with a wrong password, or without one', async () => {
    const value = binary(goldenBytes(name));
    await expect(readSecret(value)).rejects.toMatchObject({ code: 'PasswordRequired' });
    const wrong = readSecret(value, { password: 'tr0ub4dor' });
    await expect(wrong).rejects.toMatchObject({ code: 'PasswordRequired' });
    await expect(wrong).rejects.not.toMatchObject({ message: expect.stringContaining('tr0ub4dor') });
  });
});

it('a renewed certificate for the same key leaves no 3DES behind', async () => {
  const content = await readSecret(binary(goldenBytes('openssl-3des.p12')), { password });
  const written = await content.write({ leaf: m.nextLeaf('P-256').der, chain: [m.b], root: undefined, key: undefined });
  expect(hex(written.kind === 'binary' ? written.bytes : new Uint8Array())).not.toContain('2a864886f70d010c01');
  const again = await readSecret(written, { password });
  expect(again.key.kind === 'private' && again.key.privateKey.equals(goldenKey())).toBe(true);
});

it("keeps Java's trusted certificate, which is not in the chain", async () => {
  const content = await readSecret(binary(goldenBytes('keytool-with-trust.p12')), { password });
  const written = await content.write({ leaf: m.nextLeaf('P-256').der, chain: [], root: m.nextRoot, key: undefined });
  const { safes } = await openFile(written.kind === 'binary' ? written.bytes : new Uint8Array(), password);
  const bags = safes.flatMap((safe) => safe.bags).filter(({ id }) => id.endsWith('.10.1.3'));
  expect(bags.map(({ value }) => hex(value).includes(hex(certificate('root.crt'))))).toEqual([false, true]);
});

describe('in a JSON field', () => {
  const lines = (packed: string, width: number, lineEnd: string) =>
    (packed.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(lineEnd);
  const styles: [string, (packed: string) => string, RegExp][] = [
    ['one line', (packed) => packed, /^[A-Za-z0-9+/]+=*$/],
    ['one line and a newline', (packed) => `${packed}\n`, /^[A-Za-z0-9+/]+=*\n$/],
    [
      'lines of 76, CRLF',
      (packed) => `${lines(packed, 76, '\r\n')}\r\n`,
      /^(?:[A-Za-z0-9+/]{76}\r\n)+[A-Za-z0-9+/]{1,76}=*\r\n$/,
    ],
    [
      'lines behind an empty one',
      (packed) => `\n${lines(packed, 64, '\n')}`,
      /^(?:[A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/]{1,64}=*$/,
    ],
    [
      'lines of uneven length',
      (packed) => `${lines(packed.slice(0, 80), 40, '\n')}\n${packed.slice(80)}`,
      /^(?:[A-Za-z0-9+/]{40}\n)+[A-Za-z0-9+/]{1,40}=*$/,
    ],
    ['lines of 64', (packed) => lines(packed, 64, '\n'), /^(?:[A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/]{1,64}=*$/],
  ];
  it.each(styles)('%s', async (_, style, expected) => {
    const packed = Buffer.from(goldenBytes('keytool.p12')).toString('base64');
    const held = text(`{ "pkcs12" : ${JSON.stringify(style(packed))}, "n": 1e0, "password": "elsewhere" }`);
    const content = await readSecret(held, { password });
    expect(content.shape).toBe('json-pkcs12');
    const { leaf, chain } = content;
    expect(await content.write({ leaf, chain, root: undefined, key: undefined })).toEqual(held);
    const { der, key: privateKey } = m.nextLeaf('RSA');
    const written = await content.write({
      leaf: der,
      chain: [m.b],
      root: undefined,
      key: { kind: 'private', privateKey },
    });
    const field: string = JSON.parse(written.kind === 'string' ? written.text : '').pkcs12;
    expect(field).toMatch(expected);
    expect(written).toEqual(text(`{ "pkcs12" : ${JSON.stringify(field)}, "n": 1e0, "password": "elsewhere" }`));
    expect((await readSecret(written, { password })).leaf).toEqual(der);
  });

  it('is not opened without a password, and the error names the field', async () => {
    const held = text(JSON.stringify({ pkcs12: Buffer.from(goldenBytes('openssl.p12')).toString('base64') }));
    await expect(readSecret(held)).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringContaining('The PKCS#12 file in the field "pkcs12" is encrypted'),
    });
  });
});

/** The same file in BER as Windows writes it: indefinite lengths, strings in pieces. Its MAC covers the same content. */
function inBer(bytes: Uint8Array): Uint8Array {
  const [pfx] = readElements(bytes);
  const [version, authSafe, mac] = readElements(pfx?.value ?? bytes);
  const [type, wrapped] = readElements(authSafe?.value ?? bytes);
  const content = readOctets(readElements(wrapped?.value ?? bytes)[0]);
  const half = content.length >> 1;
  const piece = (part: Uint8Array) =>
    Buffer.concat([Buffer.from([0x04, 0x82, part.length >> 8, part.length & 0xff]), part]);
  const endless = (tag: number, ...parts: Uint8Array[]) =>
    Buffer.concat([Buffer.from([tag, 0x80]), ...parts, Buffer.from([0, 0])]);
  const pieces = endless(0x24, piece(content.subarray(0, half)), piece(content.subarray(half)));
  const info = endless(0x30, type?.bytes ?? bytes, endless(0xa0, pieces));
  return new Uint8Array(endless(0x30, version?.bytes ?? bytes, info, mac?.bytes ?? bytes));
}

it('is read in BER', async () => {
  const content = await readSecret(binary(inBer(goldenBytes('openssl.p12'))), { password });
  expect(content.leaf).toEqual(certificate('leaf.crt'));
});

describe('refused', () => {
  it('no private key', async () => {
    const read = readSecret(binary(goldenBytes('openssl-no-key.p12')), { password });
    await expect(read).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('0 private keys'),
    });
  });

  it('a key in KMS', async () => {
    const content = await readSecret(binary(goldenBytes('openssl.p12')), { password });
    const write = content.write({ ...content, root: undefined, key: { kind: 'kms', keyId: 'alias/x' } });
    await expect(write).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('has no field for a KMS key: expected a JSON shape'),
    });
  });

  it('a file cut anywhere, or with a byte changed anywhere', async () => {
    const whole = goldenBytes('openssl.p12');
    for (let at = 1; at < whole.length; at += 41) {
      for (const spoilt of [whole.subarray(0, at), whole.with(at, (whole[at] ?? 0) ^ 0x10)]) {
        const outcome = await readSecret(binary(spoilt), { password }).then(
          () => 'read',
          (error) => error.code,
        );
        expect(['UnsupportedSecret', 'PasswordRequired', 'InvalidCertificate', 'read']).toContain(outcome);
      }
    }
  });

  it('a changed byte in the plain part, with the key intact: the MAC shows it', async () => {
    const spoilt = Buffer.from(goldenBytes('openssl.p12'));
    const name = spoilt.indexOf(Buffer.from(friendlyName('leaf.example'), 'hex'));
    expect(name).toBeGreaterThan(0);
    spoilt.write('x', name + 1);
    const read = readSecret(binary(new Uint8Array(spoilt)), { password });
    await expect(read).rejects.toMatchObject({ code: 'PasswordRequired' });
  });

  it('contents that are nested without end', async () => {
    const deep = new Uint8Array(60_000).fill(0x80).map((byte, i) => (i % 2 === 0 ? 0x30 : byte));
    const nested = write.sequence(Uint8Array.of(2, 1, 3), deep);
    await expect(readSecret(binary(nested), { password })).rejects.toMatchObject({ code: 'UnsupportedSecret' });
  });
});
