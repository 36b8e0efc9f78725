/** openssl and keytool, the programs of the readers, open what is written. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { seal } from '../../lambdas/secret/encryption/pbes.ts';
import type { Password } from '../../lambdas/secret/encryption/pkcs12-key.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { certificateBag } from '../../lambdas/secret/pkcs12/content.ts';
import { closeFile, shroudedKeyBag } from '../../lambdas/secret/pkcs12/file.ts';
import { makePkcs12 } from '../../lambdas/secret/pkcs12/make.ts';
import { quickJava } from '../support/programs.ts';
import { binary, goldenBytes, goldenPassword, goldenText, type Issued, issue, makeMaterial, text } from './material.ts';

let folder: string;
let m: ReturnType<typeof makeMaterial>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'interop-'));
  m = makeMaterial();
});
afterAll(() => rmSync(folder, { recursive: true }));

function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// In CI a missing tool is a failure. Elsewhere the end of npm test lists what was left out.
const itWithKeytool = it.skipIf(process.env['CI'] !== 'true' && !has('keytool', '-help'));

/** Returns what keytool says, in English. Its results are on stderr. */
function keytool(...args: readonly string[]): string {
  const english = '-J-Duser.language=en';
  const { status, stdout, stderr } = spawnSync('keytool', [...quickJava, english, ...args], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
  return stdout + stderr;
}

const listing = (path: string) => keytool('-list', '-v', '-keystore', path, '-storepass', goldenPassword);

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });

async function rewritten(value: SecretValue, next: Issued, chain: readonly Uint8Array[]): Promise<SecretValue> {
  const content = await readSecret(value, { password: goldenPassword });
  return content.write({ leaf: next.der, chain, root: m.nextRoot, key: { kind: 'private', privateKey: next.key } });
}

const pkcs12Files = [
  'openssl.p12',
  'openssl-with-root.p12',
  'openssl-3des.p12',
  'openssl-rc2.p12',
  'openssl-plain-certificates-no-mac.p12',
  'keytool.p12',
  'keytool-with-trust.p12',
];

async function writeFile(name: string, next: Issued): Promise<string> {
  const value = await rewritten(binary(goldenBytes(name)), next, [m.a]);
  const path = join(folder, name);
  writeFileSync(path, value.kind === 'binary' ? value.bytes : '');
  return path;
}

/** Has openssl open a PKCS#12 file, and returns the certificates, the key and what it says of the encryption. */
function openedByOpenssl(path: string) {
  const args = ['pkcs12', '-info', '-in', path, '-passin', `pass:${goldenPassword}`, '-nodes'];
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/MAC: sha256, Iteration \d{4,}/);
  expect(stderr).not.toMatch(/SHA1|RC2|3DES|des-ede3/i);
  const certificates = stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const block = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(stdout)?.[0] ?? '';
  return { stdout, info: stderr, certificates, key: createPrivateKey(block) };
}

// The key is an encrypted PKCS#8 key whatever its kind. So each file and each kind are written, and not each kind into each file.
describe.each(
  pkcs12Files.map((name, index) => [name, (['P-256', 'Ed25519', 'RSA'] as const)[index % 3] ?? 'RSA'] as const),
)('%s, written again', (name, kind) => {
  it(`is read by openssl, ${kind}`, async () => {
    const leaf = m.nextLeaf(kind);
    const { stdout, info, certificates, key } = openedByOpenssl(await writeFile(name, leaf));
    expect(stdout).toContain('friendlyName: leaf.example');
    expect(key.equals(leaf.key)).toBe(true);
    expect(certificates).toHaveLength(name.includes('with') ? 3 : 2);
    expect(certificates.map((text) => new Uint8Array(new X509Certificate(text).raw))).toContainEqual(leaf.der);
    expect(info).toContain('AES-256-CBC');
  });

  itWithKeytool('is read by keytool, with the chain', async () => {
    const root = issue('Java Root', 'P-256');
    const issuing = issue('Java CA', 'P-256', root);
    const leaf = issue('leaf', 'P-256', issuing);
    const content = await readSecret(binary(goldenBytes(name)), { password: goldenPassword });
    const written = await content.write({
      leaf: leaf.der,
      chain: [issuing.der],
      root: root.der,
      key: { kind: 'private', privateKey: leaf.key },
    });
    const path = join(folder, `java-${name}`);
    writeFileSync(path, written.kind === 'binary' ? written.bytes : '');
    // Each call starts a JVM. This one counts the entries and decrypts the key.
    const source = ['-srckeystore', path, '-srcstoretype', 'PKCS12', '-srcstorepass', goldenPassword];
    const copy = ['-destkeystore', `${path}.copy`, '-deststoretype', 'PKCS12', '-deststorepass', goldenPassword];
    const shown = keytool('-importkeystore', '-noprompt', ...source, ...copy);
    expect(shown).toContain('Entry for alias leaf.example successfully imported.');
    const count = name === 'keytool-with-trust.p12' ? 2 : 1;
    expect(shown).toMatch(
      new RegExp(`Import command completed: +${count} entries successfully imported, +0 entries failed`),
    );
    if (count > 1) expect(listing(path)).toContain('Entry type: trustedCertEntry');
    const copied = await readSecret(binary(new Uint8Array(readFileSync(`${path}.copy`))), { password: goldenPassword });
    expect(copied.leaf).toEqual(leaf.der);
    expect(copied.chain[0]).toEqual(issuing.der);
  });
});

describe('a new PKCS#12 file (as `cert-renewer export --format p12` makes it)', () => {
  async function made(): Promise<{ path: string; leaf: Issued }> {
    const root = issue('Java Root', 'P-256');
    const leaf = issue('leaf', 'P-256', root);
    const parts = { leaf: leaf.der, chain: [root.der], privateKey: leaf.key };
    const path = join(folder, 'made.p12');
    writeFileSync(path, await makePkcs12(parts, goldenPassword, randomBytes));
    return { path, leaf };
  }

  it('is read by openssl: the key with its certificate, AES-256 and HMAC-SHA-256', async () => {
    const { path, leaf } = await made();
    const { stdout, certificates, key } = openedByOpenssl(path);
    expect(certificates).toHaveLength(2);
    const [first, second] = [...stdout.matchAll(/localKeyID: ([0-9A-F ]+)/g)].map(([, id]) => id);
    expect(first).toBe(second);
    expect(key.equals(leaf.key)).toBe(true);
  });

  itWithKeytool('is read by keytool: one entry, with its chain', async () => {
    const { path } = await made();
    const shown = listing(path);
    expect(shown.match(/Entry type: /g)).toHaveLength(1);
    expect(shown).toContain('Entry type: PrivateKeyEntry');
    expect(shown).toContain('Certificate chain length: 2');
  });
});

type Kind = 'P-384' | 'RSA' | 'Ed25519';
const all: readonly Kind[] = ['P-384', 'RSA', 'Ed25519'];
/** Kinds of the new key. A legacy block has another form for each kind, and a block of PKCS#8 has one for all. */
const keys: readonly (readonly [string, readonly Kind[]])[] = [
  ['pbes2-default.key', ['P-384']],
  ['pbes2-scrypt.key', ['RSA']],
  ['pbes1-3des.key', ['Ed25519']],
  ['step-encrypted.key', ['RSA']],
  ['legacy-rsa-des3.key', all],
  ['legacy-ec-aes128.key', all],
  ['step-ed25519-encrypted.key', ['P-384']],
];

it.each(keys)('%s, written again, is read by openssl: %j', async (name, kinds) => {
  for (const kind of kinds) {
    const value = await rewritten(text(goldenText(name) + goldenText('leaf.crt')), m.nextLeaf(kind), []);
    const path = join(folder, name);
    writeFileSync(path, value.kind === 'string' ? value.text : '');
    const opened = run('openssl', 'pkey', '-in', path, '-passin', `pass:${goldenPassword}`);
    expect(opened).toBe(`${m.nextLeaf(kind).key.export({ format: 'pem', type: 'pkcs8' })}`);
  }
});

/** Builds a file with one pair, under this password, with encrypted certificates and key and a MAC. */
async function fileUnder(password: Password, { key, der }: Issued, chain: readonly Uint8Array[]): Promise<Uint8Array> {
  const quick = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' } as const;
  const { algorithm, data } = await seal(key.export({ format: 'der', type: 'pkcs8' }), password, quick, randomBytes);
  const bag = { id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)), attributes: undefined };
  const safes = [
    { bags: [der, ...chain].map((each) => certificateBag(each, undefined)), derivation: quick },
    { bags: [bag], derivation: undefined },
  ];
  return closeFile({ safes, macIterations: 2048 }, password, randomBytes);
}

describe('PKCS#12 without a password, or with bytes after the file', () => {
  const opened = (path: string, password: string) =>
    run('openssl', 'pkcs12', '-in', path, '-passin', password, '-noenc');

  it.each<[string, Password, string]>([
    ['the null password', null, ''],
    ['the empty password', '', ''],
    ['a newline behind it', goldenPassword, '\n'],
    ['zeros behind it', goldenPassword, '\0\0\0\0'],
    ['the null password, and a newline behind it', null, '\n'],
  ])('%s: openssl opens it, and the written file too', async (_, password, behind) => {
    const path = join(folder, 'odd.p12');
    const file = Buffer.concat([await fileUnder(password, m.leaf('P-256'), [m.a]), Buffer.from(behind)]);
    writeFileSync(path, file);
    expect(opened(path, `pass:${password ?? ''}`).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const content = await readSecret(binary(new Uint8Array(file)), { password: password ?? undefined });
    const next = m.nextLeaf('RSA');
    const key = { kind: 'private', privateKey: next.key } as const;
    const written = await content.write({ leaf: next.der, chain: [m.b, m.c], root: undefined, key });
    writeFileSync(path, written.kind === 'binary' ? written.bytes : '');
    const shown = opened(path, `pass:${password ?? ''}`);
    expect(shown.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
    const block = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(shown)?.[0] ?? '';
    expect(createPrivateKey(block).equals(next.key)).toBe(true);
  });

  it.each<[string, string[], string | undefined]>([
    ['with an empty password', ['-passout', 'pass:'], undefined],
    [
      'with nothing encrypted, and no MAC',
      ['-passout', 'pass:', '-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac'],
      undefined,
    ],
    ['with nothing encrypted', ['-passout', 'pass:word', '-keypbe', 'NONE', '-certpbe', 'NONE'], 'word'],
  ])('as openssl makes it %s', async (_, options, password) => {
    const [pemFile, path] = [join(folder, 'pair.pem'), join(folder, 'made-odd.p12')];
    const leaf = m.leaf('P-384');
    const certificate = `-----BEGIN CERTIFICATE-----\n${Buffer.from(leaf.der).toString('base64')}\n-----END CERTIFICATE-----\n`;
    writeFileSync(pemFile, certificate + leaf.key.export({ format: 'pem', type: 'pkcs8' }));
    run('openssl', 'pkcs12', '-export', '-in', pemFile, '-out', path, ...options);
    const content = await readSecret(binary(new Uint8Array(readFileSync(path))), { password });
    expect(content.leaf).toEqual(leaf.der);
  });
});
