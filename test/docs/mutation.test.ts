import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  merged,
  page,
  type Report,
  roomOf,
  type Survivor,
  scoreOf,
  shown,
  stale,
} from '../../scripts/mutation-page.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'test', 'mutation');
const reasons = readdirSync(folder).flatMap((name): (readonly [string, Survivor])[] => {
  const found: Record<string, Survivor[]> = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  return Object.entries(found).flatMap(([file, survivors]) => survivors.map((each) => [file, each] as const));
});

describe('the reasons of survivors', () => {
  it('are of code that is there', () => {
    const texts = new Map<string, string>();
    const textOf = (file: string) => {
      const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8').replace(/\s+/g, ' ');
      texts.set(file, text);
      return text;
    };
    const gone = reasons.filter(([file, { code }]) => !textOf(file).includes(code.replace(/…$/, '')));
    expect(gone).toEqual([]);
  });

  it('say something, once', () => {
    expect(reasons.filter(([, { reason }]) => reason.length < 15)).toEqual([]);
    const keys = reasons.map(([file, { code, mutant }]) => JSON.stringify([file, code, mutant]));
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });
});

describe('the page', () => {
  const source = 'const a = 1;\nif (a > 0 ||\n  b) run(`x`);\n';
  const at = (line: number, column: number, toLine: number, toColumn: number) => ({
    start: { line, column },
    end: { line: toLine, column: toColumn },
  });
  const mutant = (
    status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored',
    location = at(1, 11, 1, 12),
  ) => ({
    mutatorName: 'm',
    replacement: 'true',
    status,
    location,
  });
  const file = 'lambdas/policy/a.ts';
  const report = {
    files: {
      [file]: {
        source,
        mutants: [
          ...[mutant('Killed'), mutant('Timeout'), mutant('Ignored')],
          ...[mutant('Survived', at(2, 5, 3, 4)), mutant('NoCoverage', at(3, 10, 3, 13))],
        ],
      },
      'lambdas/x509/b.ts': { source, mutants: [mutant('Survived')] },
    },
  };
  const room = roomOf('policy', report, { [file]: [{ code: 'a > 0 || b', mutant: 'true', reason: 'b | a is known' }] });

  it('counts what is seen and what not, of the room', () => {
    expect(room).toMatchObject({ killed: 2, survived: 2, ignored: 1 });
    expect(scoreOf(room)).toBe(50);
  });

  it('finds the reason of a survivor by its code, which may stand on several lines', () => {
    expect(room.files[0]?.survivors).toEqual([
      { code: 'a > 0 || b', mutant: 'true', reason: 'b | a is known' },
      { code: '`x`', mutant: 'true', reason: '' },
    ]);
    const text = page([room]);
    expect(text).toContain('| `a > 0 \\|\\| b` | `true` | b \\| a is known |');
    expect(text).toContain('| `` `x` `` | `true` |  |');
    expect(text).toContain('| `lambdas/policy` | 2 | 2 | 50.0 % | 1 |');
  });

  it('is of the last run of each file, where several are put together', () => {
    const later: Report = { files: { [file]: { source: 'new', mutants: [mutant('Killed')] } } };
    const both = merged([report, later]);
    expect(roomOf('policy', both, {})).toMatchObject({ killed: 1, survived: 0 });
    expect(roomOf('x509', both, {})).toMatchObject({ killed: 0, survived: 1 });
  });

  it('says which files have changed since their run, or are gone', () => {
    expect(stale(report, () => source)).toEqual([]);
    expect(stale(report, (path) => (path === file ? `${source}\n` : undefined))).toEqual([file, 'lambdas/x509/b.ts']);
  });

  it('cuts what is long', () => {
    expect(shown(`a\n   ${'b'.repeat(200)}`)).toBe(`a ${'b'.repeat(98)}…`);
  });
});
