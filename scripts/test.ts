/**
 * `npm test [-- <part>] [filters]` runs the type check, the linter, and the tests of every project, in lanes that run side by side.
 * The parts are types, lint, audit (with CI set), cdk, unit, local, e2e, and calls (only after a whole e2e). Without a part all run.
 * A filter is a part of a test file's path. With filters and no part, types, lint and audit do not run.
 * One part alone prints its program's own output. Several parts print one line for each file, and the output of a failed part when
 * it ends. The last line is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os';
import { audit } from '../testkit/tools/audit.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { programs } from './lanes/programs.ts';
import { add, empty, type Result, report } from './lanes/result.ts';
import { vitest } from './lanes/vitest.ts';

/** Parts that mostly wait run beside parts that compute. The parts of a lane run one after another. Lanes share no port, folder or name. */
const LANES = [['e2e', 'calls'], ['types', 'lint', 'audit', 'cdk', 'unit'], ['local']] as const;
/** The parts that vitest runs, with their projects in vitest.config.ts. */
const PROJECTS: Readonly<Record<string, readonly string[]>> = {
  cdk: ['cdk'],
  unit: ['unit', 'isolated'],
  local: ['judges', 'local'],
  e2e: ['e2e'],
  calls: ['calls'],
};
const parts: readonly string[] = LANES.flat();

const given = process.argv.slice(2);
const chosen = given.filter((argument) => parts.includes(argument));
const filters = given.filter((argument) => !parts.includes(argument));
const all = parts.filter((part) => part !== 'audit' || process.env['CI']);
const wanted = chosen.length > 0 ? chosen : filters.length > 0 ? Object.keys(PROJECTS) : all;
// `calls` judges the AWS calls of a whole e2e run. It needs one.
const whole = ['e2e', 'calls'].every((part) => wanted.includes(part)) && filters.length === 0;

const total = empty();
const started = performance.now();
const { path: folder, remove } = await temporaryFolder('test');
const run = programs(wanted.length === 1 ? 'its own' : 'lines');
const say = (text: string): void => void process.stdout.write(`${text}\n`);
try {
  await Promise.all(LANES.map((lane) => runLane(lane.filter((part) => wanted.includes(part)))));
} finally {
  await remove();
}
if (wanted.length > 1) {
  say(`\n${((performance.now() - started) / 1000).toFixed(0)} s on ${availableParallelism()} cores`);
}
say(report(total));
process.exitCode = total.failed === 0 && total.passed > 0 && !run.interrupted() ? 0 : 1;

async function runLane(lane: readonly string[]): Promise<void> {
  let leftOut = 0;
  for (const part of lane) {
    if (run.interrupted()) return;
    if (part === 'calls' && !whole) continue;
    if (part === 'calls' && leftOut > 0) {
      total.leftOut.push('calls › all of it: of a run that is not whole it would say that permissions are not needed');
      continue;
    }
    const begun = performance.now();
    say(`▶ ${part}`);
    const result = await runPart(part);
    add(total, result);
    leftOut += result.leftOut.length;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    say(`◀ ${part}: ${result.passed} of ${result.passed + result.failed} in ${seconds} s`);
  }
}

function runPart(part: string): Promise<Result> {
  // Several threads check the same declarations, so one takes less CPU time. The other lanes need it.
  if (part === 'types') return check('type check', 'typescript/bin/tsc', ['--noEmit', '--singleThreaded', '-p', '.']);
  if (part === 'lint') return check('lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']);
  if (part === 'audit') return vulnerabilities();
  const isCounted = whole && (part === 'e2e' || part === 'calls');
  const projects = PROJECTS[part] ?? [];
  return vitest(run, { part, projects, folder, filters, ...(isCounted && { env: { CALLS_FOLDER: folder } }) });
}

/** A registry that offers no audits is reported. It counts neither as passed nor as failed. */
async function vulnerabilities(): Promise<Result> {
  const { verdict, text } = await audit();
  say(text);
  const failures = verdict === 'vulnerable' ? ['npm audit'] : [];
  return { passed: verdict === 'clean' ? 1 : 0, failed: failures.length, leftOut: [], failures };
}

/** Runs a program that fails if it finds a problem. It counts as one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Result> {
  const code = await run.node(program, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, leftOut: [], failures: code === 0 ? [] : [name] };
}
