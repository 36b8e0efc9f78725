/** PKCS#12 files with bags that no golden file has, and new files. OpenSSL reads what is written. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { type Derivation, seal } from '../../lambdas/secret/encryption/pbes.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { certificateBag, shroudedKeyBag } from '../../lambdas/secret/pkcs12/content.ts';
import { type Bag, closeFile, openFile } from '../../lambdas/secret/pkcs12/file.ts';
import { makePkcs12 } from '../../lambdas/secret/pkcs12/make.ts';
import { binary, goldenBytes, goldenPassword, makeMaterial } from './material.ts';

let m: ReturnType<typeof makeMaterial>;
beforeAll(() => {
  m = makeMaterial();
});

const password = goldenPassword;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const quick: Derivation = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' };
const leaf = () => m.leaf('P-256');
const pkcs8 = () => new Uint8Array(leaf().key.export({ format: 'der', type: 'pkcs8' }));
const keyBag = (info: Uint8Array): Bag => ({
  id: '1.2.840.113549.1.12.10.1.1',
  value: info,
  attributes: undefined,
});
const junk = write.sequence(write.octetString(new Uint8Array(20)));

async function shrouded(info: Uint8Array): Promise<Bag> {
  const { algorithm, data } = await seal(info, password, quick, randomBytes);
  return { id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)), attributes: undefined };
}

/** Builds a file with one plain safe. */
const fileOf = async (...bags: readonly Bag[]) =>
  binary(
    await closeFile({ safes: [{ bags, derivation: undefined }], macIterations: undefined }, password, randomBytes),
  );
const read = async (...bags: readonly Bag[]) => readSecret(await fileOf(...bags), { password });
const bytesOf = (value: Awaited<ReturnType<typeof fileOf>>) =>
  value.kind === 'binary' ? value.bytes : new Uint8Array();
/** Throws if OpenSSL does not open the file, or finds no certificate with its key. */
const openssl = (bytes: Uint8Array) => createSecureContext({ pfx: Buffer.from(bytes), passphrase: password });

describe('a plain private key in the file', () => {
  it('is read, and written encrypted', async () => {
    const content = await read(keyBag(pkcs8()), certificateBag(leaf().der, undefined));
    expect(content.key.kind === 'private' && content.key.privateKey.equals(leaf().key)).toBe(true);
    const next = m.nextLeaf('P-256');
    const key = { kind: 'private', privateKey: next.key } as const;
    const written = bytesOf(await content.write({ leaf: next.der, chain: [], root: undefined, key }));
    expect(hex(written)).not.toContain(hex(next.key.export({ format: 'der', type: 'pkcs8' })));
    expect(() => openssl(written)).not.toThrow();
  });
});

it('a certificate of another kind than X.509 stays, and is not in the chain', async () => {
  const sdsi: Bag = {
    ...certificateBag(junk, undefined),
    value: write.sequence(write.oid('1.2.840.113549.1.9.22.2'), write.context(0, write.element(0x16, junk))),
  };
  const content = await read(await shrouded(pkcs8()), sdsi, certificateBag(leaf().der, undefined));
  expect([content.leaf, content.chain]).toEqual([leaf().der, []]);
  const written = await content.write({ leaf: m.nextLeaf('P-256').der, chain: [], root: undefined, key: undefined });
  const { safes } = await openFile(bytesOf(written), password);
  expect(safes.flatMap(({ bags }) => bags.map(({ value }) => hex(value)))).toContain(hex(sdsi.value));
});

describe('a change of one part', () => {
  it('a longer chain after certificates that stay', async () => {
    const content = await readSecret(binary(goldenBytes('openssl.p12')), { password });
    const chain = [...content.chain, m.b];
    const written = await content.write({ leaf: content.leaf, chain, root: undefined, key: undefined });
    expect((await readSecret(written, { password })).chain).toEqual(chain);
  });

  it('a new key for the present certificates', async () => {
    const content = await readSecret(binary(goldenBytes('openssl.p12')), { password });
    const { key: privateKey } = m.nextLeaf('P-384');
    const written = await content.write({ ...content, root: undefined, key: { kind: 'private', privateKey } });
    const again = await readSecret(written, { password });
    expect(again.key.kind === 'private' && again.key.privateKey.equals(privateKey)).toBe(true);
  });
});

it('certificates that were encrypted are encrypted again, and OpenSSL reads them', async () => {
  const content = await readSecret(binary(goldenBytes('openssl.p12')), { password });
  const next = m.nextLeaf('P-256');
  const key = { kind: 'private', privateKey: next.key } as const;
  const written = bytesOf(await content.write({ leaf: next.der, chain: [m.b], root: undefined, key }));
  for (const der of [next.der, m.b]) expect(hex(written)).not.toContain(hex(der));
  expect(() => openssl(written)).not.toThrow();
});

describe('a new file', () => {
  it('holds the pair and its chain, encrypted, as OpenSSL reads it', async () => {
    const made = await makePkcs12(
      { leaf: leaf().der, chain: [m.a, m.root], privateKey: leaf().key },
      password,
      randomBytes,
    );
    expect(() => openssl(made)).not.toThrow();
    expect(() => createSecureContext({ pfx: Buffer.from(made), passphrase: 'tr0ub4dor' })).toThrow();
    for (const open of [leaf().der, m.a, pkcs8()]) expect(hex(made)).not.toContain(hex(open));
    const content = await readSecret(binary(made), { password });
    expect([content.shape, content.leaf, content.chain]).toEqual(['pkcs12', leaf().der, [m.a, m.root]]);
    expect(content.key.kind === 'private' && content.key.privateKey.equals(leaf().key)).toBe(true);
  });

  it('links the key to its certificate only, by a localKeyId', async () => {
    const made = await makePkcs12({ leaf: leaf().der, chain: [m.a], privateKey: leaf().key }, password, randomBytes);
    const { safes, macIterations } = await openFile(made, password);
    expect(macIterations).toBe(10_000);
    const id = new X509Certificate(leaf().der).fingerprint.replaceAll(':', '').toLowerCase();
    const names = safes.map(({ bags }) => bags.map(({ attributes }) => attributes && hex(attributes)));
    // SET { SEQUENCE { localKeyId, SET { OCTET STRING } } }
    const named = `3125302306092a864886f70d01091531160414${id}`;
    expect(names).toEqual([[named, undefined], [named]]);
  });
});

describe('refused', () => {
  const refused: [string, () => Promise<Bag[]>, string, string][] = [
    ['no certificate', async () => [await shrouded(pkcs8())], 'UnsupportedSecret', 'has no certificate'],
    [
      'two private keys',
      async () => [keyBag(pkcs8()), await shrouded(pkcs8()), certificateBag(leaf().der, undefined)],
      'UnsupportedSecret',
      'has 2 private keys',
    ],
    [
      'a key in the open that is none',
      async () => [keyBag(junk), certificateBag(leaf().der, undefined)],
      'UnsupportedSecret',
      'has a private key of an unknown kind',
    ],
    [
      // A wrong password may give such contents, with valid padding by chance.
      'an encrypted key that opens to none',
      async () => [await shrouded(junk), certificateBag(leaf().der, undefined)],
      'PasswordRequired',
      'the password is wrong',
    ],
    [
      'a certificate that is none',
      async () => [await shrouded(pkcs8()), certificateBag(leaf().der, undefined), certificateBag(junk, undefined)],
      'InvalidCertificate',
      'Certificate 2 of the binary data of',
    ],
  ];
  it.each(refused)('%s', async (_, bags, code, message) => {
    await expect(read(...(await bags()))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('a safe without the cipher of its contents', async () => {
    const data = write.oid('1.2.840.113549.1.7.1');
    const encrypted = write.sequence(write.integer(0), write.sequence(data));
    const safe = write.sequence(write.oid('1.2.840.113549.1.7.6'), write.context(0, encrypted));
    const file = write.sequence(
      write.integer(3),
      write.sequence(data, write.context(0, write.octetString(write.sequence(safe)))),
    );
    await expect(readSecret(binary(file), { password })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('is cut, or is not a PKCS#12 file'),
    });
  });

  it('a file without its password, with its kind in the message', async () => {
    const { length } = goldenBytes('openssl.p12');
    await expect(readSecret(binary(goldenBytes('openssl.p12')))).rejects.toMatchObject({
      message: expect.stringContaining(`The binary data of ${length} bytes is encrypted: set passwordSecretId`),
    });
  });
});
