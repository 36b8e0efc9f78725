/**
 * The value of a version that holds an order: JSON with the order's receipt and key. A new key is PKCS#8 PEM. In a profile with a password
 * it is encrypted with it, as every new key.
 */
import type { KeyObject } from 'node:crypto';
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant, type Instant, parseInstant } from '../../domain/instant.ts';
import { encodePem, pemBlocks } from '../../domain/pem.ts';
import type { Entropy, KeyVault } from '../../domain/ports.ts';
import type { SecretValue } from '../../domain/secret.ts';
import type { Signer } from '../../domain/signer.ts';
import { localSigner } from '../../keys/local.ts';
import type { PasswordSource } from '../../secret/password.ts';
import { findPrivateKey } from '../../secret/private-key.ts';
import { readContext } from '../../secret/shape.ts';

/** `same`: the secret's present key. `other`: any other key, in memory or in KMS. */
export type OrderKey = { readonly kind: 'same' } | { readonly kind: 'other'; readonly signer: Signer };

export interface OrderRecord {
  readonly placedAt: Instant;
  readonly receipt: string;
  readonly key: OrderKey;
}

export interface KeyWriting {
  /** Undefined: the key is not encrypted. */
  readonly password: PasswordSource | undefined;
  readonly entropy: Entropy;
}

const what = 'The order of this certificate';

/** Returns the value to store. Throws PasswordRequired, and Internal for a key that can't be stored. */
export async function renderOrder({ placedAt, receipt, key }: OrderRecord, writing: KeyWriting): Promise<SecretValue> {
  const document = { order: { placedAt: formatInstant(placedAt), receipt, ...(await keyFields(key, writing)) } };
  return { kind: 'string', text: JSON.stringify(document) };
}

async function keyFields(key: OrderKey, writing: KeyWriting): Promise<Record<string, string>> {
  if (key.kind === 'same') return {};
  const { kmsKeyArn, privateKey } = key.signer;
  if (kmsKeyArn !== undefined) return { kmsKeyArn };
  if (privateKey !== undefined) return { privateKey: await keyText(privateKey, writing) };
  throw new RenewalError('Internal', 'The new key can not be stored. Report it with the log of this request.');
}

async function keyText(privateKey: KeyObject, { password, entropy }: KeyWriting): Promise<string> {
  if (password === undefined) return encodePem('PRIVATE KEY', privateKey.export({ format: 'der', type: 'pkcs8' }));
  const { sealPrivateKey } = await import('../../secret/encrypted-key.ts');
  return encodePem('ENCRYPTED PRIVATE KEY', await sealPrivateKey(privateKey, await password(), entropy));
}

/**
 * Reads the value. Throws UnsupportedSecret for a value that is not an order, PasswordRequired, and what the vault throws. An error quotes
 * nothing of the value.
 */
export async function readOrder(
  value: SecretValue,
  { password, vault }: { readonly password: PasswordSource | undefined; readonly vault: KeyVault },
): Promise<OrderRecord> {
  const { placedAt, receipt, kmsKeyArn, privateKey } = fieldsOf(value, 'order');
  const at = typeof placedAt === 'string' ? parseInstant(placedAt) : undefined;
  if (at === undefined || typeof receipt !== 'string') throw notAnOrder();
  const order = { placedAt: at, receipt };
  if (typeof kmsKeyArn === 'string') return { ...order, key: { kind: 'other', signer: await vault.signer(kmsKeyArn) } };
  if (typeof privateKey !== 'string') return { ...order, key: { kind: 'same' } };
  const found = await findPrivateKey(pemBlocks(privateKey, what), what, readContext({ password }));
  return { ...order, key: { kind: 'other', signer: localSigner(found.privateKey) } };
}

/** Returns an object of the value; an empty one for anything else. */
function fieldsOf(value: SecretValue, name: 'order' | 'ended'): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(value.kind === 'string' ? value.text : '');
    const found = typeof document === 'object' && document !== null ? Reflect.get(document, name) : undefined;
    return typeof found === 'object' && found !== null ? { ...found } : {};
  } catch {
    return {}; // the parser's message quotes the value
  }
}

const notAnOrder = () =>
  new RenewalError('UnsupportedSecret', `${what} is not readable: another writer has changed it.`);

/** The value of a claim. Two claims of one id must differ, so that only one of them is written. */
export const renderClaim = (entropy: Entropy): SecretValue => ({
  kind: 'string',
  text: JSON.stringify({ claim: Buffer.from(entropy(16)).toString('hex') }),
});

/** The value of an order that ended. Its receipt is kept until what was published for it is taken away. */
export const renderEnded = (receipt: string | undefined): SecretValue => ({
  kind: 'string',
  text: JSON.stringify({ ended: { ...(receipt !== undefined && { receipt }) } }),
});

/** Returns the receipt of an order, open or ended, if there is one. Reads no key. */
export function receiptIn(value: SecretValue): string | undefined {
  const receipt = fieldsOf(value, 'ended')['receipt'] ?? fieldsOf(value, 'order')['receipt'];
  return typeof receipt === 'string' ? receipt : undefined;
}
