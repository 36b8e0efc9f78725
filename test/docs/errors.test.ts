/** docs/errors.md has every code, and no other. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dueCodes, skipCodes, warningCodes } from '../../lambdas/domain/decision.ts';
import { errorCodes } from '../../lambdas/domain/errors.ts';
import { rowsOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const sorted = (names: Iterable<string>): string[] => [...names].sort();

describe('docs/errors.md', () => {
  it('has every error, with its meaning and what to do, and marks the retryable ones', () => {
    const rows = rowsOf(page, 'Errors');
    expect(sorted(rows.map(({ name }) => name))).toEqual(sorted(Object.keys(errorCodes)));
    for (const { name, cells } of rows) {
      const [first = '', meaning = '', todo = ''] = cells;
      expect({ name, retryable: first.includes('↻') }).toEqual({ name, retryable: Object(errorCodes)[name].retryable });
      expect(meaning.length, name).toBeGreaterThan(15);
      expect(todo.length, name).toBeGreaterThanOrEqual('nothing'.length);
    }
  });

  it.each([
    ['Reasons to act', dueCodes],
    ['Reasons to leave it alone', skipCodes],
    ['Warnings', warningCodes],
  ])('%s: has every code', (heading, codes) => {
    expect(sorted(rowsOf(page, heading).map(({ name }) => name))).toEqual(sorted(codes));
  });
});
