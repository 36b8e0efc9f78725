/** JSON as people write it by hand: what is wrong, with line and column. */
import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';
import type { Problem } from './config-error.ts';

/**
 * The value of a JSON text, or what is wrong with the text. A key that stands twice is wrong too: JSON.parse would keep
 * the last one and say nothing.
 */
export function parseJsonText(text: string): { value: unknown } | { problems: readonly Problem[] } {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const problems = findProblems(json);
  if (problems.length > 0) return { problems };
  try {
    return { value: JSON.parse(json) };
  } catch {
    return { problems: [{ path: 'line 1, column 1', message: 'this is not JSON' }] };
  }
}

function findProblems(json: string): readonly Problem[] {
  const problems: Problem[] = [];
  const open: Set<string>[] = [];
  const at = (line: number, column: number) => `line ${line + 1}, column ${column + 1}`;
  const onObjectProperty = (key: string, _offset: number, _length: number, line: number, column: number) => {
    const keys = open.at(-1);
    if (keys?.has(key))
      problems.push({ path: at(line, column), message: `the key ${JSON.stringify(key)} stands twice` });
    if (key === '__proto__') problems.push({ path: at(line, column), message: 'the key "__proto__" is not allowed' });
    keys?.add(key);
  };
  const onError = (code: ParseErrorCode, _offset: number, _length: number, line: number, column: number) => {
    problems.push({ path: at(line, column), message: `this is not JSON (${printParseErrorCode(code)})` });
  };
  const onObjectBegin = () => {
    open.push(new Set());
  };
  const onObjectEnd = () => {
    open.pop();
  };
  try {
    visit(json, { onObjectBegin, onObjectEnd, onObjectProperty, onError }, { disallowComments: true });
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return [{ path: '$', message: 'it is nested too deeply' }];
  }
  return problems.slice(0, 10);
}
