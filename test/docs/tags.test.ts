/** docs/tags.md has every tag, and no other. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noRoomLabel, redriveTag, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { readTagSettings } from '../../lambdas/policy/settings.ts';
import { rowsOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/tags.md', import.meta.url), 'utf8');
const namesOf = (heading: string): string[] => rowsOf(page, heading).map(({ name }) => name);

describe('docs/tags.md', () => {
  it.each([
    ['Tags that cert-renewer writes', statusTags],
    ['Tags that the deployment writes', [tags.declared]],
    ['A tag of IAM principals', [redriveTag]],
  ])('%s: has every one', (heading, expected) => {
    expect(namesOf(heading).sort()).toEqual([...expected].sort());
  });

  it('has all others among those that a user writes', () => {
    const others: readonly string[] = [...statusTags, tags.declared];
    const ofUsers = Object.values(tags).filter((tag) => !others.includes(tag));
    expect(namesOf('Tags that you write').sort()).toEqual(ofUsers.sort());
  });

  it('names no tag and no label that is not there', () => {
    const known: ReadonlySet<string> = new Set([...Object.values(tags), redriveTag]);
    for (const [tag] of page.matchAll(/cert-renewer:[a-z-]+/g)) expect(known).toContain(tag);
    expect(page).toContain(`\`${noRoomLabel}\``);
  });

  it('gives values that are read', () => {
    const values = { [tags.mode]: 'rekey', [tags.expiresIn]: '33pct', [tags.kty]: 'EC', [tags.curve]: 'P-384' };
    for (const [tag, value] of Object.entries(values)) {
      const [, cell = ''] = rowsOf(page, 'Tags that you write').find(({ name }) => name === tag)?.cells ?? [];
      expect(cell).toContain(`\`${value}\``);
    }
    expect(() => readTagSettings(new Map(Object.entries(values)))).not.toThrow();
    expect(() => readTagSettings(new Map([[tags.expiresIn, '33%']]))).not.toThrow(); // AWS refuses it, and not the reader
  });
});
