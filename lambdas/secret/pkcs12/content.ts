/** Reads and replaces the certificates and the key of a PKCS#12 file, bag by bag: each keeps its name and its other attributes. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readElements, readExplicit0, readFields, readFirst, readIdentifier, readOctets } from '../../asn1/ber.ts';
import { MalformedError } from '../../asn1/reader.ts';
import * as write from '../../asn1/writer.ts';
import { sameBytes } from '../../domain/bytes.ts';
import { count } from '../../domain/count.ts';
import { RenewalError } from '../../domain/errors.ts';
import { findLeaves, openCertificate, type Parts, type PlacePlan, partsOf, planCertificates } from '../certificates.ts';
import { explain, lowerFirst, readEncryptedPrivateKeyInfo } from '../encrypted-key.ts';
import { WorkBudget } from '../encryption/budget.ts';
import { type Derivation, open, SealError, seal, usualDerivation } from '../encryption/pbes.ts';
import type { Password } from '../encryption/pkcs12-key.ts';
import { sameKey } from '../key-encoding.ts';
import { missingPassword, wrongPassword } from '../password.ts';
import type { NextContent, ReadContext, ShapeContent } from '../shape.ts';
import { type Bag, closeFile, isEncrypted, openFile, type Pkcs12File, shroudedKeyBag } from './file.ts';

const oid = {
  keyBag: '1.2.840.113549.1.12.10.1.1',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  /** Java's mark of a trusted certificate, which is not part of the key's chain. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
} as const;

export { shroudedKeyBag };

/** The content of a PKCS#12 file. `write` returns a whole file. */
export interface Pkcs12Content extends ShapeContent {
  write(next: NextContent): Promise<Uint8Array>;
}

/**
 * Reads a PKCS#12 file. Bytes after it, such as a newline or padding, stay: readers such as OpenSSL and Java ignore them. `where` names the
 * file in messages. Throws UnsupportedSecret, PasswordRequired, InvalidCertificate.
 */
export async function readPkcs12(bytes: Uint8Array, where: string, context: ReadContext): Promise<Pkcs12Content> {
  const given = await context.password?.();
  try {
    const { element, behind } = readFirst(bytes);
    const content = await openWithOne(element.bytes, where, given, context);
    return {
      ...content,
      async write(next) {
        const written = await content.write(next);
        return written === element.bytes ? bytes : new Uint8Array(Buffer.concat([written, behind]));
      },
    };
  } catch (error) {
    if (error instanceof MalformedError) throw unsupported(where, 'is cut, or is not a PKCS#12 file');
    throw explain(error, where, given ?? '');
  }
}

async function openWithOne(
  file: Uint8Array,
  where: string,
  given: string | undefined,
  context: ReadContext,
): Promise<Pkcs12Content> {
  const budget = new WorkBudget();
  for (const [i, password] of passwordsToTry(given).entries()) {
    try {
      return await readFile(file, where, password, budget, context);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      if (error.reason === 'scheme' && !isEncrypted(file)) {
        throw unsupported(where, 'is not encrypted, but has a MAC of an unknown kind');
      }
      if (error.reason !== 'password' && i === 0) throw error;
    }
  }
  throw closed(file, where, given);
}

/**
 * The passwords to try, as OpenSSL does: the configured one, then the null password and the empty one. A file may have no password although
 * one is configured.
 */
const passwordsToTry = (given: string | undefined): readonly Password[] => (given ? [given, null, ''] : [null, '']);

/** Returns the error for a file that no password opens. Throws MalformedError. */
function closed(bytes: Uint8Array, where: string, given: string | undefined): RenewalError {
  if (isEncrypted(bytes)) return given === undefined ? missingPassword(where) : wrongPassword(where, given);
  return given === undefined
    ? missingPassword(where, 'is not encrypted, but its MAC needs its password')
    : wrongPassword(where, given, 'is not encrypted, but its MAC needs another password');
}

const unsupported = (where: string, found: string) =>
  new RenewalError(
    'UnsupportedSecret',
    `${where} ${found}: expected PKCS#12 (RFC 7292) with a certificate and one private key, as written by openssl pkcs12 -export and keytool.`,
  );

async function readFile(
  bytes: Uint8Array,
  where: string,
  password: Password,
  budget: WorkBudget,
  context: ReadContext,
): Promise<Pkcs12Content> {
  const file = await openFile(bytes, password, budget);
  const bags = file.safes.flatMap((safe) => safe.bags);
  const key = await readKey(bags, where, password, budget);
  const certificateBags = bags.filter(isChainCertificate);
  const found = certificateBags.map((bag, i) =>
    openCertificate(certificateOf(bag), `Certificate ${i + 1} of ${lowerFirst(where)}`),
  );
  const leaves = findLeaves(found, key.privateKey);
  if (leaves === undefined) throw unsupported(where, 'has no certificate');
  const parts = partsOf(found, leaves);
  const place = { kind: 'leaf', certificates: found.map(({ der }) => der) } as const;
  return {
    leaf: parts.leaf,
    chain: parts.others,
    key: { kind: 'private', privateKey: key.privateKey },
    needsPassword: true,
    rest: '',
    async write(next) {
      const [plan] = planCertificates([place], parts, next);
      const edits = plan === undefined ? new Map() : planBags(certificateBags, place.certificates, plan, parts);
      const nextKey = nextPrivateKey(next, where);
      const newKey = nextKey === undefined || sameKey(nextKey, key.privateKey) ? undefined : nextKey;
      if (edits.size === 0 && newKey === undefined) return bytes;
      const info = newKey?.export({ format: 'der', type: 'pkcs8' }) ?? key.info;
      edits.set(key.bag, [await closeKey(key, info, password, context)]);
      return closeFile(editFile(file, edits), password, context.entropy);
    },
  };
}

interface Pkcs12Key {
  readonly bag: Bag;
  /** The PrivateKeyInfo, with its attributes. */
  readonly info: Uint8Array;
  readonly privateKey: KeyObject;
  readonly derivation: Derivation;
}

async function readKey(
  bags: readonly Bag[],
  where: string,
  password: Password,
  budget: WorkBudget,
): Promise<Pkcs12Key> {
  const keys = bags.filter(({ id }) => id === oid.keyBag || id === shroudedKeyBag);
  const [bag] = keys;
  if (bag === undefined || keys.length > 1) throw unsupported(where, `has ${count(keys.length, 'private key')}`);
  const { info, derivation } = await openKey(bag, password, budget);
  try {
    return {
      bag,
      info,
      derivation,
      privateKey: createPrivateKey({ key: Buffer.from(info), format: 'der', type: 'pkcs8' }),
    };
  } catch {
    // In a file without a MAC, a wrong password may give valid padding.
    throw bag.id === oid.keyBag
      ? unsupported(where, 'has a private key of an unknown kind')
      : new SealError('password');
  }
}

async function openKey(
  bag: Bag,
  password: Password,
  budget: WorkBudget,
): Promise<{ info: Uint8Array; derivation: Derivation }> {
  if (bag.id === oid.keyBag) return { info: bag.value, derivation: usualDerivation };
  const { algorithm, data } = readEncryptedPrivateKeyInfo(bag.value);
  const opened = await open(algorithm, data, password, budget);
  return { info: opened.data, derivation: opened.derivation };
}

/** Returns the key's bag, encrypted with AES-256 in any case. An unencrypted key stays unencrypted if there is no password. */
async function closeKey(key: Pkcs12Key, info: Uint8Array, password: Password, context: ReadContext): Promise<Bag> {
  if (key.bag.id === oid.keyBag && !password) return { ...key.bag, value: info };
  const { algorithm, data } = await seal(info, password, key.derivation, context.entropy);
  return { ...key.bag, id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)) };
}

function nextPrivateKey(next: NextContent, where: string): KeyObject | undefined {
  if (next.key?.kind !== 'kms') return next.key?.privateKey;
  throw new RenewalError(
    'UnsupportedSecret',
    `${where} has no field for a KMS key: expected a JSON shape, which has kmsKeyId instead of the private key.`,
  );
}

/** Whether a bag is an X.509 certificate that is not marked as trusted. */
function isChainCertificate(bag: Bag): boolean {
  if (bag.id !== oid.certBag) return false;
  const [type] = readFields(readElements(bag.value)[0]);
  if (readIdentifier(type) !== oid.x509Certificate) return false;
  const attributes =
    bag.attributes === undefined ? [] : readElements(readElements(bag.attributes)[0]?.value ?? new Uint8Array());
  return !attributes.some((attribute) => readIdentifier(readFields(attribute)[0]) === oid.trustedKeyUsage);
}

function certificateOf(bag: Bag): Uint8Array {
  const [, value] = readFields(readElements(bag.value)[0]);
  return readOctets(readExplicit0(value));
}

/** Returns the bag of a certificate. `attributes` is an encoded SET. */
export function certificateBag(der: Uint8Array, attributes: Uint8Array | undefined): Bag {
  const type = write.oid(oid.x509Certificate);
  return { id: oid.certBag, value: write.sequence(type, write.context(0, write.octetString(der))), attributes };
}

/**
 * Returns the new bags by the old ones; an unchanged bag has no entry. New certificates follow the bag of the plan's anchor. If the leaf's
 * bag has no attributes, it gets those of another bag for its key: readers find the leaf by its attributes.
 */
function planBags(
  bags: readonly Bag[],
  before: readonly Uint8Array[],
  plan: PlacePlan,
  { leaf, formers }: Parts,
): Map<Bag, readonly Bag[]> {
  const edits = new Map<Bag, readonly Bag[]>();
  const added = plan.added.map((der) => certificateBag(der, undefined));
  const isOfLeafKey = (der: Uint8Array | undefined) =>
    der !== undefined && [leaf, ...formers].some((each) => sameBytes(each, der));
  const ofKey = bags.filter((_, i) => isOfLeafKey(before[i]));
  const named = ofKey.find(({ attributes }) => attributes !== undefined);
  bags.forEach((bag, i) => {
    const der = plan.becomes[i];
    const old = before[i];
    const stays = der !== undefined && old !== undefined && sameBytes(der, old);
    const attributes = bag.attributes ?? (isOfLeafKey(old) ? named?.attributes : undefined);
    const own = der === undefined ? [] : [stays ? bag : certificateBag(der, attributes)];
    const here = plan.anchor?.index === i ? added : [];
    if (!stays || here.length > 0) edits.set(bag, [...own, ...here]);
  });
  return edits;
}

function editFile(file: Pkcs12File, edits: ReadonlyMap<Bag, readonly Bag[]>): Pkcs12File {
  const safes = file.safes.map((safe) => ({ ...safe, bags: safe.bags.flatMap((bag) => edits.get(bag) ?? [bag]) }));
  return { ...file, safes };
}
