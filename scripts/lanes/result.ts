/** The result of a part of `npm test`, and the report of a whole run. */
export interface Result {
  passed: number;
  failed: number;
  /** Suites that were skipped because a tool is missing, each with what to install. */
  leftOut: string[];
  failures: string[];
}

export const empty = (): Result => ({ passed: 0, failed: 0, leftOut: [], failures: [] });

export function add(total: Result, { passed, failed, leftOut, failures }: Result): void {
  total.passed += passed;
  total.failed += failed;
  total.leftOut.push(...leftOut);
  total.failures.push(...failures);
}

/** Returns the end of the output. Its last line is `N passed, N failed`. */
export function report({ passed, failed, leftOut, failures }: Result): string {
  const lines = [''];
  if (failures.length > 0) lines.push('FAILED:', ...failures.map((failure) => `  ✗ ${failure}`), '');
  if (leftOut.length > 0) {
    lines.push(`!!! LEFT OUT, for want of a tool (with CI=true they would have failed): ${leftOut.length}`);
    lines.push(...leftOut.map((test) => `  ! ${test}`), '');
  }
  lines.push(`${passed} passed, ${failed} failed`);
  return lines.join('\n');
}
