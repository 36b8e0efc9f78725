/** TXT record sets of Route 53: their format, and the changes that add or remove values. */
import type { Change, ResourceRecordSet } from '@aws-sdk/client-route-53';
import { RenewalError } from '../domain/errors.ts';
import type { TxtValue } from '../domain/ports.ts';
import { quote } from '../domain/quote.ts';

/** Values by the name of their record set. */
export type TextsByName = ReadonlyMap<string, readonly string[]>;

/** What is known of record sets by name. Undefined: there is no such set. A name that is not in the map has not been looked up. */
export type KnownSets = ReadonlyMap<string, ResourceRecordSet | undefined>;

/** Returns the changes of one name. They belong into one batch. */
export type Edit = (name: string, values: readonly string[], known: KnownSets) => readonly Change[];

/** Seconds that a resolver may keep a record set of ours. */
const keptFor = 60;

/**
 * Values of ours in one request. Route 53 takes four times as much (1,000 records and 32,000 characters). A replacement names each value twice,
 * and the other values beside them. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
 */
const mostRecords = 250;
const mostCharacters = 8_000;

export function groupByName(texts: readonly TxtValue[]): TextsByName {
  const byName = new Map<string, string[]>();
  for (const { name, value } of texts) {
    const key = normalName(name);
    const values = byName.get(key) ?? [];
    if (!values.includes(value)) byName.set(key, [...values, value]);
  }
  return byName;
}

/**
 * Returns a name as Route 53 lists it: lower case, escape codes, with the trailing dot.
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
export function normalName(name: string): string {
  const escaped = name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/[^a-z0-9_.\\-]/g, octal);
  return `${escaped}.`;
}

/**
 * Returns a text as Route 53 takes it: strings of at most 255 bytes in quotation marks, with escape codes.
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#TXTFormat
 */
export function txtRecord(text: string): string {
  const bytes = Buffer.from(text).toString('latin1');
  const strings = bytes.match(/.{1,255}/gs) ?? [''];
  return strings.map((part) => `"${part.replace(/[^\x21-\x7e]|["\\]/g, octal)}"`).join(' ');
}

/** Returns the text of a record. Other notations of a text give the same. */
export function textOf(record: string): string {
  const strings = record.match(/"(?:[^"\\]|\\.)*"/gs) ?? [record];
  const bytes = strings.map((part) => part.replace(/^"|"$/g, '').replace(/\\([0-7]{3}|.)/gs, unescaped)).join('');
  return Buffer.from(bytes, 'latin1').toString();
}

const octal = (character: string): string => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
const unescaped = (_: string, code: string): string =>
  code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code;

/**
 * Adds values. Without knowledge it assumes that there is no set, so Route 53 refuses the change of one that is there. If all values are there,
 * the set is replaced by itself: this changes nothing, but only a change tells when the name servers have them.
 * Throws InvalidRequest.
 */
export const addition: Edit = (name, values, known) => {
  const set = known.get(name);
  if (set === undefined) return [{ Action: 'CREATE', ResourceRecordSet: freshSet(name, values) }];
  if (set.SetIdentifier !== undefined || set.AliasTarget !== undefined) {
    throw new RenewalError(
      'InvalidRequest',
      `The TXT record ${quote(name)} is an alias or has a routing policy, so no value can be added: replace it by a simple record.`,
    );
  }
  const { ResourceRecords = [] } = set;
  const there = new Set(ResourceRecords.map(({ Value = '' }) => textOf(Value)));
  const missing = values.filter((value) => !there.has(value)).map((value) => ({ Value: txtRecord(value) }));
  return replacement(set, { ...set, ResourceRecords: [...ResourceRecords, ...missing] });
};

/** Removes values. Without knowledge it assumes that the set is as `addition` creates it. */
export const removal: Edit = (name, values, known) => {
  if (!known.has(name)) return [{ Action: 'DELETE', ResourceRecordSet: freshSet(name, values) }];
  const set = known.get(name);
  const { ResourceRecords = [] } = set ?? {};
  const others = ResourceRecords.filter(({ Value = '' }) => !values.includes(textOf(Value)));
  if (set === undefined || others.length === ResourceRecords.length) return [];
  if (others.length > 0) return replacement(set, { ...set, ResourceRecords: others });
  return [{ Action: 'DELETE', ResourceRecordSet: set }];
};

const freshSet = (name: string, values: readonly string[]): ResourceRecordSet => ({
  Name: name,
  Type: 'TXT',
  TTL: keptFor,
  ResourceRecords: values.map((value) => ({ Value: txtRecord(value) })),
});

/** A compare-and-swap: Route 53 deletes a set only if all its values are as stated, and makes all changes of a batch or no change. */
const replacement = (before: ResourceRecordSet, after: ResourceRecordSet): Change[] => [
  { Action: 'DELETE', ResourceRecordSet: before },
  { Action: 'CREATE', ResourceRecordSet: after },
];

/** Returns parts that Route 53 takes in one request each, also when each is a replacement beside other values. */
export function batchesOf(texts: TextsByName): readonly TextsByName[] {
  const batches: Map<string, readonly string[]>[] = [];
  let room = { records: 0, characters: 0 };
  for (const [name, values] of texts) {
    const records = values.length;
    const characters = values.reduce((sum, value) => sum + txtRecord(value).length, 0);
    if (batches.length === 0 || records > room.records || characters > room.characters) {
      batches.push(new Map());
      room = { records: mostRecords, characters: mostCharacters };
    }
    batches.at(-1)?.set(name, values);
    room = { records: room.records - records, characters: room.characters - characters };
  }
  return batches;
}
