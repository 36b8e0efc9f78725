import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apiPage } from '../../scripts/api-page.ts';

it('docs/api.md is what the docstrings say (npm run api)', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  expect(page).toBe(apiPage());
  expect(page).toContain('grantInvoke');
});
