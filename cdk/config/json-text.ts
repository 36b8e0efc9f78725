/** Parses JSON that people write by hand. Reports mistakes with line and column. */
import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';
import type { Problem } from './config-error.ts';

/** Parses a JSON text. A duplicate key is a problem too, which JSON.parse would not report. */
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
      problems.push({
        path: at(line, column),
        message: `found the key ${JSON.stringify(key)} twice; expected it once`,
      });
    if (key === '__proto__') problems.push({ path: at(line, column), message: 'the key "__proto__" is not allowed' });
    keys?.add(key);
  };
  const onError = (code: ParseErrorCode, _offset: number, _length: number, line: number, column: number) => {
    // One mistake often breaks two rules of the grammar in the same place.
    if (problems.at(-1)?.path === at(line, column)) return;
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
    return [{ path: '$', message: 'the JSON is nested too deeply' }];
  }
  return problems.slice(0, 10);
}
