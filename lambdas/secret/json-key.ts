/** The key of a JSON shape: a private key in PEM, the name of a KMS key, or none if the CA holds it. */
import type { KeyObject } from 'node:crypto';
import { RenewalError } from '../domain/errors.ts';
import { holdsKey } from '../domain/key-text.ts';
import { type PemBlock, pemBlocks } from '../domain/pem.ts';
import { strayPem, tellBlock, unreadPem } from '../domain/pem-unread.ts';
import { kindOf, type PemStyle } from './json-field.ts';
import { fieldName, fieldNames, type JsonMember, type Replacement } from './json-text.ts';
import { applyEdits } from './pem-edit.ts';
import { type FoundPrivateKey, findPrivateKey, isCurveBlock, isPrivateKeyBlock } from './private-key.ts';
import type { KeyContent, NextContent, ReadContext } from './shape.ts';

export interface JsonFields {
  readonly certificate: string;
  readonly privateKey: string;
  /** Fields for the chain, each a string or an array. */
  readonly chains: readonly string[];
  /** Field for the chain's first certificate. */
  readonly issuer?: string;
}

export type Members = ReadonlyMap<string, JsonMember>;

/** The field for a KMS key (ARN, id or alias) instead of the private key, in any JSON shape. */
export const kmsKeyField = 'kmsKeyId';

const kmsKeyName = /^[A-Za-z0-9:/_.-]{1,2048}$/;

export interface JsonKey {
  readonly content: KeyContent;
  /** For a private key: its field, with the PEM text. */
  readonly pem?: { readonly member: JsonMember; readonly text: string; readonly found: FoundPrivateKey };
  /** For a KMS key: its field. */
  readonly kms?: { readonly member: JsonMember; readonly keyId: string };
}

/** Whether a field has a value; null and the empty string are placeholders. */
const isFilled = (member: JsonMember | undefined): member is JsonMember =>
  member !== undefined && member.value.value !== null && member.value.value !== '';

/** Reads the key. Throws UnsupportedSecret, PasswordRequired. */
export async function readJsonKey(members: Members, fields: JsonFields, context: ReadContext): Promise<JsonKey> {
  const own = members.get(fields.privateKey);
  const kms = members.get(kmsKeyField);
  const expected = `expected either ${fieldName(fields.privateKey)} (PEM) or ${fieldName(kmsKeyField)} (the key's ARN, id or alias in KMS)`;
  if (isFilled(own) && isFilled(kms)) {
    throw new RenewalError(
      'UnsupportedSecret',
      `A JSON object with both fields ${fieldName(fields.privateKey)} and ${fieldName(kmsKeyField)}: ${expected}.`,
    );
  }
  if (isFilled(kms)) {
    const keyId = kmsKeyId(kms);
    return { content: { kind: 'kms', keyId }, kms: { member: kms, keyId } };
  }
  if (isFilled(own)) {
    const { text, blocks } = keyBlocks(own, fields);
    const found = await findPrivateKey(blocks, `The field ${fieldName(fields.privateKey)}`, context);
    return { content: { kind: 'private', privateKey: found.privateKey }, pem: { member: own, text, found } };
  }
  if (context.allowNoKey) return { content: { kind: 'none' } };
  throw new RenewalError(
    'UnsupportedSecret',
    `A JSON object with the fields ${fieldNames(members)} and no key: ${expected}.`,
  );
}

function kmsKeyId(member: JsonMember): string {
  const { value } = member.value;
  if (typeof value === 'string' && kmsKeyName.test(value) && !holdsKey(value)) return value;
  const found = typeof value === 'string' ? "text that can't be the name of a key" : kindOf(value);
  throw new RenewalError(
    'UnsupportedSecret',
    `The field ${fieldName(kmsKeyField)} holds ${found}: expected the ARN, id or alias of a key in KMS.`,
  );
}

function keyBlocks(member: JsonMember, fields: JsonFields): { text: string; blocks: PemBlock[] } {
  const name = fieldName(fields.privateKey);
  const { value } = member.value;
  const fail = (found: string) =>
    new RenewalError('UnsupportedSecret', `The field ${name} holds ${found}: expected one private key in PEM.`);
  if (typeof value !== 'string') throw fail(kindOf(value));
  const blocks = pemBlocks(value, `The field ${name}`);
  if (blocks.length === 0) throw fail(`text without a PEM block${unreadPem(value)}`);
  const other = blocks.find((block) => !isPrivateKeyBlock(block) && !isCurveBlock(block));
  if (other !== undefined) throw fail(`a PEM block that is not a private key but ${tellBlock(other.label)}`);
  const stray = strayPem(value, blocks);
  if (stray !== undefined) throw fail(stray);
  return { text: value, blocks };
}

/**
 * Returns the edits of the key's field. For a key that moves to KMS, or from it, the field gets the other name, in the same place. Throws
 * UnsupportedSecret if there was no key.
 */
export async function rewriteJsonKey(
  members: Members,
  fields: JsonFields,
  present: JsonKey,
  next: NextContent['key'],
  style: PemStyle,
): Promise<Replacement[]> {
  if (next === undefined) return [];
  const { pem, kms } = present;
  if (pem) {
    if (next.kind === 'kms') return moveKey(pem.member, members.get(kmsKeyField), kmsKeyField, next.keyId);
    const text = applyEdits(pem.text, await pem.found.exchange(next.privateKey));
    return text === pem.text ? [] : [setValue(pem.member, text)];
  }
  if (kms) {
    if (next.kind === 'kms') return kms.keyId === next.keyId ? [] : [setValue(kms.member, next.keyId)];
    const own = members.get(fields.privateKey);
    return moveKey(kms.member, own, fields.privateKey, pkcs8(next.privateKey, style));
  }
  throw new RenewalError('UnsupportedSecret', 'The secret has no field for a key, because its CA holds the key.');
}

const setValue = (member: JsonMember, text: string): Replacement => ({ ...member.value, text: JSON.stringify(text) });

/** Moves a key. `to` is the other field, if it exists (it is empty). Otherwise `from` gets its name. */
function moveKey(from: JsonMember, to: JsonMember | undefined, name: string, value: string): Replacement[] {
  if (to !== undefined) return [setValue(from, ''), setValue(to, value)];
  return [{ ...from.name, text: JSON.stringify(name) }, setValue(from, value)];
}

function pkcs8(key: KeyObject, style: PemStyle): string {
  return style.encode('PRIVATE KEY', key.export({ format: 'der', type: 'pkcs8' })) + style.ending;
}
