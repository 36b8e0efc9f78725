/** A signal to `npm run demo -- --keep`: the demo ends, and nothing that it started is left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { waitFor } from '../../testkit/local-aws/client.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';

let folder: TemporaryFolder;
afterEach(() => folder.remove());

it.each([
  ['SIGTERM', 143, /AWS answers/],
  ['SIGHUP', 129, /AWS answers/],
  ['SIGINT', 130, /deploying/],
] as const)('%s', { timeout: 120_000 }, async (signal, exit, at) => {
  folder = await temporaryFolder('kept');
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', '--keep'], {
    cwd: projectRoot,
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const end = once(child, 'close');
  await waitFor(`${at} of the demo`, async () => at.test(printed));
  const [endpoint = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? [];
  expect((await fetch(`${endpoint}/_ministack/health`)).ok).toBe(true);
  const folders = async () => (await readdir(folder.path)).filter((name) => name.startsWith('cert-renewer-'));
  expect(await folders()).not.toEqual([]);

  child.kill(signal);
  const [code] = await end;
  expect(code).toBe(exit);
  await expect(fetch(`${endpoint}/_ministack/health`)).rejects.toThrow('fetch failed');
  expect(await folders()).toEqual([]);
  expect(printed).not.toContain('The demo failed');
});
