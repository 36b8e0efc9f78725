/**
 * Receipts of orders: what the next look at an order needs. The worker stores a receipt beside the key, where others may have write access.
 * So the account's key seals order, leaf key and TXT values together: no other key gets a certificate for a stored order, and no other value
 * is published. A value of another account would validate the name, and its wildcard, for that account.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import type { Signer } from '../../domain/signer.ts';
import { algorithmOf } from '../../x509/algorithms.ts';
import { canonicalSpki } from '../../x509/public-key.ts';
import { base64url } from '../jws.ts';
import { fieldsIn, listIn, textIn, urlIn } from './fields.ts';

/** A domain, without `_acme-challenge.`, and the value for it. */
export type Text = readonly [domain: string, value: string];

export interface ZonePart {
  readonly texts: readonly Text[];
  /** Id of the change of TxtZones. Empty: there was nothing to wait for. Undefined: not made yet. */
  readonly change?: string;
}

export interface Receipt {
  /** Address of the order. */
  readonly order: URL;
  /** Address of the account, which was asked for its key. */
  readonly account: string;
  /** SHA-256 of the leaf's public key, base64url. */
  readonly key: string;
  readonly seal: string;
  /** When the order was placed. */
  readonly placedAt: Instant;
  /** TXT values by hosted zone. Empty without dns-01. */
  readonly zones: Readonly<Record<string, ZonePart>>;
  /** When the CA was told to validate. */
  readonly toldAt?: Instant;
}

/** Returns printable ASCII. */
export function writeReceipt({ order, placedAt, zones, ...rest }: Receipt): string {
  return base64url(JSON.stringify({ v: 1, order: order.href, placedAt, ...rest, zones }));
}

/** Reads a receipt. `isAllowed` decides whether a zone may hold a text for a domain. Throws CaRejected. */
export function readReceipt(text: string, isAllowed: (zone: string, domain: string) => boolean): Receipt {
  const fields = fieldsIn(parsed(text));
  const order = urlIn(fields?.['order']);
  const account = urlIn(fields?.['account']);
  const key = textIn(fields?.['key']);
  const seal = textIn(fields?.['seal']);
  const placedAt = numberIn(fields?.['placedAt']);
  if (
    fields?.['v'] !== 1 ||
    order === undefined ||
    account === undefined ||
    key === undefined ||
    seal === undefined ||
    placedAt === undefined
  )
    throw refused('is not one of an ACME order');
  const zones = Object.entries(fieldsIn(fields['zones']) ?? {}).map(([id, part]) => {
    const read = zonePart(part);
    if (read === undefined || !read.texts.every(([domain]) => isAllowed(id, domain))) {
      throw refused('names TXT values outside of the declared names and the zones of the profile');
    }
    return [id, read] as const;
  });
  const toldAt = numberIn(fields['toldAt']);
  return {
    order,
    account: account.href,
    key,
    seal,
    placedAt,
    zones: Object.fromEntries(zones),
    ...(toldAt !== undefined && { toldAt }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}

const numberIn = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

function zonePart(value: unknown): ZonePart | undefined {
  const fields = fieldsIn(value);
  const texts = listIn(fields?.['texts']).map(readText);
  const known = texts.filter((each) => each !== undefined);
  const change = textIn(fields?.['change']);
  if (known.length === 0 || known.length < texts.length) return undefined;
  return change !== undefined && /^[\w/+-]{0,2000}$/.test(change) ? { texts: known, change } : { texts: known };
}

/** The value is the base64url of a SHA-256 (RFC 8555 section 8.4). */
function readText(value: unknown): Text | undefined {
  const [domain, digest] = listIn(value).map(textIn);
  return domain !== undefined && digest !== undefined && /^[\w-]{43}$/.test(digest) ? [domain, digest] : undefined;
}

function refused(problem: string): RenewalError {
  return new RenewalError(
    'CaRejected',
    `The receipt of the stored order ${problem}. The order is given up, and the next try places another.`,
  );
}

// ---- The seal ------------------------------------------------------------------------------------------------------

/** What a seal binds: the CA, the order at it, the key that gets the certificate, and the TXT values. */
export interface Sealed extends Pick<Receipt, 'order' | 'key' | 'zones'> {
  readonly directory: URL;
}

/** Returns the hash of a public key, DER SubjectPublicKeyInfo, as a receipt has it. */
export const keyHash = (spki: Uint8Array): string =>
  createHash('sha256').update(canonicalSpki(spki)).digest('base64url');

/** The first line separates it from a JWS Signing Input, which has no space. */
function sealedText({ directory, order, key, zones }: Sealed): Buffer {
  const texts = Object.keys(zones)
    .sort()
    .map((id) => [id, zones[id]?.texts]);
  const lines = ['cert-renewer order v1', directory.href, order.href, key, JSON.stringify(texts)];
  return Buffer.from(lines.join('\n'));
}

/** Returns the seal. Throws what the signer throws. */
export async function sealOrder(sealed: Sealed, account: Signer): Promise<string> {
  return base64url(await account.sign(sealedText(sealed)));
}

/** Throws CaRejected if the account's key did not seal this receipt for this CA. */
export function checkSeal(receipt: Receipt, directory: URL, account: Signer): void {
  const key = createPublicKey({ key: Buffer.from(account.spki), format: 'der', type: 'spki' });
  const { digest } = algorithmOf(account.keySpec);
  const text = sealedText({ ...receipt, directory });
  if (verify(digest, text, key, Buffer.from(receipt.seal, 'base64url'))) return;
  throw refused("does not carry the seal of the account's key for this order, this key and this CA");
}

/** Throws CaRejected if the order was placed with another key. */
export function checkKey({ key }: Pick<Receipt, 'key'>, spki: Uint8Array): void {
  if (key !== keyHash(spki)) throw refused('is of an order for another key');
}
