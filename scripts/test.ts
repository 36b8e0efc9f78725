/**
 * `npm test [-- <part>] [filters]`: type check, lint, and the tests of every project, one after another.
 * Parts: types, lint, audit (on a build server), unit, local, e2e, calls (after a whole e2e only). Without one all run; filters are parts of test files' paths, and alone leave out types and lint.
 * The last line of its output is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { audit } from './local/audit.ts';
import { projectRoot } from './local/cache.ts';
import { temporaryFolder } from './local/temporary.ts';

interface Result {
  passed: number;
  failed: number;
  /** Suites whose tool is missing, with what to do. */
  leftOut: string[];
  failures: string[];
}

const PROJECTS = ['unit', 'local', 'e2e', 'calls'];
const PARTS = ['types', 'lint', 'audit', ...PROJECTS];

const given = process.argv.slice(2);
const chosen = given.filter((argument) => PARTS.includes(argument));
const filters = given.filter((argument) => !PARTS.includes(argument));
const all = PARTS.filter((part) => part !== 'audit' || process.env['CI']);
const parts = chosen.length > 0 ? chosen : filters.length > 0 ? PROJECTS : all;

let interrupted = false;
const { path: folder, remove } = await temporaryFolder('test');
// `calls` looks at the calls of AWS that a whole e2e run made: without one it is left out.
const whole = ['e2e', 'calls'].every((part) => parts.includes(part)) && filters.length === 0;
if (whole) process.env['CALLS_FOLDER'] = folder;
const total: Result = { passed: 0, failed: 0, leftOut: [], failures: [] };
try {
  for (const part of parts) {
    if (interrupted) break;
    if (part === 'calls' && !whole) continue;
    if (part === 'calls' && total.leftOut.length > 0) {
      total.leftOut.push('calls › all of it: of a run that is not whole it would say that permissions are not needed');
      continue;
    }
    const started = performance.now();
    process.stdout.write(`\n▶ ${part}\n`);
    const result = await runPart(part);
    total.passed += result.passed;
    total.failed += result.failed;
    total.leftOut.push(...result.leftOut);
    total.failures.push(...result.failures);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`◀ ${part}: ${result.passed} of ${result.passed + result.failed} in ${seconds} s\n`);
  }
} finally {
  await remove();
}
report();
process.exitCode = total.failed === 0 && total.passed > 0 && !interrupted ? 0 : 1;

function runPart(part: string): Promise<Result> {
  if (part === 'types') return check('type check', 'typescript/bin/tsc', ['--noEmit', '-p', '.']);
  if (part === 'lint') return check('lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']);
  if (part === 'audit') return vulnerabilities();
  return vitest(part);
}

/** Where the registry answers no audits, that is said, and is neither a test passed nor one failed. */
async function vulnerabilities(): Promise<Result> {
  const { verdict, text } = await audit();
  process.stdout.write(`${text}\n`);
  const failures = verdict === 'vulnerable' ? ['npm audit'] : [];
  return { passed: verdict === 'clean' ? 1 : 0, failed: failures.length, leftOut: [], failures };
}

/** A program that either finds nothing wrong or fails: one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Result> {
  const code = await node(program, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, leftOut: [], failures: code === 0 ? [] : [name] };
}

/** The part of vitest's JSON report that is read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
      readonly title: string;
    }[];
  }[];
}

async function vitest(project: string): Promise<Result> {
  const reportFile = join(folder, `${project}.json`);
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...filters,
  ];
  const code = await node('vitest/vitest.mjs', args);
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  // No report: the set-up failed, or (with code 0) there was nothing to run.
  if (text === undefined)
    return {
      passed: 0,
      failed: code === 0 ? 0 : 1,
      leftOut: [],
      failures: code === 0 ? [] : [`${project}: no test could run`],
    };
  const { numPassedTests, numFailedTests, testResults }: VitestReport = JSON.parse(text);
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({
      ...test,
      title: [name.replace(`${projectRoot}/`, ''), ...test.ancestorTitles, test.title].join(' › '),
    })),
  );
  const failures = tests.filter(({ status }) => status === 'failed').map(({ title }) => title);
  // A file that can't be loaded has no test that failed, and an error outside of any test has none either.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  failures.push(...broken.map(({ name }) => `${name.replace(`${projectRoot}/`, '')} (the file itself)`));
  const unseen = code !== 0 && numFailedTests + broken.length === 0 ? 1 : 0;
  if (unseen) failures.push(`${project}: an error outside of the tests (see above)`);
  const leftOut = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ title }) => title);
  return { passed: numPassedTests, failed: numFailedTests + broken.length + unseen, leftOut, failures };
}

/** Run a program of node_modules to its end, on this Node, its output going where ours goes. */
function node(program: string, args: readonly string[]): Promise<number> {
  const path = join(projectRoot, 'node_modules', program);
  const child = spawn(process.execPath, [path, ...args], { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'] });
  const pass = (): void => {
    child.kill('SIGTERM');
    interrupted = true;
  };
  const wait = (): void => {
    interrupted = true; // from the keyboard it reaches the child as well
  };
  process.once('SIGTERM', pass).on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('SIGTERM', pass).off('SIGINT', wait);
      resolve(code ?? 1);
    });
  });
}

function report(): void {
  const line = (text = ''): void => void process.stdout.write(`${text}\n`);
  line();
  if (total.failures.length > 0) {
    line('FAILED:');
    for (const failure of total.failures) line(`  ✗ ${failure}`);
    line();
  }
  if (total.leftOut.length > 0) {
    line(`!!! LEFT OUT, for want of a tool (with CI=true they would have failed): ${total.leftOut.length}`);
    for (const test of total.leftOut) line(`  ! ${test}`);
    line();
  }
  line(`${total.passed} passed, ${total.failed} failed`);
}
