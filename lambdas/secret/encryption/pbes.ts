/**
 * Password-based encryption: reads and writes PBES2 (RFC 8018 section 6.2) with PBKDF2 or scrypt (RFC 7914), and reads PKCS#12's own
 * schemes (RFC 7292 appendix C). It does not use Node's PKCS#8 export, which has a fixed 2,048 iterations: a written key must not be weaker
 * than the one that was read.
 */
import { createCipheriv, createDecipheriv, pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { readCount, readElements, readFields, readIdentifier, readWholeOctets } from '../../asn1/ber.ts';
import { type Element, MalformedError } from '../../asn1/reader.ts';
import { tags } from '../../asn1/tags.ts';
import * as write from '../../asn1/writer.ts';
import type { Entropy } from '../../domain/ports.ts';
import { WorkBudget } from './budget.ts';
import { type Password, passwordBytes, pkcs12Key } from './pkcs12-key.ts';
import { decryptRc2 } from './rc2.ts';

/** A key derivation, with its cost. A written one is not weaker than the one that was read. */
export type Derivation =
  | { readonly kind: 'pbkdf2'; readonly iterations: number; readonly digest: Digest }
  | { readonly kind: 'scrypt'; readonly cost: number; readonly blockSize: number; readonly parallelization: number };

type Digest = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** An unsupported scheme, or a wrong password. `pbmac1` is unsupported but has a message of its own. */
type SealProblem = 'scheme' | 'password' | 'pbmac1';

/** The reason why encrypted data can't be opened. */
export class SealError extends Error {
  readonly reason: SealProblem;

  constructor(reason: SealProblem) {
    super(reason);
    this.reason = reason;
  }
}

const oid = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  aes256: '2.16.840.1.101.3.4.1.42',
} as const;

const digests: ReadonlyMap<string, Digest> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

interface Cipher {
  readonly name: string;
  readonly keyLength: number;
}

const ciphers: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyLength: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyLength: 24 }],
  [oid.aes256, { name: 'aes-256-cbc', keyLength: 32 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyLength: 24 }],
]);

interface Pkcs12Scheme {
  readonly cipher: 'des-ede3-cbc' | 'rc2';
  readonly keyLength: number;
}

/** Schemes of RFC 7292 appendix C. Without RC4 and 3DES with two keys, which were never a default. */
const pkcs12Schemes: ReadonlyMap<string, Pkcs12Scheme> = new Map([
  ['1.2.840.113549.1.12.1.3', { cipher: 'des-ede3-cbc', keyLength: 24 }],
  ['1.2.840.113549.1.12.1.5', { cipher: 'rc2', keyLength: 16 }],
  ['1.2.840.113549.1.12.1.6', { cipher: 'rc2', keyLength: 5 }],
]);

/** The derivation for a key that was not encrypted in this way before. */
export const usualDerivation: Derivation = { kind: 'pbkdf2', iterations: 100_000, digest: 'sha256' };

/** Iterations of a written key at least: OpenSSL's default. */
const leastIterations = 2048;

const derivePbkdf2 = promisify(pbkdf2);
const deriveScrypt = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

export interface Opened {
  readonly data: Uint8Array;
  readonly derivation: Derivation;
}

/** Decrypts `data` by an AlgorithmIdentifier (DER), within the rest of `budget`. Throws SealError. */
export async function open(
  algorithm: Uint8Array,
  data: Uint8Array,
  password: Password,
  budget: WorkBudget = new WorkBudget(),
): Promise<Opened> {
  const { id, parameters } = readScheme(algorithm);
  const pkcs12Scheme = pkcs12Schemes.get(id);
  if (pkcs12Scheme !== undefined) return openPkcs12Scheme(pkcs12Scheme, parameters, data, password, budget);
  if (id !== oid.pbes2) throw new SealError('scheme');
  const { derivation, salt, cipher, iv } = scheme(() => readPbes2(parameters));
  if (!affords(budget, derivation)) throw new SealError('scheme');
  const key = await deriveKey(derivation, passwordBytes(password), salt, cipher.keyLength);
  return { data: decrypt(cipher.name, key, iv, data), derivation };
}

function readScheme(algorithm: Uint8Array): { id: string; parameters: Element | undefined } {
  return scheme(() => {
    const [id, parameters] = readFields(readElements(algorithm)[0]);
    return { id: readIdentifier(id), parameters };
  });
}

/** Treats a structure that can't be read as an unsupported scheme. */
function scheme<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) throw new SealError('scheme');
    throw error;
  }
}

function readPbes2(parameters: Element | undefined) {
  const [derivationElement, cipherElement] = readFields(parameters);
  const [cipherId, iv] = readFields(cipherElement);
  const cipher = ciphers.get(readIdentifier(cipherId));
  if (cipher === undefined) throw new SealError('scheme');
  return { ...readDerivation(derivationElement), cipher, iv: readWholeOctets(iv) };
}

function readDerivation(element: Element | undefined): { derivation: Derivation; salt: Uint8Array } {
  const [id, parameters] = readFields(element);
  const [salt, ...rest] = readFields(parameters);
  const derivation = readIdentifier(id) === oid.scrypt ? readScrypt(rest) : readPbkdf2(readIdentifier(id), rest);
  return { derivation, salt: readWholeOctets(salt) };
}

function readScrypt([cost, blockSize, parallelization]: readonly Element[]): Derivation {
  return {
    kind: 'scrypt',
    cost: readCount(cost),
    blockSize: readCount(blockSize),
    parallelization: readCount(parallelization),
  };
}

function readPbkdf2(id: string, [iterations, ...rest]: readonly Element[]): Derivation {
  // keyLength, an INTEGER, may be before the PRF. It is not needed, because the cipher has a fixed length. Without a PRF it is HMAC-SHA-1.
  const prf = rest.find((element) => element.tag === tags.sequence);
  const digest = prf === undefined ? 'sha1' : digests.get(readIdentifier(readFields(prf)[0]));
  const count = readCount(iterations);
  if (id !== oid.pbkdf2 || digest === undefined) throw new SealError('scheme');
  return { kind: 'pbkdf2', iterations: count, digest };
}

function affords(budget: WorkBudget, derivation: Derivation): boolean {
  if (derivation.kind === 'pbkdf2') return budget.pbkdf2(derivation.iterations);
  return budget.scrypt(derivation.cost, derivation.blockSize, derivation.parallelization);
}

async function deriveKey(derivation: Derivation, password: Uint8Array, salt: Uint8Array, length: number) {
  if (derivation.kind === 'pbkdf2')
    return derivePbkdf2(password, salt, derivation.iterations, length, derivation.digest);
  const { cost, blockSize, parallelization } = derivation;
  // OpenSSL compares maxmem with slightly more than 128·r·(N + p). The budget has already limited it.
  const options = { cost, blockSize, parallelization, maxmem: 256 * blockSize * (cost + parallelization) };
  try {
    return await deriveScrypt(password, salt, length, options);
  } catch {
    throw new SealError('scheme'); // the cost is not a power of two
  }
}

/** Throws SealError. */
async function openPkcs12Scheme(
  known: Pkcs12Scheme,
  parameters: Element | undefined,
  data: Uint8Array,
  password: Password,
  budget: WorkBudget,
): Promise<Opened> {
  const { salt, iterations } = scheme(() => {
    const [saltElement, count] = readFields(parameters);
    return { salt: readWholeOctets(saltElement), iterations: readCount(count) };
  });
  const derive = (purpose: 'key' | 'iv', length: number): Promise<Uint8Array> => {
    const request = { digest: 'sha1', purpose, password, salt, iterations, length } as const;
    if (!budget.pkcs12(request)) throw new SealError('scheme');
    return pkcs12Key(request);
  };
  const key = await derive('key', known.keyLength);
  const iv = await derive('iv', 8);
  const opened =
    known.cipher === 'rc2' ? decryptRc2(key, 8 * known.keyLength, iv, data) : decrypt(known.cipher, key, iv, data);
  if (opened === undefined) throw new SealError('password');
  return { data: opened, derivation: { kind: 'pbkdf2', iterations, digest: 'sha256' } };
}

/** Decrypts data. Throws SealError `password` if the CBC padding is not valid, the only sign of a wrong password. */
export function decrypt(cipher: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return new Uint8Array(Buffer.concat([decipher.update(data), decipher.final()]));
  } catch {
    throw new SealError('password');
  }
}

export interface Sealed {
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly data: Uint8Array;
}

/** Encrypts data by PBES2 with AES-256-CBC, and with a derivation of the same kind that is not weaker than `before`. */
export async function seal(
  data: Uint8Array,
  password: Password,
  before: Derivation,
  entropy: Entropy,
): Promise<Sealed> {
  const derivation = strengthen(before);
  const salt = entropy(16);
  const iv = entropy(16);
  const key = await deriveKey(derivation, passwordBytes(password), salt, 32);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const algorithm = write.sequence(
    write.oid(oid.pbes2),
    write.sequence(encodeDerivation(derivation, salt), write.sequence(write.oid(oid.aes256), write.octetString(iv))),
  );
  return { algorithm, data: new Uint8Array(Buffer.concat([cipher.update(data), cipher.final()])) };
}

function strengthen(before: Derivation): Derivation {
  if (before.kind === 'scrypt') return before;
  const digest = before.digest === 'sha1' || before.digest === 'sha224' ? 'sha256' : before.digest;
  return { kind: 'pbkdf2', digest, iterations: Math.max(before.iterations, leastIterations) };
}

function encodeDerivation(derivation: Derivation, salt: Uint8Array): Uint8Array {
  const saltElement = write.octetString(salt);
  if (derivation.kind === 'scrypt') {
    const { cost, blockSize, parallelization } = derivation;
    const numbers = [cost, blockSize, parallelization].map(write.integer);
    return write.sequence(write.oid(oid.scrypt), write.sequence(saltElement, ...numbers));
  }
  const [prf = ''] = [...digests].find(([, digest]) => digest === derivation.digest) ?? [];
  const algorithm = write.sequence(write.oid(prf), write.nullValue());
  return write.sequence(
    write.oid(oid.pbkdf2),
    write.sequence(saltElement, write.integer(derivation.iterations), algorithm),
  );
}
