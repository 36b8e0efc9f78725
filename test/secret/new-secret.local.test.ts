/** openssl opens the first value of a declared certificate's secret. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeclaredShape } from '../../lambdas/domain/declaration.ts';
import { renderNew } from '../../lambdas/secret/new-secret.ts';
import { type Issued, issue, pem } from './material.ts';

const password = 'a word that opens';
let folder: string;
let root: ReturnType<typeof issue>;
let issuing: ReturnType<typeof issue>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'new-secret-'));
  root = issue('Root', 'P-256');
  issuing = issue('Issuing', 'P-256', root);
});
afterAll(() => rmSync(folder, { recursive: true }));

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
const pkcs8 = ({ key }: Issued) => `${key.export({ format: 'pem', type: 'pkcs8' })}`;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function made(shape: DeclaredShape, leaf: Issued, encrypted: boolean): Promise<string | Uint8Array> {
  const key = { kind: 'private', privateKey: leaf.key } as const;
  const content = { leaf: leaf.der, chain: [issuing.der], root: root.der, key };
  const value = await renderNew(shape, content, encrypted ? { password } : {});
  return value.kind === 'string' ? value.text : value.bytes;
}

const secretOf = (encrypted: boolean) => (encrypted ? ['-passin', `pass:${password}`] : []);

describe.each(['P-256', 'P-521', 'Ed25519', 'RSA'] as const)('%s', (kind) => {
  it.each([false, true])('pem is one file of a pair with its chain; encrypted: %s', async (encrypted) => {
    const leaf = issue('leaf', kind, issuing);
    const path = file('pair.pem', await made('pem', leaf, encrypted));
    expect(openssl('pkey', '-in', path, ...secretOf(encrypted))).toBe(pkcs8(leaf));
    expect(openssl('x509', '-in', path, '-pubkey', '-noout')).toBe(
      openssl('pkey', '-in', path, ...secretOf(encrypted), '-pubout'),
    );
    const bundle = file('pair.p7', openssl('crl2pkcs7', '-nocrl', '-certfile', path));
    const subjects = openssl('pkcs7', '-in', bundle, '-print_certs', '-noout').match(/subject=.*/g);
    expect(subjects?.map((subject) => /CN ?= ?(.*)/.exec(subject)?.[1])).toEqual(['leaf', 'Issuing']);
  });

  it.each([false, true])('tls.key is read; encrypted: %s', async (encrypted) => {
    const leaf = issue('leaf', kind, issuing);
    const fields = JSON.parse(`${await made('tls', leaf, encrypted)}`);
    const path = file('tls.key', fields['tls.key']);
    expect(openssl('pkey', '-in', path, ...secretOf(encrypted))).toBe(pkcs8(leaf));
    expect(openssl('x509', '-in', file('tls.crt', fields['tls.crt']))).toBe(`${pem(leaf.der)}\n`);
  });

  it('pkcs12 has the key, its certificate and the chain', async () => {
    const leaf = issue('leaf', kind, issuing);
    const path = file('pair.p12', await made('pkcs12', leaf, true));
    const shown = openssl('pkcs12', '-in', path, '-noenc', ...secretOf(true));
    expect(shown.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const block = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(shown)?.[0] ?? '';
    expect(createPrivateKey(block).equals(leaf.key)).toBe(true);
  });
});

it('what is encrypted is so by AES-256 and 100,000 rounds of HMAC-SHA-256', async () => {
  const leaf = issue('leaf', 'P-256', issuing);
  const path = file('sealed.pem', await made('pem', leaf, true));
  const key = /-----BEGIN ENCRYPTED PRIVATE KEY-----[\s\S]*/.exec(`${await made('pem', leaf, true)}`)?.[0] ?? '';
  const parsed = openssl('asn1parse', '-in', file('sealed.key', key));
  expect(parsed).toMatch(/PBES2[\s\S]*PBKDF2[\s\S]*:0186A0[\s\S]*hmacWithSHA256[\s\S]*aes-256-cbc/);
  expect(() => openssl('pkey', '-in', path, '-passin', 'pass:another')).toThrow();
});
