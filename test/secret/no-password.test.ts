/** PKCS#12 files without a password, files with bytes after the end, and kinds that must not be called encrypted. */
import { createHash, randomBytes } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { seal } from '../../lambdas/secret/encryption/pbes.ts';
import { type Password, pkcs12Key } from '../../lambdas/secret/encryption/pkcs12-key.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { certificateBag, shroudedKeyBag } from '../../lambdas/secret/pkcs12/content.ts';
import { type Bag, closeFile, openFile, type Pkcs12File } from '../../lambdas/secret/pkcs12/file.ts';
import '../support/equal-bytes.ts';
import { binary, goldenBytes, goldenPassword, makeMaterial, text } from './material.ts';

let m: ReturnType<typeof makeMaterial>;
beforeAll(() => {
  m = makeMaterial();
});

const quick = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' } as const;
const leaf = () => m.leaf('P-256');
const info = () => new Uint8Array(leaf().key.export({ format: 'der', type: 'pkcs8' }));
const plainKey = (): Bag => ({ id: '1.2.840.113549.1.12.10.1.1', value: info(), attributes: undefined });

async function sealedKey(password: Password): Promise<Bag> {
  const { algorithm, data } = await seal(info(), password, quick, randomBytes);
  return { id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)), attributes: undefined };
}

type Protection = 'encrypted' | 'key alone' | 'nothing';

/** Builds a file with the pair: its certificates encrypted or not, its key too, and with a MAC or without. */
async function fileOf(password: Password, protection: Protection, mac: boolean): Promise<Uint8Array> {
  const certificates = [certificateBag(leaf().der, undefined), certificateBag(m.a, undefined)];
  const file: Pkcs12File = {
    safes: [
      { bags: certificates, derivation: protection === 'encrypted' ? quick : undefined },
      { bags: [protection === 'nothing' ? plainKey() : await sealedKey(password)], derivation: undefined },
    ],
    macIterations: mac ? 2048 : undefined,
  };
  return closeFile(file, password, randomBytes);
}

const bytesOf = (value: Awaited<ReturnType<typeof binary>>) =>
  value.kind === 'binary' ? value.bytes : new Uint8Array();

async function rekeyed(file: Uint8Array, password?: string): Promise<Uint8Array> {
  const content = await readSecret(binary(file), { password });
  expect(content.leaf).toEqual(leaf().der);
  expect(content.chain).toEqual([m.a]);
  expect(content.key.kind === 'private' && content.key.privateKey.export({ format: 'jwk' })).toEqual(
    leaf().key.export({ format: 'jwk' }),
  );
  expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(binary(file));
  const next = m.nextLeaf('P-384');
  const key = { kind: 'private', privateKey: next.key } as const;
  const written = bytesOf(await content.write({ leaf: next.der, chain: [m.b], root: undefined, key }));
  const again = await readSecret(binary(written), { password });
  expect([again.leaf, again.chain]).toEqual([next.der, [m.b]]);
  return written;
}

const protections: Protection[] = ['encrypted', 'key alone', 'nothing'];
const rows = ([null, ''] as const).flatMap((password) =>
  protections.flatMap((protection) =>
    [true, false].map((mac): [Password, Protection, boolean] => [password, protection, mac]),
  ),
);

describe.each(rows)('password %j, encrypted: %s, MAC: %s', (password, protection, mac) => {
  it('is read without a password, with an empty one, and with another password in the profile', async () => {
    const file = await fileOf(password, protection, mac);
    for (const given of [undefined, '', goldenPassword]) {
      // An unprotected file gets the profile's password when it is written.
      const closes = given === goldenPassword && protection === 'nothing' && !mac;
      const written = await rekeyed(file, given);
      if (closes) continue;
      const again = await openFile(written, password);
      expect(again.macIterations).toBe(mac ? 2048 : undefined);
      expect(again.safes.map(({ derivation }) => derivation !== undefined)).toEqual([
        protection === 'encrypted',
        false,
      ]);
      const bags = again.safes.flatMap((safe) => safe.bags.map(({ id }) => id));
      expect(bags.includes(shroudedKeyBag)).toBe(protection !== 'nothing');
      // OpenSSL accepts an empty password for both.
      const options = { pfx: Buffer.from(written), passphrase: '' };
      expect(() => createSecureContext(options)).not.toThrow();
    }
  });
});

it('the null password has no bytes, and the empty one two zero bytes (RFC 7292, appendix B.1)', async () => {
  const request = { digest: 'sha256', purpose: 'mac', salt: new Uint8Array(8), iterations: 1, length: 32 } as const;
  const hash = (...password: number[]) => {
    const blocks = Buffer.alloc(password.length === 0 ? 0 : 64, Buffer.from(password));
    return createHash('sha256')
      .update(Buffer.concat([Buffer.alloc(64, 3), Buffer.alloc(64), blocks]))
      .digest('hex');
  };
  const derived = async (password: Password) => Buffer.from(await pkcs12Key({ ...request, password })).toString('hex');
  expect(await derived(null)).toBe(hash());
  expect(await derived('')).toBe(hash(0, 0));
});

describe('bytes after the file', () => {
  const endings: [string, Uint8Array][] = [
    ['a newline', Buffer.from('\n')],
    ['CRLF', Buffer.from('\r\n')],
    ['zeros', Buffer.alloc(13)],
    ['anything', randomBytes(50)],
  ];
  it.each(endings)('%s: read, and kept when it is written', async (_, behind) => {
    for (const [file, password] of [
      [await fileOf(goldenPassword, 'encrypted', true), goldenPassword],
      [await fileOf(null, 'encrypted', true), undefined],
    ] as const) {
      const longer = new Uint8Array(Buffer.concat([file, behind]));
      const written = await rekeyed(longer, password);
      expect(Buffer.from(written).subarray(-behind.length)).toEqual(Buffer.from(behind));
      expect(() => createSecureContext({ pfx: Buffer.from(written), passphrase: password ?? '' })).not.toThrow();
      const value = text(JSON.stringify({ pkcs12: Buffer.from(longer).toString('base64') }));
      const content = await readSecret(value, { password });
      expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
      const renewed = await content.write({ ...content, leaf: m.b, root: undefined, key: undefined });
      const field: string = JSON.parse(renewed.kind === 'string' ? renewed.text : '').pkcs12;
      expect(Buffer.from(field, 'base64').subarray(-behind.length)).toEqual(Buffer.from(behind));
    }
  });
});

describe('an error names what the file has', () => {
  it('a file without encryption is not called encrypted', async () => {
    const file = binary(await fileOf(goldenPassword, 'nothing', true));
    await expect(readSecret(file)).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/is not encrypted, but its MAC needs its password: set passwordSecretId/),
    });
    await expect(readSecret(file, { password: 'another' })).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/is not encrypted, but its MAC needs another password: passwordSecretId/),
    });
    await expect(readSecret(binary(await fileOf(goldenPassword, 'key alone', true)))).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/is encrypted: set passwordSecretId/),
    });
  });

  /** Builds a file with this algorithm as the hash of its MAC. */
  async function withMac(algorithm: Uint8Array, protection: Protection): Promise<Uint8Array> {
    const certificates = [certificateBag(leaf().der, undefined)];
    const key = protection === 'nothing' ? plainKey() : await sealedKey(goldenPassword);
    const bag = ({ id, value }: Bag) => write.sequence(write.oid(id), write.context(0, value));
    const data = (content: Uint8Array) =>
      write.sequence(write.oid('1.2.840.113549.1.7.1'), write.context(0, write.octetString(content)));
    const safes = write.sequence(data(write.sequence(...[...certificates, key].map(bag))));
    const mac = write.sequence(
      write.sequence(algorithm, write.octetString(new Uint8Array(32))),
      write.octetString(new Uint8Array(8)),
      write.integer(1),
    );
    return write.sequence(write.integer(3), data(safes), mac);
  }

  /** RFC 9579, section 4: { PBKDF2, HMAC-SHA-256 }, as `openssl pkcs12 -export -pbmac1_pbkdf2` writes it. */
  const hmac = write.sequence(write.oid('1.2.840.113549.2.9'), write.element(0x05));
  const pbkdf2 = write.sequence(
    write.oid('1.2.840.113549.1.5.12'),
    write.sequence(write.octetString(new Uint8Array(8)), write.integer(2048), write.integer(32), hmac),
  );
  const pbmac1 = write.sequence(write.oid('1.2.840.113549.1.5.14'), write.sequence(pbkdf2, hmac));
  const md5 = write.sequence(write.oid('1.2.840.113549.2.5'), write.element(0x05));

  it.each<Protection>(['nothing', 'key alone'])(
    'PBMAC1 by its name, and what to do (%s encrypted)',
    async (protection) => {
      const file = await withMac(pbmac1, protection);
      const values = [binary(file), text(JSON.stringify({ pkcs12: Buffer.from(file).toString('base64') }))];
      for (const value of values) {
        for (const password of [undefined, '', goldenPassword]) {
          await expect(readSecret(value, { password })).rejects.toMatchObject({
            code: 'UnsupportedSecret',
            message: expect.stringMatching(/PBMAC1 \(RFC 9579\).*without -pbmac1_pbkdf2.*openssl pkcs12 -export/),
          });
        }
      }
    },
  );

  it('a MAC of another kind', async () => {
    await expect(readSecret(binary(await withMac(md5, 'nothing')), { password: 'x' })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/is not encrypted, but has a MAC of an unknown kind: expected/),
    });
    await expect(readSecret(binary(await withMac(md5, 'key alone')), { password: 'x' })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/is encrypted in a way that is not supported/),
    });
  });

  it('a wrong password for a file without a MAC, with any padding', async () => {
    const file = goldenBytes('openssl-plain-certificates-no-mac.p12');
    for (let i = 0; i < 20; i++) {
      await expect(readSecret(binary(file), { password: `tr0ub4dor${i}` })).rejects.toMatchObject({
        code: 'PasswordRequired',
      });
    }
  });

  it('the singular for one private key', async () => {
    const file = await closeFile(
      { safes: [{ bags: [certificateBag(leaf().der, undefined)], derivation: undefined }], macIterations: 2048 },
      goldenPassword,
      randomBytes,
    );
    await expect(readSecret(binary(file), { password: goldenPassword })).rejects.toMatchObject({
      message: expect.stringContaining('has 0 private keys'),
    });
  });
});
