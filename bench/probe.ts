/**
 * `npm run bench:probe [-- --endpoints 500,2000]` measures one run of the probe: real TLS servers in another process, a tenth of them dead.
 * Prints a table. docs/performance.md has no figures of it, because the time is that of the dead servers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { projectRoot } from '../testkit/tools/cache.ts';
import { run } from '../testkit/tools/process.ts';
import type { ProbeRun } from './parts/probe-run.ts';
import { short, table } from './table.ts';

const { values } = parseArgs({ options: { endpoints: { type: 'string', default: '500,2000' } } });
const counts = values.endpoints.split(',').map(Number);
if (!counts.every((count) => Number.isInteger(count) && count > 0)) throw new Error('expected --endpoints 500,2000');

const part = (file: string): string => join(projectRoot, 'bench', 'parts', file);
const servers = spawn(process.execPath, ['--import', 'tsx', part('probed-servers.ts')], {
  cwd: projectRoot,
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const [described] = await once(createInterface(servers.stdout), 'line');
  const lines: string[][] = [];
  for (const count of counts) {
    const args = ['--expose-gc', '--import', 'tsx', part('probe-run.ts'), String(count), String(described)];
    const { code, stdout, output } = await run(process.execPath, args, { cwd: projectRoot });
    if (code !== 0) throw new Error(output);
    lines.push(row(JSON.parse(stdout)));
  }
  const head = ['endpoints', 'served', 'not', 'seconds', 'CPU s', 'heap MB', 'external MB', 'process MB'];
  process.stdout.write(`${table(head, lines)}\n`);
} finally {
  servers.kill();
}

function row({ result, wall, cpu, heap, external, rss }: ProbeRun): string[] {
  const { listed, served, pending } = result;
  return [listed, served, pending, wall / 1000, cpu / 1000, heap / 1e6, external / 1e6, rss / 1e6].map(short);
}
