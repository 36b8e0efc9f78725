/**
 * Opens a PKCS#12 file (RFC 7292) into its safes and bags, and writes it with AES-256 and an HMAC-SHA-256 MAC, which OpenSSL 3, Java 8u301,
 * Windows Server 2019 and later versions read.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readCount, readElements, readExplicit0, readFields, readIdentifier, readOctets } from '../../asn1/ber.ts';
import { type Element, malformed } from '../../asn1/reader.ts';
import * as write from '../../asn1/writer.ts';
import type { Entropy } from '../../domain/ports.ts';
import { WorkBudget } from '../encryption/budget.ts';
import { type Derivation, open, SealError, seal } from '../encryption/pbes.ts';
import { type Password, type Pkcs12KeyRequest, pkcs12Key } from '../encryption/pkcs12-key.ts';

const oid = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  sha256: '2.16.840.1.101.3.4.2.1',
  /** RFC 9579. */
  pbmac1: '1.2.840.113549.1.5.14',
} as const;

export const { shroudedKeyBag } = oid;

const macDigests: ReadonlyMap<string, Pkcs12KeyRequest['digest']> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  [oid.sha256, 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

const leastMacIterations = 2048;

/** A SafeBag (section 4.2). */
export interface Bag {
  readonly id: string;
  /** The encoded element within the [0] of bagValue. */
  readonly value: Uint8Array;
  /** The encoded SET of attributes. */
  readonly attributes: Uint8Array | undefined;
}

export interface Safe {
  readonly bags: readonly Bag[];
  /** The key derivation. Undefined for a safe that is not encrypted as a whole. */
  readonly derivation: Derivation | undefined;
}

export interface Pkcs12File {
  readonly safes: readonly Safe[];
  /** Undefined for a file without a MAC. */
  readonly macIterations: number | undefined;
}

/** Opens a file. Throws MalformedError if it is not PKCS#12, and SealError. */
export async function openFile(
  bytes: Uint8Array,
  password: Password,
  budget: WorkBudget = new WorkBudget(),
): Promise<Pkcs12File> {
  const { content, infos, mac } = readParts(bytes);
  const macIterations = mac === undefined ? undefined : await checkMac(mac, content, password, budget);
  const safes: Safe[] = [];
  for (const info of infos) safes.push(await openSafe(info, password, budget, mac !== undefined));
  return { safes, macIterations };
}

/** Whether the content needs a password, without regard to the MAC. Throws MalformedError. */
export function isEncrypted(bytes: Uint8Array): boolean {
  return readParts(bytes).infos.some((info) => {
    if (readIdentifier(readFields(info)[0]) !== oid.data) return true;
    return readBags(readOctets(contentInfo(info, oid.data))).some(({ id }) => id === oid.shroudedKeyBag);
  });
}

/** Reads a PFX (section 4). Throws MalformedError. */
function readParts(bytes: Uint8Array) {
  const [version, authSafe, mac] = readFields(onlyElement(bytes));
  if (readCount(version) !== 3) throw malformed('the file', 'has another version');
  const content = readOctets(contentInfo(authSafe, oid.data));
  return { content, infos: readFields(onlyElement(content)), mac };
}

function onlyElement(bytes: Uint8Array): Element {
  const [element, ...rest] = readElements(bytes);
  if (element === undefined || rest.length > 0) throw malformed('the file', 'is not one element');
  return element;
}

/** Returns the content of a ContentInfo of this type. Throws MalformedError. */
function contentInfo(info: Element | undefined, type: string): Element {
  const [id, content] = readFields(info);
  if (readIdentifier(id) !== type) throw malformed('the content', 'has another type');
  return readExplicit0(content);
}

/** Verifies the MAC, and so the password (the reverse of section 5.1, step 4). Returns its iterations. Throws SealError. */
async function checkMac(
  macData: Element,
  content: Uint8Array,
  password: Password,
  budget: WorkBudget,
): Promise<number> {
  const [digestInfo, salt, count] = readFields(macData);
  const [algorithm, expected] = readFields(digestInfo);
  const kind = readIdentifier(readFields(algorithm)[0]);
  if (kind === oid.pbmac1) throw new SealError('pbmac1');
  const digest = macDigests.get(kind);
  const iterations = count === undefined ? 1 : readCount(count);
  if (digest === undefined || !budget.pkcs12({ digest, iterations, length: 1 })) throw new SealError('scheme');
  const found = await macOf(digest, content, password, readOctets(salt), iterations);
  const wanted = readOctets(expected);
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) throw new SealError('password');
  return iterations;
}

async function macOf(
  digest: Pkcs12KeyRequest['digest'],
  content: Uint8Array,
  password: Password,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const length = createHmac(digest, '').digest().length;
  const key = await pkcs12Key({ digest, purpose: 'mac', password, salt, iterations, length });
  return new Uint8Array(createHmac(digest, key).update(content).digest());
}

async function openSafe(info: Element, password: Password, budget: WorkBudget, passwordFits: boolean): Promise<Safe> {
  const type = readIdentifier(readFields(info)[0]);
  if (type === oid.data) return { bags: readBags(readOctets(contentInfo(info, oid.data))), derivation: undefined };
  // EncryptedData, RFC 5652 section 8: { version, { contentType, algorithm, [0] content } }.
  const [, encrypted] = readFields(contentInfo(info, oid.encryptedData));
  const [, algorithm, content] = readFields(encrypted);
  const { data, derivation } = await open(algorithm?.bytes ?? new Uint8Array(), readOctets(content), password, budget);
  try {
    return { bags: readBags(data), derivation };
  } catch (error) {
    // Without a MAC, one wrong password in 256 is not detected before.
    throw passwordFits ? error : new SealError('password');
  }
}

function readBags(contents: Uint8Array): Bag[] {
  return readFields(onlyElement(contents)).map((bag) => {
    const [id, value, attributes] = readFields(bag);
    return { id: readIdentifier(id), value: readExplicit0(value).bytes, attributes: attributes?.bytes };
  });
}

/**
 * Writes a file of these safes with the same password, not weaker than before. It has a MAC, unless the old file had none and there is no
 * password.
 */
export async function closeFile(file: Pkcs12File, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const infos: Uint8Array[] = [];
  for (const safe of file.safes) infos.push(await closeSafe(safe, password, entropy));
  const content = write.sequence(...infos);
  const hasMac = file.macIterations !== undefined || Boolean(password);
  const mac = hasMac ? [await macData(content, file.macIterations ?? 0, password, entropy)] : [];
  return write.sequence(write.integer(3), dataInfo(content), ...mac);
}

async function macData(content: Uint8Array, before: number, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const salt = entropy(16);
  const iterations = Math.max(before, leastMacIterations);
  const mac = await macOf('sha256', content, password, salt, iterations);
  const digestInfo = write.sequence(write.sequence(write.oid(oid.sha256), write.nullValue()), write.octetString(mac));
  return write.sequence(digestInfo, write.octetString(salt), write.integer(iterations));
}

const dataInfo = (content: Uint8Array) =>
  write.sequence(write.oid(oid.data), write.context(0, write.octetString(content)));

async function closeSafe(safe: Safe, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const contents = write.sequence(...safe.bags.map(encodeBag));
  if (safe.derivation === undefined) return dataInfo(contents);
  const { algorithm, data } = await seal(contents, password, safe.derivation, entropy);
  const encrypted = write.sequence(write.oid(oid.data), algorithm, write.contextPrimitive(0, data));
  return write.sequence(write.oid(oid.encryptedData), write.context(0, write.sequence(write.integer(0), encrypted)));
}

function encodeBag({ id, value, attributes }: Bag): Uint8Array {
  const parts = [write.oid(id), write.context(0, value)];
  return write.sequence(...parts, ...(attributes === undefined ? [] : [attributes]));
}
