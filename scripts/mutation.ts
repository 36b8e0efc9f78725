/**
 * `npm run mutation [-- <room> …]` runs Stryker room by room and then writes the page. One run of all rooms needs more memory than
 * a Node process has. Stryker skips what has not changed since a room's last run. Each room's report is kept for the page.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportOf, rooms } from './mutation-page.ts';

const stryker = 'node_modules/@stryker-mutator/core/bin/stryker.js';
const root = fileURLToPath(new URL('..', import.meta.url));
const named = process.argv.slice(2);
const unknown = named.filter((name) => !rooms.some((room) => room === name));
if (unknown.length > 0) throw new Error(`no such room: ${unknown.join(', ')}; expected some of ${rooms.join(', ')}`);

const run = (...args: readonly string[]) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status;

for (const room of named.length > 0 ? named : rooms) {
  const files = ['--mutate', `lambdas/${room}/**/*.ts`];
  const status = run(stryker, 'run', ...files, '--incrementalFile', `.cache/mutation/${room}.incremental.json`);
  if (status !== 0) throw new Error(`Stryker ended with ${status} at the room ${room}: see above.`);
  copyFileSync(join(root, '.cache', 'mutation', 'report.json'), reportOf(room));
}
process.exitCode = run('--import', 'tsx', join('scripts', 'mutation-page.ts')) ?? 1;
