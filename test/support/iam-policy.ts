/**
 * Evaluates identity policies as IAM does, as far as the stack's templates need it. It throws for any element that it does not
 * know. By https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
 * reference_policies_condition-logic-multiple-context-keys-or-values.html.
 */

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | boolean | readonly string[]>>>>;
}

/** A question to IAM. */
export interface Call {
  readonly action: string;
  readonly resource: string;
  /** The request's context, with names in lower case. A missing name is not in the context. */
  readonly keys: Readonly<Record<string, string | boolean | readonly string[]>>;
}

export type Decision = 'Allow' | 'Deny' | 'ImplicitDeny';

/** A Deny wins. Without a matching Allow, the result is an implicit deny. */
export function decide(call: Call, statements: readonly Statement[]): Decision {
  const fitting = statements.filter((statement) => fits(call, statement));
  if (fitting.some(({ Effect }) => Effect === 'Deny')) return 'Deny';
  return fitting.length > 0 ? 'Allow' : 'ImplicitDeny';
}

/** @throws Error for an element or operator that is not known here. */
export function fits(call: Call, statement: Statement): boolean {
  const { Sid: _, Effect: __, Action, Resource, Condition = {}, ...others } = statement;
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new Error(`an IAM statement with ${unknown.join()}, which this evaluation lacks`);
  return (
    list(Action).some((pattern) => like(call.action.toLowerCase(), pattern.toLowerCase())) &&
    list(Resource).some((pattern) => like(call.resource, pattern)) &&
    Object.entries(Condition).every(([operator, wanted]) =>
      Object.entries(wanted).every(([key, values]) => holds(operator, call.keys[key.toLowerCase()], list(values))),
    )
  );
}

type Present = string | boolean | readonly string[];

/** Evaluates one operator on one key. */
function holds(operator: string, found: Present | undefined, wanted: readonly string[]): boolean {
  if (operator === 'Null') return (found === undefined) === (wanted[0] === 'true');
  if (operator.startsWith('ForAllValues:')) {
    // True for an empty set, so the policies have a Null condition beside it.
    return list(found ?? []).every((value) => compare(operator.slice('ForAllValues:'.length), value, wanted));
  }
  const ifExists = operator.endsWith('IfExists');
  const plain = ifExists ? operator.slice(0, -'IfExists'.length) : operator;
  if (found === undefined) return ifExists || negated.has(plain);
  // AWS does not specify a single-valued operator on several values, so no policy here may use one.
  const [value, ...more] = list(found);
  if (value === undefined || more.length > 0) throw new Error(`${operator} on several values`);
  return compare(plain, value, wanted);
}

const negated = new Set(['ArnNotLike', 'StringNotEquals']);

/** Policy values are alternatives. For a negated operator, none of them may match. */
function compare(operator: string, value: string, wanted: readonly string[]): boolean {
  switch (operator) {
    case 'StringEquals':
      return wanted.includes(value);
    case 'StringNotEquals':
      return !wanted.includes(value);
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return wanted.some((pattern) => like(value, pattern));
    case 'ArnNotLike':
      return !wanted.some((pattern) => like(value, pattern));
    case 'Bool':
      return wanted.includes(value.toLowerCase());
    default:
      throw new Error(`an IAM condition with ${operator}, which this evaluation lacks`);
  }
}

function like(text: string, pattern: string): boolean {
  if (pattern.includes('${')) throw new Error(`a policy variable in ${pattern}, which this evaluation lacks`);
  const source = pattern
    .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text); // s: a name may contain line ends
}

export function list(given: string | boolean | readonly string[]): readonly string[] {
  return typeof given === 'object' ? given.map(String) : [String(given)];
}
