/** What npm ci would say of the packages, on the Node that runs them. .npmrc turns npm's warnings off, as they may be of another Node. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
afterEach(() => folder.remove());

it('no warning: the engines fit, nothing is deprecated, and each install script is allowed or denied', async () => {
  folder = await temporaryFolder('install');
  for (const name of ['package.json', 'package-lock.json'])
    await copyFile(join(projectRoot, name), join(folder.path, name));
  // npm is a program of Node, so it runs on the Node that is first on PATH: the project's own.
  const env = { ...process.env, PATH: `${join(projectRoot, 'node_modules', '.bin')}:${process.env['PATH']}` };
  const words = ['ci', '--dry-run', '--offline', '--engine-strict', '--loglevel=warn'];
  const { code, output } = await run('npm', words, { cwd: folder.path, env });
  expect(output.split('\n').filter((line) => /^npm /.test(line))).toEqual([]);
  expect(output).toMatch(/added \d+ packages/);
  expect(code).toBe(0);
});
