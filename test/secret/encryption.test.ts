/**
 * The limits of the formats of encrypted keys: invalid DER, unknown schemes, invalid headers. The ciphers are in
 * encrypted-key.test.ts.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import { openLegacy, sealLegacy } from '../../lambdas/secret/encryption/legacy-pem.ts';
import { open, SealError, seal } from '../../lambdas/secret/encryption/pbes.ts';
import { readGivenKey } from '../../lambdas/secret/given-key.ts';
import { openFile } from '../../lambdas/secret/pkcs12/file.ts';
import { beginsLikePkcs12 } from '../../lambdas/secret/pkcs12.ts';
import { goldenBytes, goldenKey, goldenPassword, goldenText, text } from './material.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (found: Uint8Array): string => Buffer.from(found).toString('hex');

describe('schemes of encryption', () => {
  const none = write.nullValue();
  const oid = {
    pbes2: '1.2.840.113549.1.5.13',
    pbkdf2: '1.2.840.113549.1.5.12',
    aes256: '2.16.840.1.101.3.4.1.42',
    sha256: '1.2.840.113549.2.9',
    scrypt: '1.3.6.1.4.1.11591.4.11',
  };
  const id = (dotted: string, ...parameters: Uint8Array[]) => write.sequence(write.oid(dotted), ...parameters);
  const salt = write.octetString(new Uint8Array(8));
  const aes = id(oid.aes256, write.octetString(new Uint8Array(16)));
  const pbkdf2 = (count: number, prf: string = oid.sha256, kdf: string = oid.pbkdf2) =>
    id(kdf, write.sequence(salt, write.integer(count), id(prf, none)));
  const pbes2 = (kdf: Uint8Array, cipher: Uint8Array = aes, scheme: string = oid.pbes2) =>
    id(scheme, write.sequence(kdf, cipher));
  const scrypt = (cost: number) => id(oid.scrypt, write.sequence(salt, ...[cost, 8, 1].map(write.integer)));

  it.each<[string, Uint8Array]>([
    ['no DER', bytes('30')],
    ['nothing', bytes('')],
    ['PBES1 with MD5', id('1.2.840.113549.1.5.3', write.sequence(salt, write.integer(1)))],
    ['PBES2 without parameters', id(oid.pbes2)],
    ['another name for parameters of PBES2', pbes2(pbkdf2(1), aes, '1.2.3')],
    ['an unknown cipher', pbes2(pbkdf2(1), id('1.2.3', write.octetString(new Uint8Array(16))))],
    ['an unknown PRF', pbes2(pbkdf2(1, '1.2.3'))],
    ['an unknown key derivation', pbes2(pbkdf2(1, oid.sha256, '1.2.3'))],
    ['no iteration', pbes2(pbkdf2(0))],
    ['too many iterations', pbes2(pbkdf2(2_000_001))],
    ['scrypt with a cost that is no power of two', pbes2(scrypt(1000))],
    ['scrypt with too much memory', pbes2(scrypt(2 ** 20))],
    ['PKCS#12 without parameters', id('1.2.840.113549.1.12.1.3')],
    ['PKCS#12 without an iteration', id('1.2.840.113549.1.12.1.3', write.sequence(salt, write.integer(0)))],
    ['PKCS#12 with too many', id('1.2.840.113549.1.12.1.3', write.sequence(salt, write.integer(2_000_001)))],
  ])('%s is unknown', async (_, algorithm) => {
    await expect(open(algorithm, new Uint8Array(16), 'password')).rejects.toThrow(new SealError('scheme'));
  });

  it.each<[string, Uint8Array]>([
    ['PBKDF2, one iteration', pbes2(pbkdf2(1))],
    ['scrypt', pbes2(scrypt(2))],
    ['3DES of PKCS#12, one iteration', id('1.2.840.113549.1.12.1.3', write.sequence(salt, write.integer(1)))],
    ['RC2 of PKCS#12', id('1.2.840.113549.1.12.1.6', write.sequence(salt, write.integer(1)))],
    ['an IV of another length', pbes2(pbkdf2(1), id(oid.aes256, write.octetString(new Uint8Array(8))))],
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
])('a derivation with HMAC and %s is written with SHA-256 at least', async (digest, prf) => {
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

  it('keep their order, with a new IV', () => {
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
    ['more behind the file', Buffer.concat([file, bytes('0500')]), 'the file is not one element'],
    ['nothing', new Uint8Array(), 'the file is not one element'],
    ['another version', write.sequence(write.integer(4), write.sequence()), 'the file has another version'],
    [
      'another content',
      write.sequence(
        write.integer(3),
        write.sequence(write.oid('1.2.840.113549.1.7.2'), write.context(0, write.octetString(bytes('')))),
      ),
      'the content has another type',
    ],
  ])('is not recognised: %s', async (_, given, why) => {
    await expect(openFile(new Uint8Array(given), goldenPassword)).rejects.toThrow(why);
  });

  it('with a MAC of another hash has no known scheme', async () => {
    const content = write.sequence(
      write.oid('1.2.840.113549.1.7.1'),
      write.context(0, write.octetString(write.sequence())),
    );
    const mac = (hash: string, ...count: Uint8Array[]) =>
      write.sequence(
        write.sequence(write.sequence(write.oid(hash)), write.octetString(new Uint8Array(20))),
        write.octetString(new Uint8Array(8)),
        ...count,
      );
    const withMac = (...parts: Parameters<typeof mac>) => write.sequence(write.integer(3), content, mac(...parts));
    await expect(openFile(withMac('1.2.840.113549.2.5'), 'p')).rejects.toThrow(new SealError('scheme'));
    await expect(openFile(withMac('1.3.14.3.2.26', write.integer(0)), 'p')).rejects.toThrow(new SealError('scheme'));
    // One iteration by default (RFC 7292, section 4), and a wrong MAC.
    await expect(openFile(withMac('1.3.14.3.2.26'), 'p')).rejects.toThrow(new SealError('password'));
    await expect(openFile(withMac('2.16.840.1.101.3.4.2.1'), 'p')).rejects.toThrow(new SealError('password'));
    expect(await openFile(write.sequence(write.integer(3), content), 'p')).toEqual({
      safes: [],
      macIterations: undefined,
    });
  });
});

describe('a given key', () => {
  const key = goldenText('step-plain.key');
  // Not KeyObject.equals: for keys of different types it leaves an OpenSSL error behind, which the next createPrivateKey
  // throws.
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
  ])('is invalid: %s', async (_, value, message) => {
    await expect(readGivenKey(value)).rejects.toMatchObject({
      name: 'UnsupportedSecret',
      message: expect.stringMatching(message),
    });
  });
});
