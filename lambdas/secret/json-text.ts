/**
 * JSON as text: which slice of it each top-level member is, so that one value can be exchanged and every other byte
 * stays. Member names are keys of a Map, so that `__proto__` does no harm. The scanner is jsonc-parser's; its parseTree is
 * not used, because it recurses: on a value nested a few thousand levels deep, which JSON.parse takes, its stack ends.
 */
import { createScanner } from 'jsonc-parser';
import { RenewalError } from '../domain/errors.ts';
import { quote } from '../domain/quote.ts';

export interface Slice {
  readonly start: number;
  readonly end: number;
}

export interface JsonElement extends Slice {
  readonly value: unknown;
}

export interface JsonMember {
  /** The name with its quotation marks. */
  readonly name: Slice;
  readonly value: JsonElement;
  /** The elements of a value that is an array. */
  readonly elements: readonly JsonElement[];
}

/** Undefined for text that is not JSON (RFC 8259). V8's own message is dropped: it quotes the text. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A value that stands within `depth` objects and arrays. */
type NestedValue = Slice & { readonly depth: number };

/** The values of valid JSON in the order of their ends; the name of a member counts as a value of its object. */
function* valuesOf(text: string): Generator<NestedValue> {
  const scanner = createScanner(text, true);
  const open: number[] = [];
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const at = scanner.getTokenOffset();
    const end = scanner.getPosition();
    const first = text.charAt(at);
    if (first === '{' || first === '[') open.push(at);
    else if (first !== ',' && first !== ':' && first !== '') {
      const start = first === '}' || first === ']' ? open.pop() : at;
      yield { start: start ?? at, end, depth: open.length };
    }
  }
}

/**
 * The members of a JSON object by name, in order. `text` is known to be valid JSON and an object.
 * Throws UnsupportedSecret for two members of one name: no two readers agree on which of them counts.
 */
export function jsonMembers(text: string): ReadonlyMap<string, JsonMember> {
  const members = new Map<string, JsonMember>();
  let name: Slice | undefined;
  let within: Slice[] = [];
  for (const slice of valuesOf(text)) {
    if (slice.depth === 2) within.push(slice);
    if (slice.depth !== 1) continue;
    if (name === undefined) {
      name = slice;
      continue;
    }
    const value = elementOf(text, slice);
    const elements = Array.isArray(value.value) ? within.map((each) => elementOf(text, each)) : [];
    addMember(members, JSON.parse(text.slice(name.start, name.end)), { name, value, elements });
    name = undefined;
    within = [];
  }
  return members;
}

function addMember(members: Map<string, JsonMember>, name: string, member: JsonMember): void {
  if (members.has(name)) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The JSON object has more than one member ${fieldName(name)}: expected each name once. Remove the others.`,
    );
  }
  members.set(name, member);
}

function elementOf(text: string, { start, end }: Slice): JsonElement {
  return { start, end, value: JSON.parse(text.slice(start, end)) };
}

export interface Replacement extends Slice {
  readonly text: string;
}

/** The text with these slices exchanged; slices do not overlap. */
export function replaceSlices(text: string, replacements: readonly Replacement[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const replacement of [...replacements].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, replacement.start), replacement.text);
    at = replacement.end;
  }
  return parts.join('') + text.slice(at);
}

/** The text with the values of these members left out. */
export function withoutValues(text: string, members: readonly (JsonMember | undefined)[]): string {
  return replaceSlices(
    text,
    members.flatMap((member) => (member === undefined ? [] : [{ ...member.value, text: '' }])),
  );
}

/** What stands in the place of one element of an array. */
export interface ArrayEdit {
  /** JSON, in order: the element's own text for one that stays, several where some are added, none for one that goes. */
  readonly literals: readonly string[];
}

/**
 * An array with its elements exchanged; white space and commas as they were, and as between the others for new ones.
 * `edits` has one entry for each element; for an empty array one entry holds all that is new.
 */
export function rewriteArray(text: string, member: JsonMember, edits: readonly ArrayEdit[]): Replacement {
  const { start, end } = member.value;
  const { elements } = member;
  const [first] = elements;
  const lead = first === undefined ? '' : text.slice(start + 1, first.start);
  const separators = elements.map((element, i) => {
    const before = elements[i - 1];
    return before === undefined ? undefined : text.slice(before.end, element.start);
  });
  const usual = separators[1] ?? `,${lead}`;
  let body = '';
  edits.forEach((edit, i) => {
    for (const [j, literal] of edit.literals.entries()) {
      const separator = j === 0 ? (separators[i] ?? usual) : usual;
      body += body === '' ? lead + literal : separator + literal;
    }
  });
  const last = elements.at(-1);
  const tail = last === undefined || body === '' ? '' : text.slice(last.end, end - 1);
  return { start, end, text: `[${body}${tail}]` };
}

/** A field's name for a message: quoted, and cut to 64 characters. */
export function fieldName(name: string): string {
  return quote(name);
}

/** The names of an object's fields for a message: twenty at most. */
export function fieldNames(members: ReadonlyMap<string, JsonMember>): string {
  const names = [...members.keys()];
  return `[${names.slice(0, 20).map(fieldName).join(', ')}${names.length > 20 ? ', …' : ''}]`;
}
