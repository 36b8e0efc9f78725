/** The formats of encrypted keys at their edges: what is no DER, no known scheme, no header; the ciphers are in encrypted-key.test.ts. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  DerError,
  encode,
  encodeExplicit0,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctets,
  encodeSequence,
  explicit0,
  integer,
  objectIdentifier,
  octets,
  readElements,
  sequence,
  tag,
} from '../../lambdas/asn1/ber.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import { openLegacy, sealLegacy } from '../../lambdas/secret/encryption/legacy-pem.ts';
import { open, SealError, seal } from '../../lambdas/secret/encryption/pbes.ts';
import { readGivenKey } from '../../lambdas/secret/given-key.ts';
import { openFile } from '../../lambdas/secret/pkcs12/file.ts';
import { beginsLikePkcs12 } from '../../lambdas/secret/pkcs12.ts';
import { goldenBytes, goldenKey, goldenPassword, goldenText, text } from './material.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (found: Uint8Array): string => Buffer.from(found).toString('hex');
const only = (found: Uint8Array) => readElements(found)[0];

describe('elements of BER', () => {
  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['one, empty', '0500', ['']],
    ['one after the other', '020101 0400 0401ff', ['01', '', 'ff']],
    ['a length of one more byte', `048180${'00'.repeat(128)}`, ['00'.repeat(128)]],
    ['a length of four more bytes', '048400000001 ff', ['ff']],
    ['an indefinite length', '3080 020101 0000', ['020101']],
    ['an indefinite length, and what follows', '3080 0000 0500', ['', '']],
    ['indefinite lengths in each other', '3080 3080 0500 0000 0000', ['308005000000']],
  ])('%s', (_, given, contents) => {
    expect(readElements(bytes(given)).map(({ content }) => hex(content))).toEqual(contents);
    expect(
      readElements(bytes(given))
        .map(({ encoded }) => hex(encoded))
        .join(''),
    ).toBe(given.replaceAll(' ', ''));
  });

  it.each<[string, string, string]>([
    ['a tag alone', '04', 'cut'],
    ['content that is cut', '040201', 'cut'],
    ['a length that is cut', '0482', 'length'],
    ['a length that is cut in the middle', '048201', 'length'],
    ['a length of five bytes', '04850000000001ff', 'length'],
    ['a length of one more byte, of which nothing follows', '048101', 'cut'],
    ['an indefinite length of a primitive', '0480 0500 0000', 'length'],
    ['an indefinite length without an end', '3080 0500', 'cut'],
    ['an end of contents that is none', '3080 0001 00', 'end of contents'],
    ['more levels than a file has', `${'3080'.repeat(18)}${'0000'.repeat(18)}`, 'length'],
  ])('%s is no DER', (_, given, why) => {
    expect(() => readElements(bytes(given))).toThrow(new DerError(why));
  });

  it('nests sixteen indefinite lengths, and no more', () => {
    expect(readElements(bytes(`${'3080'.repeat(16)}${'0000'.repeat(16)}`))).toHaveLength(1);
    expect(() => readElements(bytes(`${'3080'.repeat(17)}${'0000'.repeat(17)}`))).toThrow(new DerError('length'));
  });
});

describe('strings', () => {
  it.each<[string, string, string]>([
    ['whole', '0402abcd', 'abcd'],
    ['IMPLICIT', '8002abcd', 'abcd'],
    ['in pieces', '2408 0401ab 0403cdef01', 'abcdef01'],
    ['in pieces, IMPLICIT', 'a006 0401ab 0401cd', 'abcd'],
    ['in pieces of pieces', '2480 2405 0403abcdef 0401 01 0000', 'abcdef01'],
  ])('%s', (_, given, content) => {
    expect(hex(octets(only(bytes(given))))).toBe(content);
  });

  it.each<[string, string]>([
    ['an integer', '020101'],
    ['a sequence', '30030401ab'],
    ['pieces that are no strings', '2403020101'],
    ['nothing', ''],
  ])('%s is none', (_, given) => {
    expect(() => octets(only(bytes(given)))).toThrow(new DerError('string'));
  });

  it('is in pieces to sixteen levels', () => {
    const nested = (levels: number): Uint8Array =>
      Array.from({ length: levels }).reduce<Uint8Array>((inner) => encode(0x24, inner), encodeOctets(bytes('ab')));
    expect(hex(octets(only(nested(16))))).toBe('ab');
    expect(() => octets(only(nested(17)))).toThrow(new DerError('string'));
  });
});

describe('what must be of one kind', () => {
  it('is a sequence, or the one element of an EXPLICIT [0]', () => {
    expect(sequence(only(bytes('3003020101')))).toHaveLength(1);
    expect(explicit0(only(bytes('a003020101')))).toMatchObject({ tag: tag.integer });
  });

  it.each<[string, () => unknown, string]>([
    ['no sequence', () => sequence(only(bytes('3100'))), 'tag'],
    ['no element at all', () => sequence(undefined), 'tag'],
    ['an empty EXPLICIT', () => explicit0(only(bytes('a000'))), 'explicit'],
    ['an EXPLICIT of two', () => explicit0(only(bytes('a004 0500 0500'))), 'explicit'],
    ['an EXPLICIT that is a string', () => explicit0(only(bytes('8003020101'))), 'tag'],
  ])('%s', (_, read, why) => {
    expect(read).toThrow(new DerError(why));
  });
});

describe('integers', () => {
  it.each<[number, string]>([
    [0, '020100'],
    [1, '020101'],
    [127, '02017f'],
    [128, '02020080'],
    [255, '020200ff'],
    [256, '02020100'],
    [600_000, '02030927c0'],
    [2 ** 39 - 1, '02057fffffffff'],
    [2 ** 39, '0206008000000000'],
  ])('%i', (value, encoded) => {
    expect(hex(encodeInteger(value))).toBe(encoded);
    expect(integer(only(bytes(encoded)))).toBe(value);
  });

  it.each<[string, string]>([
    ['none', '0200'],
    ['a negative one', '0201ff'],
    ['the least negative one', '020180'],
    ['one of seven bytes', '020701000000000000'],
  ])('%s', (_, encoded) => {
    expect(() => integer(only(bytes(encoded)))).toThrow(new DerError('integer'));
  });
});

describe('object identifiers', () => {
  it.each<[string, string]>([
    ['1.2.840.113549.1.5.13', '06092a864886f70d01050d'],
    ['2.16.840.1.101.3.4.1.42', '060960864801650304012a'],
    ['0.9.2342', '0603099226'],
    ['2.999.3', '0603883703'],
    ['1.2.128', '06032a8100'],
    ['1.2.16384', '06042a818000'],
  ])('%s', (dotted, encoded) => {
    expect(objectIdentifier(only(bytes(encoded)))).toBe(dotted);
    expect(hex(encodeObjectIdentifier(dotted))).toBe(encoded);
  });

  it('does not count past what a number holds exactly', () => {
    expect(objectIdentifier(only(bytes('06072affffffffff7f')))).toBe(`1.2.${2 ** 42 - 1}`);
    expect(() => objectIdentifier(only(bytes('06082affffffffffff7f')))).toThrow(new DerError('oid'));
  });
});

it.each([
  [0x7f, '047f'],
  [0x80, '048180'],
  [0xff, '0481ff'],
  [0x100, '04820100'],
])('a content of %i bytes is encoded with the shortest length', (length, header) => {
  expect(hex(encodeOctets(new Uint8Array(length)))).toBe(`${header}${'00'.repeat(length)}`);
});

describe('schemes of encryption', () => {
  const none = encode(tag.null);
  const oid = {
    pbes2: '1.2.840.113549.1.5.13',
    pbkdf2: '1.2.840.113549.1.5.12',
    aes256: '2.16.840.1.101.3.4.1.42',
    sha256: '1.2.840.113549.2.9',
    scrypt: '1.3.6.1.4.1.11591.4.11',
  };
  const id = (dotted: string, ...parameters: Uint8Array[]) =>
    encodeSequence(encodeObjectIdentifier(dotted), ...parameters);
  const salt = encodeOctets(new Uint8Array(8));
  const aes = id(oid.aes256, encodeOctets(new Uint8Array(16)));
  const pbkdf2 = (count: number, prf: string = oid.sha256, kdf: string = oid.pbkdf2) =>
    id(kdf, encodeSequence(salt, encodeInteger(count), id(prf, none)));
  const pbes2 = (kdf: Uint8Array, cipher: Uint8Array = aes, scheme: string = oid.pbes2) =>
    id(scheme, encodeSequence(kdf, cipher));
  const scrypt = (cost: number) => id(oid.scrypt, encodeSequence(salt, ...[cost, 8, 1].map(encodeInteger)));

  it.each<[string, Uint8Array]>([
    ['no DER', bytes('30')],
    ['nothing', bytes('')],
    ['PBES1 with MD5', id('1.2.840.113549.1.5.3', encodeSequence(salt, encodeInteger(1)))],
    ['PBES2 without parameters', id(oid.pbes2)],
    ['another name for parameters of PBES2', pbes2(pbkdf2(1), aes, '1.2.3')],
    ['an unknown cipher', pbes2(pbkdf2(1), id('1.2.3', encodeOctets(new Uint8Array(16))))],
    ['an unknown PRF', pbes2(pbkdf2(1, '1.2.3'))],
    ['an unknown key derivation', pbes2(pbkdf2(1, oid.sha256, '1.2.3'))],
    ['no iteration', pbes2(pbkdf2(0))],
    ['too many iterations', pbes2(pbkdf2(2_000_001))],
    ['scrypt with a cost that is no power of two', pbes2(scrypt(1000))],
    ['scrypt with too much memory', pbes2(scrypt(2 ** 20))],
    ['PKCS#12 without parameters', id('1.2.840.113549.1.12.1.3')],
    ['PKCS#12 without an iteration', id('1.2.840.113549.1.12.1.3', encodeSequence(salt, encodeInteger(0)))],
    ['PKCS#12 with too many', id('1.2.840.113549.1.12.1.3', encodeSequence(salt, encodeInteger(2_000_001)))],
  ])('%s is not known', async (_, algorithm) => {
    await expect(open(algorithm, new Uint8Array(16), 'password')).rejects.toThrow(new SealError('scheme'));
  });

  it.each<[string, Uint8Array]>([
    ['PBKDF2, one iteration', pbes2(pbkdf2(1))],
    ['scrypt', pbes2(scrypt(2))],
    ['3DES of PKCS#12, one iteration', id('1.2.840.113549.1.12.1.3', encodeSequence(salt, encodeInteger(1)))],
    ['RC2 of PKCS#12', id('1.2.840.113549.1.12.1.6', encodeSequence(salt, encodeInteger(1)))],
    ['an IV of another length', pbes2(pbkdf2(1), id(oid.aes256, encodeOctets(new Uint8Array(8))))],
  ])('%s with data of another password', async (_, algorithm) => {
    await expect(open(algorithm, new Uint8Array(16).fill(7), 'password')).rejects.toThrow(new SealError('password'));
  });
});

it.each<['sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512', string]>([
  ['sha1', '2a864886f70d0209'],
  ['sha224', '2a864886f70d0209'],
  ['sha256', '2a864886f70d0209'],
  ['sha384', '2a864886f70d020a'],
  ['sha512', '2a864886f70d020b'],
])('what was derived by HMAC with %s is written with SHA-256 at least', async (digest, prf) => {
  const before = { kind: 'pbkdf2', iterations: 1, digest } as const;
  const { algorithm } = await seal(bytes('00'), 'p', before, (size) => new Uint8Array(size));
  expect(hex(algorithm)).toContain(`0608${prf}`);
});

describe('headers of legacy PEM encryption', () => {
  const [block] = pemBlocks(goldenText('legacy-ec-aes128.key'));
  const [procType = '', dek = ''] = block?.headers ?? [];
  const iv = dek.split(',')[1] ?? '';
  const opens = (...headers: string[]) => openLegacy(headers, block?.der ?? new Uint8Array(), goldenPassword);

  it.each<[string, string[]]>([
    ['as OpenSSL writes them', [procType, dek]],
    ['in the other order', [dek, procType]],
    ['with another one between', [procType, 'X-Note: mine', dek]],
    ['with spaces', ['Proc-Type:  4 ,  ENCRYPTED', `DEK-Info:  AES-128-CBC ,  ${iv}  `]],
    ['without spaces', ['Proc-Type:4,ENCRYPTED', `DEK-Info:AES-128-CBC,${iv.toLowerCase()}`]],
  ])('%s are read', (_, headers) => {
    const opened = createPrivateKey({ key: Buffer.from(opens(...headers)), format: 'der', type: 'sec1' });
    expect(opened.equals(goldenKey())).toBe(true);
  });

  it.each<[string, string[]]>([
    ['none', []],
    ['without Proc-Type', [dek]],
    ['with another Proc-Type', ['Proc-Type: 4,MIC-ONLY', dek]],
    ['with more behind Proc-Type', ['Proc-Type: 4,ENCRYPTED, not', dek]],
    ['with more before Proc-Type', ['X-Proc-Type: 4,ENCRYPTED', dek]],
    ['without DEK-Info', [procType]],
    ['with more before DEK-Info', [procType, `X-${dek}`]],
    ['with more behind DEK-Info', [procType, `${dek} more`]],
    ['with a cipher that is not known', [procType, `DEK-Info: DES-CBC,${iv}`]],
    ['with an IV of another length', [procType, `DEK-Info: AES-128-CBC,${iv.slice(2)}`]],
    ['with an IV that is no hex', [procType, `DEK-Info: AES-128-CBC,${iv.slice(2)}xy`]],
  ])('%s are no scheme', (_, headers) => {
    expect(() => opens(...headers)).toThrow(new SealError('scheme'));
  });

  it('stay in their order, with a new IV', () => {
    const { headers } = sealLegacy([procType, 'X-Note: mine', dek], bytes('00'), 'p', (size) =>
      new Uint8Array(size).fill(0xab),
    );
    expect(headers).toEqual([procType, 'X-Note: mine', `DEK-Info: AES-128-CBC,${'AB'.repeat(16)}`]);
  });
});

describe('a PKCS#12 file', () => {
  it.each<[string, string, boolean]>([
    ['a short one', '3010 020103 300b', true],
    ['one of length 128 and more', '308180 020103 3000', true],
    ['a long one', '30820400 020103 3082', true],
    ['one of indefinite length', '3080 020103 3080', true],
    ['another version', '3010 020104 300b', false],
    ['a version of two bytes', '3010 02020003 30', false],
    ['a version of two bytes that begins with 3', '3010 02020330', false],
    ['no version', '3010 040103 300b', false],
    ['no sequence', '3110 020103 300b', false],
    ['something else behind the version', '3010 020103 310b', false],
    ['nothing', '', false],
  ])('is recognised: %s', (_, begin, is) => {
    expect(beginsLikePkcs12(bytes(begin))).toBe(is);
  });

  const file = goldenBytes('openssl.p12');
  it.each<[string, Uint8Array, string]>([
    ['more behind the file', Buffer.concat([file, bytes('0500')]), 'elements'],
    ['nothing', new Uint8Array(), 'elements'],
    ['another version', encodeSequence(encodeInteger(4), encodeSequence()), 'version'],
    [
      'another content',
      encodeSequence(
        encodeInteger(3),
        encodeSequence(encodeObjectIdentifier('1.2.840.113549.1.7.2'), encodeExplicit0(encodeOctets(bytes('')))),
      ),
      'content type',
    ],
  ])('is none: %s', async (_, given, why) => {
    await expect(openFile(new Uint8Array(given), goldenPassword)).rejects.toThrow(new DerError(why));
  });

  it('with a MAC of another hash is of no known scheme', async () => {
    const content = encodeSequence(
      encodeObjectIdentifier('1.2.840.113549.1.7.1'),
      encodeExplicit0(encodeOctets(encodeSequence())),
    );
    const mac = (hash: string, ...count: Uint8Array[]) =>
      encodeSequence(
        encodeSequence(encodeSequence(encodeObjectIdentifier(hash)), encodeOctets(new Uint8Array(20))),
        encodeOctets(new Uint8Array(8)),
        ...count,
      );
    const withMac = (...parts: Parameters<typeof mac>) => encodeSequence(encodeInteger(3), content, mac(...parts));
    await expect(openFile(withMac('1.2.840.113549.2.5'), 'p')).rejects.toThrow(new SealError('scheme'));
    await expect(openFile(withMac('1.3.14.3.2.26', encodeInteger(0)), 'p')).rejects.toThrow(new SealError('scheme'));
    // One iteration where none is named (RFC 7292 section 4), and a MAC that is another's.
    await expect(openFile(withMac('1.3.14.3.2.26'), 'p')).rejects.toThrow(new SealError('password'));
    await expect(openFile(withMac('2.16.840.1.101.3.4.2.1'), 'p')).rejects.toThrow(new SealError('password'));
    expect(await openFile(encodeSequence(encodeInteger(3), content), 'p')).toEqual({
      safes: [],
      macIterations: undefined,
    });
  });
});

describe('a given key', () => {
  const key = goldenText('step-plain.key');
  // Not KeyObject.equals: after keys of different types it leaves an OpenSSL error behind, which the next createPrivateKey throws.
  const spki = (found: KeyObject) => createPublicKey(found).export({ format: 'pem', type: 'spki' });
  const isGolden = (found: KeyObject) => expect(spki(found)).toBe(spki(goldenKey()));
  const json = (fields: Record<string, unknown>) => text(JSON.stringify(fields));

  it.each<[string, ReturnType<typeof text>]>([
    ['in PEM', text(key)],
    ['in PEM beside its certificate', text(goldenText('leaf.crt') + key)],
    ['as privateKey', json({ privateKey: key })],
    ['as private_key, beside anything', json({ private_key: key, note: 1 })],
    ['as tls.key', json({ 'tls.key': key })],
  ])('%s', async (_, value) => {
    isGolden(await readGivenKey(value));
  });

  it('is opened with a password', async () => {
    const value = json({ privateKey: goldenText('pbes2-default.key') });
    isGolden(await readGivenKey(value, { password: goldenPassword }));
    await expect(readGivenKey(value)).rejects.toMatchObject({ name: 'PasswordRequired' });
  });

  it('in a PKCS#12 file', async () => {
    const file = goldenBytes('openssl.p12');
    isGolden(await readGivenKey({ kind: 'binary', bytes: file }, { password: goldenPassword }));
    const packed = json({ pkcs12: Buffer.from(file).toString('base64') });
    isGolden(await readGivenKey(packed, { password: goldenPassword }));
  });

  it.each<[string, ReturnType<typeof text>, string | RegExp]>([
    ['one in KMS', json({ certificate: goldenText('leaf.crt'), kmsKeyId: 'alias/a' }), /no private key: expected one/],
    ['two in PEM', text(key + key), /2 private keys|private key/],
    ['a certificate alone', text(goldenText('leaf.crt')), /The PEM text/],
    ['two fields', json({ privateKey: key, private_key: key }), /privateKey/],
    ['a number', json({ privateKey: 1 }), /privateKey|expected/],
    ['an empty field', json({ privateKey: '' }), /The field of the private key/],
    ['another field', json({ key }), /expected/],
  ])('is none: %s', async (_, value, message) => {
    await expect(readGivenKey(value)).rejects.toMatchObject({
      name: 'UnsupportedSecret',
      message: expect.stringMatching(message),
    });
  });
});
