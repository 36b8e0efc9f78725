/**
 * A PKCS#12 file (RFC 7292): opened into its safes and bags, and closed again with AES-256 and an HMAC-SHA-256 MAC, which
 * OpenSSL 3, Java 8u301 and Windows Server 2019 and their successors read.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type DerElement,
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
} from '../../asn1/ber.ts';
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

/** SafeBag, section 4.2. */
export interface Bag {
  readonly id: string;
  /** The element within bagValue's [0], encoded. */
  readonly value: Uint8Array;
  /** The SET of attributes, encoded. */
  readonly attributes: Uint8Array | undefined;
}

export interface Safe {
  readonly bags: readonly Bag[];
  /** How its password is derived; undefined for a safe that is not encrypted as a whole. */
  readonly derivation: Derivation | undefined;
}

export interface Pkcs12File {
  readonly safes: readonly Safe[];
  /** Undefined for a file without a MAC. */
  readonly macIterations: number | undefined;
}

/** Throws DerError for what is no PKCS#12 file, and SealError. */
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

/** Whether a password is needed to read what is in the file, its MAC left aside. Throws DerError. */
export function isEncrypted(bytes: Uint8Array): boolean {
  return readParts(bytes).infos.some((info) => {
    if (objectIdentifier(sequence(info)[0]) !== oid.data) return true;
    return readBags(octets(contentInfo(info, oid.data))).some(({ id }) => id === oid.shroudedKeyBag);
  });
}

/** PFX, section 4. Throws DerError. */
function readParts(bytes: Uint8Array) {
  const [version, authSafe, mac] = sequence(onlyElement(bytes));
  if (integer(version) !== 3) throw new DerError('version');
  const content = octets(contentInfo(authSafe, oid.data));
  return { content, infos: sequence(onlyElement(content)), mac };
}

function onlyElement(bytes: Uint8Array): DerElement {
  const [element, ...rest] = readElements(bytes);
  if (element === undefined || rest.length > 0) throw new DerError('elements');
  return element;
}

/** The content of a ContentInfo of this type. Throws DerError. */
function contentInfo(info: DerElement | undefined, type: string): DerElement {
  const [id, content] = sequence(info);
  if (objectIdentifier(id) !== type) throw new DerError('content type');
  return explicit0(content);
}

/** Section 5.1 step 4 backwards: the MAC says whether the password fits. Throws SealError. Returns its iterations. */
async function checkMac(
  macData: DerElement,
  content: Uint8Array,
  password: Password,
  budget: WorkBudget,
): Promise<number> {
  const [digestInfo, salt, count] = sequence(macData);
  const [algorithm, expected] = sequence(digestInfo);
  const kind = objectIdentifier(sequence(algorithm)[0]);
  if (kind === oid.pbmac1) throw new SealError('pbmac1');
  const digest = macDigests.get(kind);
  const iterations = count === undefined ? 1 : integer(count);
  if (digest === undefined || !budget.pkcs12({ digest, iterations, length: 1 })) throw new SealError('scheme');
  const found = await macOf(digest, content, password, octets(salt), iterations);
  const wanted = octets(expected);
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

async function openSafe(
  info: DerElement,
  password: Password,
  budget: WorkBudget,
  passwordFits: boolean,
): Promise<Safe> {
  const type = objectIdentifier(sequence(info)[0]);
  if (type === oid.data) return { bags: readBags(octets(contentInfo(info, oid.data))), derivation: undefined };
  // EncryptedData, RFC 5652 section 8: { version, { contentType, algorithm, [0] content } }.
  const [, encrypted] = sequence(contentInfo(info, oid.encryptedData));
  const [, algorithm, content] = sequence(encrypted);
  const { data, derivation } = await open(algorithm?.encoded ?? new Uint8Array(), octets(content), password, budget);
  try {
    return { bags: readBags(data), derivation };
  } catch (error) {
    // Without a MAC one wrong password in 256 comes this far.
    throw passwordFits ? error : new SealError('password');
  }
}

function readBags(contents: Uint8Array): Bag[] {
  return sequence(onlyElement(contents)).map((bag) => {
    const [id, value, attributes] = sequence(bag);
    return { id: objectIdentifier(id), value: explicit0(value).encoded, attributes: attributes?.encoded };
  });
}

/**
 * The file of these safes, under the same password, no weaker than it was. It has a MAC, but where it had none and no
 * password that a MAC could prove.
 */
export async function closeFile(file: Pkcs12File, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const infos: Uint8Array[] = [];
  for (const safe of file.safes) infos.push(await closeSafe(safe, password, entropy));
  const content = encodeSequence(...infos);
  const hasMac = file.macIterations !== undefined || Boolean(password);
  const mac = hasMac ? [await macData(content, file.macIterations ?? 0, password, entropy)] : [];
  return encodeSequence(encodeInteger(3), dataInfo(content), ...mac);
}

async function macData(content: Uint8Array, before: number, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const salt = entropy(16);
  const iterations = Math.max(before, leastMacIterations);
  const mac = await macOf('sha256', content, password, salt, iterations);
  const digestInfo = encodeSequence(
    encodeSequence(encodeObjectIdentifier(oid.sha256), encode(tag.null)),
    encodeOctets(mac),
  );
  return encodeSequence(digestInfo, encodeOctets(salt), encodeInteger(iterations));
}

const dataInfo = (content: Uint8Array) =>
  encodeSequence(encodeObjectIdentifier(oid.data), encodeExplicit0(encodeOctets(content)));

async function closeSafe(safe: Safe, password: Password, entropy: Entropy): Promise<Uint8Array> {
  const contents = encodeSequence(...safe.bags.map(encodeBag));
  if (safe.derivation === undefined) return dataInfo(contents);
  const { algorithm, data } = await seal(contents, password, safe.derivation, entropy);
  const encrypted = encodeSequence(encodeObjectIdentifier(oid.data), algorithm, encode(tag.string0, data));
  return encodeSequence(
    encodeObjectIdentifier(oid.encryptedData),
    encodeExplicit0(encodeSequence(encodeInteger(0), encrypted)),
  );
}

function encodeBag({ id, value, attributes }: Bag): Uint8Array {
  const parts = [encodeObjectIdentifier(id), encodeExplicit0(value)];
  return encodeSequence(...parts, ...(attributes === undefined ? [] : [attributes]));
}
