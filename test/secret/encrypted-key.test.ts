import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import { sealLegacy } from '../../lambdas/secret/encryption/legacy-pem.ts';
import { seal, usualDerivation } from '../../lambdas/secret/encryption/pbes.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { goldenKey, goldenPassword, goldenText, makeMaterial, pem, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
beforeAll(() => {
  m = makeMaterial();
});

const password = goldenPassword;
const rsa = () => createPrivateKey(goldenText('openssl-pkcs1.key'));
const secret = (key: string) => text(JSON.stringify({ certificate: goldenText('leaf.crt'), privateKey: key }));
const keyField = (value: Awaited<ReturnType<typeof secret>>): string =>
  value.kind === 'string' ? JSON.parse(value.text).privateKey : '';
const hexOf = (block: string) => Buffer.from(pemBlocks(block)[0]?.der ?? []).toString('hex');

/** DER fragments that the written file must or must not contain. */
const oids = {
  aes256: '60864801650304012a',
  sha256: '2a864886f70d0209',
  sha512: '2a864886f70d020b',
  scrypt: '2b06010401da47040b',
};

const pkcs8: [string, string[]][] = [
  ['pbes2-default.key', [oids.aes256, oids.sha256, '02020800']],
  ['pbes2-aes128-sha512.key', [oids.aes256, oids.sha512, '02022710']],
  ['pbes2-des3-sha1.key', [oids.aes256, oids.sha256, '02020800']],
  ['pbes2-scrypt.key', [oids.aes256, oids.scrypt, '02024000020108020101']],
  ['pbes1-3des.key', [oids.aes256, oids.sha256, '02020800']],
];

const legacy: [string, () => KeyObject, string][] = [
  ['step-encrypted.key', () => m.leaf('P-256').key, 'AES-256-CBC'],
  ...['aes128', 'aes192', 'aes256'].flatMap((cipher): [string, () => KeyObject, string][] => {
    const written = `AES-${cipher.slice(3)}-CBC`;
    return [
      [`legacy-ec-${cipher}.key`, goldenKey, written],
      [`legacy-rsa-${cipher}.key`, rsa, written],
    ];
  }),
  ['legacy-ec-des3.key', goldenKey, 'AES-256-CBC'],
  ['legacy-rsa-des3.key', rsa, 'AES-256-CBC'],
];

async function rekeyed(file: string, next: KeyObject): Promise<string> {
  const content = await readSecret(secret(goldenText(file)), { password });
  expect(content.needsPassword).toBe(true);
  const written = await content.write({ ...content, root: undefined, key: { kind: 'private', privateKey: next } });
  const again = await readSecret(written, { password });
  expect(again.key.kind === 'private' && again.key.privateKey.equals(next)).toBe(true);
  return keyField(written);
}

describe('encrypted PKCS#8', () => {
  it.each(pkcs8)('%s is read, and written at least as strong', async (file, fragments) => {
    const content = await readSecret(secret(goldenText(file)), { password });
    expect(content.key.kind === 'private' && content.key.privateKey.equals(goldenKey())).toBe(true);
    for (const kind of ['P-384', 'RSA', 'Ed25519'] as const) {
      const field = await rekeyed(file, m.nextLeaf(kind).key);
      expect(field).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n[\s\S]*\n-----END ENCRYPTED PRIVATE KEY-----\n$/);
      for (const fragment of fragments) expect(hexOf(field)).toContain(fragment);
      // OpenSSL reads it too.
      const opened = createPrivateKey({ key: field, passphrase: password });
      expect(opened.equals(m.nextLeaf(kind).key)).toBe(true);
    }
  });

  it('of step for Ed25519, with its 600,000 iterations', async () => {
    const field = await rekeyed('step-ed25519-encrypted.key', m.nextLeaf('Ed25519').key);
    expect(hexOf(field)).toContain('02030927c0');
  });

  it('has a new salt and IV each time', async () => {
    const next = m.nextLeaf('P-256').key;
    expect(await rekeyed('pbes2-default.key', next)).not.toBe(await rekeyed('pbes2-default.key', next));
  });
});

describe('legacy PEM encryption', () => {
  it.each(legacy)('%s is read, and written in the same kind of block', async (file, key, cipher) => {
    const content = await readSecret(secret(goldenText(file)), { password });
    if (file !== 'step-encrypted.key')
      expect(content.key.kind === 'private' && content.key.privateKey.equals(key())).toBe(true);
    for (const [kind, label] of [
      ['P-521', 'EC PRIVATE KEY'],
      ['RSA', 'RSA PRIVATE KEY'],
    ] as const) {
      const field = await rekeyed(file, m.nextLeaf(kind).key);
      const head = `-----BEGIN ${label}-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ${cipher},`;
      expect(field.startsWith(head)).toBe(true);
      expect(field.slice(head.length)).toMatch(/^[0-9A-F]{32}\n\n[\s\S]*-----\n$/);
      expect(createPrivateKey({ key: field, passphrase: password }).equals(m.nextLeaf(kind).key)).toBe(true);
    }
  });

  it('becomes encrypted PKCS#8 for Ed25519', async () => {
    const field = await rekeyed('step-encrypted.key', m.nextLeaf('Ed25519').key);
    expect(field.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')).toBe(true);
    expect(createPrivateKey({ key: field, passphrase: password }).equals(m.nextLeaf('Ed25519').key)).toBe(true);
  });

  it('stays around PKCS#8, if there is one', async () => {
    const headers = ['Proc-Type: 4,ENCRYPTED', `DEK-Info: AES-256-CBC,${'00'.repeat(16)}`];
    const info = goldenKey().export({ format: 'der', type: 'pkcs8' });
    const sealed = sealLegacy(headers, info, password, randomBytes);
    const content = await readSecret(secret(encodePem('PRIVATE KEY', sealed.data, '\n', sealed.headers)), { password });
    const key = { kind: 'private', privateKey: m.nextLeaf('Ed25519').key } as const;
    const field = keyField(await content.write({ ...content, root: undefined, key }));
    expect(field.startsWith('-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,')).toBe(true);
    expect(createPrivateKey({ key: field, passphrase: password }).equals(key.privateKey)).toBe(true);
  });

  it('stays in CRLF, and in PEM text', async () => {
    const held = `${goldenText('step-encrypted.key')}${goldenText('step-encrypted.crt')}`.replaceAll('\n', '\r\n');
    const content = await readSecret(text(held), { password });
    const { der, key: privateKey } = m.nextLeaf('P-256');
    const written = await content.write({
      leaf: der,
      chain: [],
      root: undefined,
      key: { kind: 'private', privateKey },
    });
    const result = written.kind === 'string' ? written.text : '';
    expect(result.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(result.endsWith(`${pem(der, '\r\n')}\r\n`)).toBe(true);
    expect((await readSecret(written, { password })).leaf).toEqual(der);
  });
});

describe('passwords', () => {
  const files = [...pkcs8.map(([file]) => file), ...legacy.map(([file]) => file)];
  it.each(files)('%s: missing, or wrong', async (file) => {
    const value = secret(goldenText(file));
    await expect(readSecret(value)).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/^The private key of the field "privateKey" is encrypted: set passwordSecretId /),
    });
    for (let i = 0; i < 5; i++) {
      const wrong = await readSecret(value, { password: `tr0ub4dor${i}` }).catch((error) => error);
      const message = 'The private key of the field "privateKey" is encrypted, and the password is wrong';
      expect(wrong).toMatchObject({ code: 'PasswordRequired', message: expect.stringContaining(message) });
      expect(wrong.message).not.toContain('tr0ub4dor');
    }
  });

  it('a wrong one that gives valid padding by chance: the result is no key', async () => {
    const { algorithm, data } = await seal(new Uint8Array(20), password, usualDerivation, randomBytes);
    const pkcs8Block = encodePem('ENCRYPTED PRIVATE KEY', write.sequence(algorithm, write.octetString(data)));
    const headers = ['Proc-Type: 4,ENCRYPTED', `DEK-Info: AES-256-CBC,${'00'.repeat(16)}`];
    const legacyBlock = sealLegacy(headers, new Uint8Array(20), password, randomBytes);
    for (const block of [pkcs8Block, encodePem('EC PRIVATE KEY', legacyBlock.data, '\n', legacyBlock.headers)]) {
      await expect(readSecret(secret(block), { password })).rejects.toMatchObject({
        code: 'PasswordRequired',
        message: expect.stringContaining('the password is wrong'),
      });
    }
  });

  it('a password for a key that is not encrypted changes nothing', async () => {
    const content = await readSecret(secret(goldenText('step-plain.key')), { password });
    expect(content.needsPassword).toBe(false);
    const written = await content.write({
      ...content,
      root: undefined,
      key: { kind: 'private', privateKey: m.nextLeaf('P-256').key },
    });
    expect(keyField(written)).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END/);
  });

  it('encrypted text stays the same if nothing changes', async () => {
    for (const file of files) {
      const value = secret(goldenText(file));
      const content = await readSecret(value, { password });
      const key = content.key.kind === 'none' ? undefined : content.key;
      expect(await content.write({ ...content, root: undefined, key })).toEqual(value);
    }
  });
});

describe('refused', () => {
  it('a scheme that OpenSSL 3 does not have any more', async () => {
    const read = readSecret(secret(goldenText('pbes1-md5-des.key')), { password });
    await expect(read).rejects.toMatchObject({ code: 'UnsupportedSecret', message: expect.stringContaining('PBES2') });
  });

  it.each<[string, Uint8Array]>([
    ['a block without athing encrypted', write.sequence()],
    ['a block that is cut', Uint8Array.of(0x30, 0x10)],
  ])('%s', async (_, der) => {
    const read = readSecret(secret(encodePem('ENCRYPTED PRIVATE KEY', der)), { password });
    await expect(read).rejects.toMatchObject({ code: 'UnsupportedSecret', message: expect.stringContaining('PBES2') });
  });

  const [pbes2, pbkdf2, scrypt, aes256] = [
    '1.2.840.113549.1.5.13',
    '1.2.840.113549.1.5.12',
    '1.3.6.1.4.1.11591.4.11',
    '2.16.840.1.101.3.4.1.42',
  ].map(write.oid);
  const salt = write.octetString(new Uint8Array(16));
  const costly: [string, Uint8Array | undefined, number[]][] = [
    ['PBKDF2 with 2^31 iterations', pbkdf2, [2 ** 31]],
    ['PBKDF2 with 2,000,001 iterations', pbkdf2, [2_000_001]],
    ['PBKDF2 with no iteration', pbkdf2, [0]],
    ['scrypt in 1 GiB', scrypt, [2 ** 20, 8, 1]],
    ['scrypt in 128 MiB', scrypt, [2 ** 17, 8, 1]],
    ['scrypt in 64 MiB, five times', scrypt, [2 ** 16, 8, 5]],
    ['scrypt with no cost', scrypt, [0, 8, 1]],
    ['scrypt with blocks of none', scrypt, [2 ** 10, 0, 1]],
    ['scrypt no times', scrypt, [2 ** 10, 8, 0]],
    ['scrypt a million times', scrypt, [2 ** 10, 8, 2 ** 20]],
    ['scrypt with a cost that is no power of two', scrypt, [1000, 8, 1]],
  ];
  it.each(costly)('%s', async (_, derivation = salt, numbers) => {
    const parameters = write.sequence(salt, ...numbers.map(write.integer));
    const cipher = write.sequence(aes256 ?? salt, salt);
    const schemes = write.sequence(write.sequence(derivation, parameters), cipher);
    const info = write.sequence(write.sequence(pbes2 ?? salt, schemes), write.octetString(new Uint8Array(64)));
    const start = cpuTime();
    const read = readSecret(secret(encodePem('ENCRYPTED PRIVATE KEY', info)), { password });
    await expect(read).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    expect(cpuTime() - start).toBeLessThan(1000);
  });
});
