// Starts a script from a fresh clone: node scripts/bootstrap.mjs scripts/<script>.ts [arguments]
// It runs on the machine's own Node, so it is plain JavaScript. It checks the version of that Node, installs the modules if they are
// missing or differ from package-lock.json, and runs the script with the project's own Node.
import { spawn } from 'node:child_process';
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
/** The program that runs now: npm, then the script. A signal to this process reaches it. */
let running;
/** The last signal to this process. */
let told;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    told = name;
    if (name !== 'SIGINT') running?.kill(name); // Ctrl-C reaches the program too. This process ends when the program does.
  });
}
// npm starts this with a shell. SIGTERM to npm ends the shell only, so the program here ends when its parent has.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  const watch = () => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  };
  setInterval(watch, 500).unref();
}
if (!isInstalled()) await install();
const node = join(bin, 'node');
if (!existsSync(node)) {
  fail(
    'the npm package "node" has no program in it: its install script has not run.',
    'allow install scripts (npm config get ignore-scripts) and run npm ci again.',
  );
}

// The project's own tools come first on PATH, also for child processes of the script.
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
running = spawn(node, ['--import', 'tsx', script, ...args], { cwd: root, env, stdio: 'inherit' });
running.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
});

/**
 * Runs npm ci. It prints one line, the progress, and npm's output if npm fails. npm compares the engines of the packages with this
 * Node, but they run on the project's own: those warnings are left out.
 */
async function install() {
  const what = '· installing the node modules (npm ci), once';
  const wanted = Object.entries(packages('package-lock.json')).filter(([, { optional }]) => !optional);
  const started = Date.now();
  const progress = () => {
    const present = wanted.filter(([path]) => existsSync(join(root, path, 'package.json'))).length;
    return `${present} of ${wanted.length} packages, ${Math.round((Date.now() - started) / 1000)} s`;
  };
  const { isTTY } = process.stderr;
  process.stderr.write(isTTY ? what : `${what}\n`);
  const timer = setInterval(
    () => process.stderr.write(isTTY ? `\r\x1b[K${what}: ${progress()}` : `  … ${progress()}\n`),
    isTTY ? 1000 : 10_000,
  );
  const { error, code, output } = await npm(
    'ci',
    '--no-audit',
    '--no-fund',
    '--engine-strict=false',
    '--loglevel=warn',
  );
  clearInterval(timer);
  process.stderr.write(isTTY ? `\r\x1b[K${what}: ${progress()}\n` : `  … ${progress()}\n`);
  if (told) process.exit(128 + constants.signals[told]);
  if (error) fail(`npm can't be run: ${error.message}`, 'install npm; it comes with Node.');
  if (code === 0) return;
  process.stderr.write(output.replace(/^npm warn EBADENGINE.*\n/gim, ''));
  fail('npm ci failed.', 'read its message above; it needs access to the npm registry.');
}

/** Runs npm and returns what it printed. */
function npm(...words) {
  return new Promise((resolve) => {
    let output = '';
    const add = (text) => {
      output += text;
    };
    running = spawn('npm', words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [running.stdout, running.stderr]) stream.setEncoding('utf8').on('data', add);
    running.on('error', (error) => resolve({ error, output }));
    running.on('close', (code) => resolve({ code, output }));
  });
}

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
