/**
 * `npm test [-- <part>] [filters]`: type check, lint, and the tests of every project, in lanes that run side by side.
 * Parts: types, lint, audit (on a build server), cdk, unit, local, e2e, calls (after a whole e2e only). Without one all run; filters are parts of test files' paths, and alone leave out types and lint.
 * Of one part alone the output is the program's own. Of several it is a line a file, and what failed, whole, when its part ends.
 * The last line is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os';
import { audit } from '../testkit/tools/audit.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { programs } from './lanes/programs.ts';
import { add, empty, type Result, report } from './lanes/result.ts';
import { vitest } from './lanes/vitest.ts';

/** What waits runs beside what computes. Within a lane one part follows another; lanes share no port, folder or name. */
const LANES = [['e2e', 'calls'], ['types', 'lint', 'audit', 'cdk', 'unit'], ['local']] as const;
const PROJECTS: readonly string[] = ['cdk', 'unit', 'local', 'e2e', 'calls'];
const parts: readonly string[] = LANES.flat();

const given = process.argv.slice(2);
const chosen = given.filter((argument) => parts.includes(argument));
const filters = given.filter((argument) => !parts.includes(argument));
const all = parts.filter((part) => part !== 'audit' || process.env['CI']);
const wanted = chosen.length > 0 ? chosen : filters.length > 0 ? PROJECTS : all;
// `calls` looks at the calls of AWS that a whole e2e run made: without one it is left out.
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
  if (part === 'types') return check('type check', 'typescript/bin/tsc', ['--noEmit', '-p', '.']);
  if (part === 'lint') return check('lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']);
  if (part === 'audit') return vulnerabilities();
  const isCounted = whole && (part === 'e2e' || part === 'calls');
  const projects = part === 'unit' ? ['unit', 'isolated'] : [part];
  return vitest(run, { part, projects, folder, filters, ...(isCounted && { env: { CALLS_FOLDER: folder } }) });
}

/** Where the registry answers no audits, that is said, and is neither a test passed nor one failed. */
async function vulnerabilities(): Promise<Result> {
  const { verdict, text } = await audit();
  say(text);
  const failures = verdict === 'vulnerable' ? ['npm audit'] : [];
  return { passed: verdict === 'clean' ? 1 : 0, failed: failures.length, leftOut: [], failures };
}

/** A program that either finds nothing wrong or fails: one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Result> {
  const code = await run.node(program, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, leftOut: [], failures: code === 0 ? [] : [name] };
}
