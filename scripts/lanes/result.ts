/** What came of a part of `npm test`, and how a whole run is summed up. */
export interface Result {
  passed: number;
  failed: number;
  /** Suites whose tool is missing, with what to do. */
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

/** The end of the output; its last line is `N passed, N failed`. */
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
