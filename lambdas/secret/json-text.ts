/**
 * JSON as text: which slice of it each top-level member is, so that one value can be exchanged and every other byte
 * stays. Nothing here recurses, and member names are keys of a Map: nesting and `__proto__` do no harm.
 */

import { createScanner } from 'jsonc-parser';
import { quote } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';

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

type Token = Slice & { readonly first: string };

/** The tokens of valid JSON, white space and line ends left out. */
function* tokensOf(text: string): Generator<Token> {
  const scanner = createScanner(text, true);
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const start = scanner.getTokenOffset();
    const end = start + scanner.getTokenLength();
    if (end > start) yield { start, end, first: text.charAt(start) };
  }
}

/**
 * The members of a JSON object by name, in order. `text` is known to be valid JSON and an object.
 * Throws UnsupportedSecret for two members of one name: no two readers agree on which of them counts.
 */
export function jsonMembers(text: string): ReadonlyMap<string, JsonMember> {
  const members = new Map<string, JsonMember>();
  const tokens = tokensOf(text);
  tokens.next(); // the opening brace
  for (let token = tokens.next(); !token.done && token.value.first === '"'; token = tokens.next()) {
    const name = { start: token.value.start, end: token.value.end };
    tokens.next(); // the colon
    const { value, elements } = readValue(text, tokens);
    const decoded: string = JSON.parse(text.slice(name.start, name.end));
    if (members.has(decoded)) {
      throw new RenewalError(
        'UnsupportedSecret',
        `The JSON object has more than one member ${fieldName(decoded)}: expected each name once. Remove the others.`,
      );
    }
    members.set(decoded, { name, value, elements });
    const after = tokens.next();
    if (after.done || after.value.first !== ',') break;
  }
  return members;
}

/** One value of any depth, and its direct elements if it is an array. */
function readValue(text: string, tokens: Generator<Token>): Pick<JsonMember, 'value' | 'elements'> {
  let depth = 0;
  let start: number | undefined;
  let isArray = false;
  let elementStart: number | undefined;
  let previousEnd = 0;
  const elements: JsonElement[] = [];
  for (let token = tokens.next(); !token.done; token = tokens.next()) {
    const { first, start: at, end } = token.value;
    if (start === undefined) {
      start = at;
      isArray = first === '[';
    } else if (isArray && depth === 1) {
      if (first === ',' || first === ']') {
        if (elementStart !== undefined) elements.push(elementAt(text, elementStart, previousEnd));
        elementStart = undefined;
      } else {
        elementStart ??= at;
      }
    }
    if (first === '[' || first === '{') depth++;
    if (first === ']' || first === '}') depth--;
    previousEnd = end;
    if (depth === 0) return { value: elementAt(text, start, end), elements };
  }
  throw new RenewalError('Internal', 'A JSON value without an end passed the JSON parser.');
}

function elementAt(text: string, start: number, end: number): JsonElement {
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
