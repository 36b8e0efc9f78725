/** docs/concepts.md has the table of states, in the order and with the words of the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isProblem, states } from '../../lambdas/inventory/states.ts';
import { rowsOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/concepts.md', import.meta.url), 'utf8');

describe('docs/concepts.md', () => {
  it('has every state with its meaning, the most urgent first, and marks the problems', () => {
    const rows = rowsOf(page, 'States').map(({ name, cells }) => ({
      name,
      means: cells[1] ?? '',
      problem: cells[2] === 'yes',
    }));
    const table = Object.entries(states).map(([name, { means }]) => ({ name, means }));
    expect(rows.map(({ name }) => name)).toEqual(table.map(({ name }) => name));
    for (const { name, means } of table) {
      const row = rows.find((each) => each.name === name);
      expect(row?.means.startsWith(means), name).toBe(true);
      expect(row?.problem, name).toBe(isProblem(name as keyof typeof states));
    }
  });
});
