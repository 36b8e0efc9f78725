// `npm test`, `npm run demo` and the like, from a fresh clone on: plain JavaScript for the machine's own Node, which checks that Node,
// installs the modules when they are missing or others than package-lock.json says, and goes on with the project's own Node and the
// script it was given: node scripts/bootstrap.mjs scripts/<script>.ts [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const [script, ...args] = process.argv.slice(2);

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  fail(
    `cert-renewer needs Node 20 or later; this is ${process.version}.`,
    'install a later Node (https://nodejs.org/) and put it first on PATH.',
  );
}
if (!script) fail('bootstrap.mjs needs a script to run.', 'node scripts/bootstrap.mjs scripts/test.ts');
if (!isInstalled()) {
  process.stderr.write('· installing the node modules (npm ci), once; half a minute to two\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (npm.error) fail(`npm can't be run: ${npm.error.message}`, 'install npm; it comes with Node.');
  if (npm.status !== 0) fail('npm ci failed.', 'read its message above; it needs access to the npm registry.');
}
const node = join(bin, 'node');
if (!existsSync(node)) {
  fail(
    'the npm package "node" has no program in it: its install script has not run.',
    'allow install scripts (npm config get ignore-scripts) and run npm ci again.',
  );
}

// The project's own tools come first, for what the script starts too.
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
const child = spawn(node, ['--import', 'tsx', script, ...args], { cwd: root, env, stdio: 'inherit' });
process.on('SIGINT', () => {}); // from the keyboard it reaches the script as well, and its end is ours
for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
child.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
});

/** Whether node_modules holds what package-lock.json lists (packages of other systems may be absent). */
function isInstalled() {
  try {
    const wanted = packages('package-lock.json');
    const present = packages(join('node_modules', '.package-lock.json'));
    const complete = Object.entries(wanted).every(([path, { version, optional }]) =>
      present[path] ? present[path].version === version : optional,
    );
    return complete && Object.keys(present).every((path) => path in wanted);
  } catch {
    return false; // one of the two is not there
  }
}

function packages(lock) {
  const { '': _project, ...rest } = JSON.parse(readFileSync(join(root, lock), 'utf8')).packages;
  return rest;
}

function fail(problem, fix) {
  process.stderr.write(`${problem}\nFix: ${fix}\n`);
  process.exit(1);
}
