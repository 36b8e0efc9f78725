/**
 * Legacy PEM encryption (RFC 1421 headers, OpenSSL's key derivation), as written by `step` and `openssl … -traditional`. It is weak by
 * design: one round of MD5. The product keeps it, because the readers of such a secret can read nothing else.
 */
import { createCipheriv, createHash } from 'node:crypto';
import type { Entropy } from '../../domain/ports.ts';
import { decrypt, SealError } from './pbes.ts';
import { passwordBytes } from './pkcs12-key.ts';

interface LegacyCipher {
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength: number;
}

const aes256 = { name: 'AES-256-CBC', cipher: { name: 'aes-256-cbc', keyLength: 32, ivLength: 16 } } as const;

/** Ciphers by the name in `DEK-Info`. Without DES-CBC, which OpenSSL 3 no longer has. */
const ciphers: ReadonlyMap<string, LegacyCipher> = new Map([
  ['AES-128-CBC', { name: 'aes-128-cbc', keyLength: 16, ivLength: 16 }],
  ['AES-192-CBC', { name: 'aes-192-cbc', keyLength: 24, ivLength: 16 }],
  [aes256.name, aes256.cipher],
  ['DES-EDE3-CBC', { name: 'des-ede3-cbc', keyLength: 24, ivLength: 8 }],
]);

const dekInfo = /^DEK-Info:\s*([A-Z0-9-]{1,32})\s*,\s*([0-9A-Fa-f]{1,64})\s*$/;

/** Throws SealError. */
export function openLegacy(headers: readonly string[], data: Uint8Array, password: string): Uint8Array {
  const { cipher, iv } = readHeaders(headers);
  return decrypt(cipher.name, deriveKey(password, iv, cipher.keyLength), iv, data);
}

function readHeaders(headers: readonly string[]): { name: string; cipher: LegacyCipher; iv: Uint8Array } {
  const encrypted = headers.some((header) => /^Proc-Type:\s*4\s*,\s*ENCRYPTED$/.test(header));
  const [, name = '', hex = ''] = headers.map((header) => dekInfo.exec(header)).find((match) => match !== null) ?? [];
  const cipher = ciphers.get(name);
  const iv = new Uint8Array(Buffer.from(hex, 'hex'));
  if (!encrypted || cipher === undefined || iv.length !== cipher.ivLength) throw new SealError('scheme');
  return { name, cipher, iv };
}

/** Derives a key as EVP_BytesToKey does with MD5 and one iteration. The salt is the IV's first eight bytes. */
function deriveKey(password: string, iv: Uint8Array, length: number): Uint8Array {
  const salt = iv.subarray(0, 8);
  let key = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  while (key.length < length) {
    last = createHash('md5').update(last).update(passwordBytes(password)).update(salt).digest();
    key = Buffer.concat([key, last]);
  }
  return new Uint8Array(key.subarray(0, length));
}

export interface LegacySealed {
  readonly headers: readonly string[];
  readonly data: Uint8Array;
}

/** Encrypts data with the same headers and a new IV. 3DES becomes AES-256, AES stays. Throws SealError. */
export function sealLegacy(
  headers: readonly string[],
  data: Uint8Array,
  password: string,
  entropy: Entropy,
): LegacySealed {
  const before = readHeaders(headers);
  const { name, cipher } = before.name === 'DES-EDE3-CBC' ? aes256 : before;
  const iv = entropy(cipher.ivLength);
  const encryptor = createCipheriv(cipher.name, deriveKey(password, iv, cipher.keyLength), iv);
  const hex = Buffer.from(iv).toString('hex').toUpperCase();
  return {
    headers: headers.map((header) => (dekInfo.test(header) ? `DEK-Info: ${name},${hex}` : header)),
    data: new Uint8Array(Buffer.concat([encryptor.update(data), encryptor.final()])),
  };
}
