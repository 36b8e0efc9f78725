// Starts a script from a fresh clone: node scripts/bootstrap.mjs scripts/<script>.ts [arguments]
// It runs on the machine's own Node, so it is plain JavaScript. It checks the version of that Node, installs the modules if they are
// missing or differ from package-lock.json, and runs the script with the project's own Node.
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
  process.stderr.write('· installing the node modules (npm ci), once (30 s to 2 minutes)\n');
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

// The project's own tools come first on PATH, also for child processes of the script.
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
const child = spawn(node, ['--import', 'tsx', script, ...args], { cwd: root, env, stdio: 'inherit' });
process.on('SIGINT', () => {}); // Ctrl-C reaches the script too. This process ends when the script does.
for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
child.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
});

/** Tells whether node_modules has what package-lock.json lists. Packages for other systems may be absent. */
function isInstalled() {
  try {
    const wanted = packages('package-lock.json');
    const present = packages(join('node_modules', '.package-lock.json'));
    const complete = Object.entries(wanted).every(([path, { version, optional }]) =>
      present[path] ? present[path].version === version : optional,
    );
    return complete && Object.keys(present).every((path) => path in wanted);
  } catch {
    return false; // one of the two files is missing
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
