/** SECURITY.md: each test that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const testsIn = (text: string): string[] => [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);

describe('SECURITY.md', () => {
  const page = read('SECURITY.md');
  const [, table = ''] = /## Threats\n([\s\S]*?)\n## /.exec(page) ?? [];
  const rows = table.split('\n').filter((line) => /^\| (?!who \||-)/.test(line));

  it('names a test for every threat, and each is there', () => {
    expect(rows.length).toBeGreaterThanOrEqual(12);
    for (const row of rows) {
      const tests = testsIn(row.split('|').at(-2) ?? '');
      expect(tests, row).not.toEqual([]);
      for (const path of tests) expect(existsSync(new URL(path, root)), path).toBe(true);
    }
  });

  it('links to what is there', () => {
    for (const [, path = ''] of page.matchAll(/\]\(([^)#]+)/g))
      expect(existsSync(new URL(path, root)), path).toBe(true);
    expect(read('README.md')).toContain('](SECURITY.md)');
  });
});
