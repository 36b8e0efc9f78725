/** Tests, scripts and the benchmark use testkit/, and do not import each other. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const code = ['test', 'testkit', 'scripts', 'bench'].map((folder) => `${folder}/**/*.{ts,mjs}`);

/** Folders that a folder must not import. */
const apart: Readonly<Record<string, readonly string[]>> = {
  testkit: ['test', 'scripts', 'bench'],
  scripts: ['test', 'bench'],
  bench: ['test', 'scripts'],
  test: ['scripts'],
};

/** Exceptions: tests of a script itself, tests of pages that a script makes, and this file, which has imports in its texts. */
const ofScripts = /^test\/(?:check-aws|docs|architecture|scripts)\//;

function offences(path: string, text: string): string[] {
  const targets = [...text.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(([, to = '']) => join(dirname(path), to));
  const [folder = ''] = path.split('/');
  return targets
    .filter((target) => apart[folder]?.includes(target.split('/')[0] ?? ''))
    .filter(() => !ofScripts.test(path))
    .map((target) => `${path} imports ${target}`);
}

it('do not import each other', () => {
  const files = globSync(code, { cwd: root });
  expect(files.length).toBeGreaterThan(300);
  expect(files.flatMap((path) => offences(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});

it.each([
  ['testkit/fakes/stray.ts', "import { x } from '../../test/support/local.ts';"],
  ['scripts/stray.ts', "await import('../test/support/local.ts');"],
  ['bench/stray.ts', "import type { x } from '../scripts/demo.ts';"],
  ['test/renewal/stray.test.ts', "import { x } from '../../scripts/demo.ts';"],
])('%s that does is found', (path, text) => expect(offences(path, text)).toHaveLength(1));
