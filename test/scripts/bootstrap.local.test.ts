/** scripts/bootstrap.mjs in a clone without modules, with an npm of the test's own. It must say little, and end what it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../testkit/local-aws/client.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';

const lock = { packages: { '': {}, 'node_modules/node': { version: '24.0.0' } } };
const noise = ['npm warn EBADENGINE Unsupported engine {', 'npm warn deprecated glob@7: old', 'added 2 packages'];
/** An npm that warns, and then installs what the bootstrap looks for: the list of modules, the project's own Node, and tsx. */
const installs = `${noise.map((line) => `echo '${line}' >&2`).join('\n')}
mkdir -p node_modules/.bin node_modules/node
echo '{}' > node_modules/node/package.json
cp package-lock.json node_modules/.package-lock.json
ln -s "${process.execPath}" node_modules/.bin/node
ln -s "${join(projectRoot, 'node_modules', 'tsx')}" node_modules/tsx`;

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder('bootstrap');
  for (const name of ['scripts', 'bin']) await mkdir(join(folder.path, name));
  await copyFile(join(projectRoot, 'scripts', 'bootstrap.mjs'), join(folder.path, 'scripts', 'bootstrap.mjs'));
  await symlink(process.execPath, join(folder.path, 'bin', 'node'));
  await writeFile(join(folder.path, 'package.json'), '{}');
  await writeFile(join(folder.path, 'package-lock.json'), JSON.stringify(lock));
  await writeFile(
    join(folder.path, 'scripts', 'hello.ts'),
    `process.stdout.write('hello ' + process.argv[2] + '\\n');`,
  );
});
afterEach(() => folder.remove());

/** Starts the bootstrap with this npm, in a process group of its own. */
async function start(npm: string, { shell = false, script = 'scripts/hello.ts' } = {}) {
  await writeFile(join(folder.path, 'bin', 'npm'), `#!/bin/sh\n${npm}\n`);
  await chmod(join(folder.path, 'bin', 'npm'), 0o755);
  const words = ['node', 'scripts/bootstrap.mjs', script, 'world'];
  const [command = '', ...args] = shell ? ['sh', '-c', `${words.join(' ')}; :`] : words;
  const env = { PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin`, ...(shell && { npm_lifecycle_event: 'demo' }) };
  const child = spawn(command, args, { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
    });
  return { child, printed };
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close');
  return code;
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Returns the process id that a program of the test has written. */
const pidIn = (name: string): Promise<number> =>
  waitFor(
    `the file ${name}`,
    async () => Number(await readFile(join(folder.path, name), 'utf8').catch(() => '')) || undefined,
  );

it('installs in one line, without npm’s warnings, and runs the script', async () => {
  const { child, printed } = await start(installs);
  expect(await endOf(child)).toBe(0);
  expect(printed.stdout).toBe('hello world\n');
  expect(printed.stderr).toMatch(/^· installing the node modules \(npm ci\), once\n {2}… 1 of 1 packages, \d+ s\n$/);
});

it('says nothing if the modules are there', async () => {
  await endOf((await start(installs)).child);
  const { child, printed } = await start('echo called >&2; exit 1');
  expect(await endOf(child)).toBe(0);
  expect(printed).toEqual({ stdout: 'hello world\n', stderr: '' });
});

it('prints all that npm has said if it fails, but for the engines', async () => {
  const { child, printed } = await start(`${installs}\necho one\necho 'npm error code E404' >&2\nexit 7`);
  expect(await endOf(child)).toBe(1);
  for (const line of ['npm warn deprecated glob@7: old', 'one', 'npm error code E404', 'npm ci failed.', 'Fix: '])
    expect(printed.stderr).toContain(line);
  expect(printed.stderr).not.toContain('EBADENGINE');
});

it('says so if the install script of the package node has not run', async () => {
  const { child, printed } = await start('exit 0');
  expect(await endOf(child)).toBe(1);
  expect(printed.stderr).toContain('its install script has not run');
});

it.each(['SIGTERM', 'SIGHUP'] as const)('%s ends the npm that runs', async (signal) => {
  const { child } = await start('echo $$ > npm.pid\nexec sleep 60');
  const npm = await pidIn('npm.pid');
  child.kill(signal);
  expect(await endOf(child)).toBe(signal === 'SIGTERM' ? 143 : 129);
  expect(isRunning(npm)).toBe(false);
});

it('ends the script if the shell of npm run ends, as SIGTERM to npm does to it', async () => {
  await writeFile(
    join(folder.path, 'scripts', 'waits.ts'),
    `import { writeFileSync } from 'node:fs';
     setTimeout(() => {}, 60_000);
     process.on('SIGTERM', () => { writeFileSync('told', 'SIGTERM'); process.exit(); });
     writeFileSync('script.pid', String(process.pid));`,
  );
  const { child } = await start(installs, { shell: true, script: 'scripts/waits.ts' });
  const script = await pidIn('script.pid');
  child.kill('SIGTERM'); // the shell alone
  await waitFor('the end of the script', async () => !isRunning(script));
  expect(await readFile(join(folder.path, 'told'), 'utf8')).toBe('SIGTERM');
});
