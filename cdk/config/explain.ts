/** Turns zod's issues into problems with a path and what is allowed there. */
import type * as z from 'zod/mini';
import { count } from '../../lambdas/domain/count.ts';
import { suggestion } from '../../lambdas/domain/nearest.ts';
import { explainIssues, formatPath } from '../../lambdas/policy/vocabulary.ts';
import type { Problem } from './config-error.ts';
import { jsonSchema } from './config-schema.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Returns a JSON path, such as `$.profiles.internal.ca`. */
export function configPath(...path: Path): string {
  return formatPath('$', path);
}

/** Returns the part of a value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    const holder = typeof at === 'object' && at !== null ? at : {};
    return Object.hasOwn(holder, part) ? Reflect.get(holder, part) : undefined;
  }, value);
}

/** Returns the problems of an issue: one for each unknown key, otherwise one. `input` is the validated value. */
export function explain(issue: Issue, input: unknown): readonly Problem[] {
  const path = configPath(...issue.path);
  const node = schemaAt(issue.path, input);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = Object.keys(schemaNode(node?.['properties']) ?? {});
      return issue.keys.map((key) => ({
        path: configPath(...issue.path, key),
        message: `unknown key${suggestion(key, allowed)}; allowed here: ${allowed.join(', ')}`,
      }));
    }
    case 'invalid_union':
      return [{ path, message: `expected one of ${discriminators(issue)}` }];
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? 'not allowed as a name' }];
    case 'too_small':
    case 'too_big':
      return [{ path, message: range(node) ?? tail(issue) }];
    case 'invalid_type':
      return [
        { path, message: tail(valueAt(input, issue.path) === undefined ? { ...issue, input: undefined } : issue) },
      ];
    default:
      return [{ path, message: tail(issue) }];
  }
}

/** Returns the text of policy/vocabulary.ts for an issue, without its path. */
function tail(issue: Issue): string {
  return explainIssues([{ ...issue, path: [] }], '').replace(/^: /, '');
}

function discriminators(issue: Issue): string {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
  return options.map((option) => JSON.stringify(option)).join(', ');
}

type Node = { readonly [key: string]: unknown };

function schemaNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : undefined;
}

/** Returns the JSON Schema at a path. Of several alternatives it is the one with the input's `type`. */
function schemaAt(path: Path, input: unknown): Node | undefined {
  let node = schemaNode(jsonSchema());
  for (const [depth, part] of path.entries()) {
    node = alternative(node, valueAt(input, path.slice(0, depth)));
    const properties = schemaNode(node?.['properties']);
    const next =
      typeof part === 'number' ? node?.['items'] : (properties?.[String(part)] ?? node?.['additionalProperties']);
    node = schemaNode(next);
  }
  return alternative(node, valueAt(input, path));
}

function alternative(node: Node | undefined, value: unknown): Node | undefined {
  const options = node?.['oneOf'] ?? node?.['anyOf'];
  if (!Array.isArray(options)) return node;
  const type = valueAt(value, ['type']);
  return options.map(schemaNode).find((option) => valueAt(option, ['properties', 'type', 'const']) === type);
}

function range(node: Node | undefined): string | undefined {
  const { minimum, maximum, minLength, minItems, maxItems } = node ?? {};
  if (minimum !== undefined && maximum !== undefined) return `expected a whole number from ${minimum} to ${maximum}`;
  if (minItems !== undefined && maxItems !== undefined) return `expected ${minItems} to ${maxItems} entries`;
  if (minItems !== undefined) return `expected at least ${count(Number(minItems), 'entry', 'entries')}`;
  return minLength === undefined ? undefined : 'found an empty text; expected at least one character';
}
