/** Parses the body of a renewal: `{"type":"existing","notAfter":"2027-01-01T00:00:00.000Z"}`, without other fields. */
import type { Instant } from '../../domain/instant.ts';
import { Problem, type SchemaIssue } from './problems.ts';

export const largestBody = 16 * 1024;

/** Parses a body of any length. Throws Problem 400 if it is not JSON, 422 if it does not satisfy the schema. */
export function parseBody(bytes: Uint8Array): { readonly notAfter: Instant } {
  if (bytes.byteLength > largestBody) {
    throw new Problem(400, `The body has ${bytes.byteLength} bytes; expected at most ${largestBody}.`);
  }
  const { text, value } = parseJson(bytes);
  const fields = Array.isArray(value) || typeof value !== 'object' || value === null ? undefined : { ...value };
  if (fields === undefined) throw invalid([issue('invalid_type', [], 'Expected an object')]);
  const notAfter = 'notAfter' in fields ? parseNotAfter(fields.notAfter) : undefined;
  const issues = [...fieldIssues(fields, notAfter), ...keyIssues(fields)];
  // All keys and values are strings here, so there are four strings in the text, unless a key is duplicate.
  if (issues.length === 0 && (text.match(/"(?:[^"\\]|\\.)*"/g)?.length ?? 0) !== 4) {
    issues.push(issue('duplicate_key', [], 'Expected each field once'));
  }
  if (issues.length > 0 || notAfter === undefined) throw invalid(issues);
  return { notAfter };
}

function parseJson(bytes: Uint8Array): { readonly text: string; readonly value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); // without a byte order mark
    return { text, value: JSON.parse(text) };
  } catch {
    throw new Problem(400, 'The body is not JSON in UTF-8.');
  }
}

function fieldIssues(fields: object, notAfter: Instant | undefined): SchemaIssue[] {
  const issues: SchemaIssue[] = [];
  const type = 'type' in fields ? fields.type : undefined;
  if (type !== 'existing') {
    const code = typeof type === 'string' ? 'invalid_value' : 'invalid_type';
    issues.push(issue(code, ['type'], `${type === undefined ? 'Missing: e' : 'E'}xpected "existing": the key stays`));
  }
  if (notAfter === undefined) {
    const given = 'notAfter' in fields ? fields.notAfter : undefined;
    const code = typeof given === 'string' ? 'invalid_format' : 'invalid_type';
    const expected = 'xpected a date and time as 2027-01-01T00:00:00.000Z';
    issues.push(issue(code, ['notAfter'], `${given === undefined ? 'Missing: e' : 'E'}${expected}`));
  }
  return issues;
}

/** JSON.parse and Object.keys treat `__proto__` like any other field. */
function keyIssues(fields: object): SchemaIssue[] {
  const unknown = Object.keys(fields).filter((key) => key !== 'type' && key !== 'notAfter');
  if (unknown.length === 0) return [];
  const named = unknown.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
  return [issue('unrecognized_keys', [], `Unknown fields: ${named.join(', ')}${unknown.length > 5 ? ' …' : ''}`)];
}

/** Parses ISO 8601 with milliseconds and Z. The date must exist; the result is in whole seconds, as in a certificate. */
function parseNotAfter(value: unknown): Instant | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return undefined;
  const instant = Date.parse(value);
  if (Number.isNaN(instant) || new Date(instant).toISOString() !== value) return undefined;
  return Math.floor(instant / 1000) * 1000;
}

const issue = (code: SchemaIssue['code'], path: readonly string[], message: string): SchemaIssue => ({
  code,
  path,
  message: `${message}.`,
});

const invalid = (issues: readonly SchemaIssue[]): Problem =>
  new Problem(422, 'The body does not satisfy the schema.', { issues });
