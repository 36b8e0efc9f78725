/** SECURITY.md: each test that it names is there; README.md: alarms, outputs and tags are the stack's. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { redriveTag, tags } from '../../lambdas/domain/tags.ts';
import { synthesize } from '../cdk/fixtures.ts';

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

describe('README.md', () => {
  const page = read('README.md');

  it('names tests that there are', () => {
    const tests = testsIn(page);
    expect(tests.length).toBeGreaterThan(5);
    for (const path of tests) expect(existsSync(new URL(path, root)), path).toBe(true);
  });

  it('names outputs that the stack has', () => {
    const create = { subject: 'CN=An Authority', key: 'EC P-256', validity: '87600h' };
    const { template } = synthesize({ authorities: { root: { create }, issuing: { create, parent: 'root' } } });
    const outputs = Object.keys(template.findOutputs('*'));
    const [, line = ''] = /The stack's outputs: ([^.]+)\./.exec(page) ?? [];
    const named = [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThanOrEqual(5);
    for (const name of named) expect(outputs).toContain(name);
  });

  it('names tags that there are', () => {
    const known = new Set<string>([...Object.values(tags), redriveTag]);
    for (const [tag] of page.matchAll(/cert-renewer:[a-z-]+/g)) expect(known).toContain(tag);
  });
});
