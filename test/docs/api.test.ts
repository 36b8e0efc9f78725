import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../../cdk/config/config-schema.ts';
import * as api from '../../cdk/index.ts';
import { apiPage, documented } from '../../scripts/api-page.ts';
import { optionsFile } from '../../scripts/schema/options.ts';

it('docs/api.md is what the docstrings say (npm run api)', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  expect(page).toBe(apiPage());
  expect(page).toContain('grantInvoke');
});

it('has every class that is exported', () => {
  const names = new Set(documented().map(({ name }) => name));
  expect(Object.keys(api).filter((name) => !names.has(name))).toEqual([]);
  expect(Object.keys(api).toSorted()).toEqual([
    'CertRenewer',
    'CertRenewerStack',
    'Certificate',
    'ConfigError',
    'Observable',
  ]);
});

describe('each export and each member', () => {
  const all = documented();

  it('has a docstring', () => {
    expect(all.length).toBeGreaterThan(150);
    // A member that an interface documents needs no second docstring.
    const inherited = new Set(all.filter(({ doc }) => doc !== '').map(({ path }) => path.split('.')[1]));
    const without = all.filter(({ path, doc }) => doc === '' && !inherited.has(path.split('.')[1]));
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  it('has a default where it is optional', () => {
    expect(all.filter(({ isOptional, hasDefault }) => isOptional && !hasDefault).map(({ path }) => path)).toEqual([]);
  });

  it('says what a number counts', () => {
    const unit = /milliseconds|seconds|days|bits|bytes|characters|number of|how many|percentage|process id/i;
    const numbers = all.filter(({ signature }) => /: (?:number|Duration)\b/.test(signature));
    expect(numbers.length).toBeGreaterThan(3);
    expect(numbers.filter(({ doc }) => !unit.test(doc)).map(({ path }) => path)).toEqual([]);
  });

  it('says what it throws', () => {
    const throwing = all.filter(({ throws }) => throws);
    expect(throwing.length).toBeGreaterThan(2);
    expect(throwing.filter(({ doc }) => !/Throws/.test(doc)).map(({ path }) => path)).toEqual([]);
  });
});

it('cdk/config/options.ts is made from the schema (npm run schema)', () => {
  const file = readFileSync(new URL('../../cdk/config/options.ts', import.meta.url), 'utf8');
  // Biome breaks long lines after the generator, and begins a broken union with a bar.
  const joined = (text: string) => text.replace(/\s+/g, '').replaceAll(':|', ':').replaceAll('=|', '=');
  expect(joined(file)).toBe(joined(optionsFile(jsonSchema())));
});
