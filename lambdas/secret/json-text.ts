/**
 * Edits JSON as text: it finds the slice of each top-level member, so that one value can be replaced and every other byte stays. Member
 * names are keys of a Map, so `__proto__` is harmless. The scanner is jsonc-parser's. Its parseTree is not used, because it recurses: its
 * stack overflows for a value with a few thousand levels, which JSON.parse accepts.
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

/** Parses JSON (RFC 8259); undefined for other text. V8's message is dropped, because it quotes the text. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A value within `depth` objects and arrays. */
type NestedValue = Slice & { readonly depth: number };

/** Yields the values of valid JSON in the order of their ends. The name of a member counts as a value of its object. */
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
 * Returns the members of a JSON object by name, in order. `text` must be a valid JSON object. Throws UnsupportedSecret for a duplicate
 * name, because readers disagree on which member counts.
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

/** Returns the text with these slices replaced. Slices must not overlap. */
export function replaceSlices(text: string, replacements: readonly Replacement[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const replacement of [...replacements].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, replacement.start), replacement.text);
    at = replacement.end;
  }
  return parts.join('') + text.slice(at);
}

/** Returns the text without the values of these members. */
export function withoutValues(text: string, members: readonly (JsonMember | undefined)[]): string {
  return replaceSlices(
    text,
    members.flatMap((member) => (member === undefined ? [] : [{ ...member.value, text: '' }])),
  );
}

/** The replacement of an array's element. */
export interface ArrayEdit {
  /** JSON literals in order: the element's own text if it stays, several with additions, none to remove it. */
  readonly literals: readonly string[];
}

/**
 * Returns an array with new elements. White space and commas stay, and new ones are as between the others. `edits` has one entry for each
 * element; for an empty array, one entry with all new elements.
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

/** Returns a field's name for a message: quoted, and cut to 64 characters. */
export function fieldName(name: string): string {
  return quote(name);
}

/** Returns the names of an object's fields for a message, at most twenty. */
export function fieldNames(members: ReadonlyMap<string, JsonMember>): string {
  const names = [...members.keys()];
  return `[${names.slice(0, 20).map(fieldName).join(', ')}${names.length > 20 ? ', …' : ''}]`;
}
