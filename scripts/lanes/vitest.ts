/** Runs a part of the tests with vitest and reads its report. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { projectRoot } from '../../testkit/tools/cache.ts';
import type { Programs } from './programs.ts';
import type { Result } from './result.ts';

export interface Part {
  readonly part: string;
  /** Names of projects in vitest.config.ts. */
  readonly projects: readonly string[];
  /** The folder for the report. */
  readonly folder: string;
  /** Parts of paths of test files. Without any, all files run. */
  readonly filters: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The fields of vitest's JSON report that are used here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

export async function vitest(run: Programs, { part, projects, folder, filters, env }: Part): Promise<Result> {
  const reportFile = join(folder, `${part}.json`);
  const code = await run.node(
    'vitest/vitest.mjs',
    [
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...(run.output === 'lines'
        ? ['--reporter=dot', `--reporter=${join(import.meta.dirname, 'file-lines.ts')}`, '--silent=passed-only']
        : ['--reporter=default']),
      ...filters,
    ],
    env,
  );
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  // Without a report the set-up has failed. With code 0 there was no test to run.
  if (text === undefined) {
    const failures = code === 0 ? [] : [`${part}: no test could run`];
    return { passed: 0, failed: failures.length, leftOut: [], failures };
  }
  return judge(part, code, JSON.parse(text));
}

function judge(part: string, code: number, { numPassedTests, numFailedTests, testResults }: Report): Result {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({
      ...test,
      title: [name.replace(`${projectRoot}/`, ''), ...test.ancestorTitles, test.title].join(' › '),
    })),
  );
  const failures = tests
    .filter(({ status }) => status === 'failed')
    .map(({ title, failureMessages: [why] = [] }) => withReason(title, why));
  // A file that can't be loaded has no failed test. An error outside of a test has none either.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  failures.push(
    ...broken.map(({ name, message }) =>
      withReason(`${name.replace(`${projectRoot}/`, '')} (the file itself)`, message),
    ),
  );
  const unseen = code !== 0 && numFailedTests + broken.length === 0 ? 1 : 0;
  if (unseen) failures.push(`${part}: an error outside of the tests (see above)`);
  const leftOut = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ title }) => title);
  return { passed: numPassedTests, failed: numFailedTests + broken.length + unseen, leftOut, failures };
}

/** The number of lines of a failure's message in the final report, which may be all that a build server keeps. */
const shownOfReason = 8;

/** Returns the title with the message and the place that threw it, without the stack of the test runner. */
function withReason(title: string, why = ''): string {
  const lines = stripVTControlCharacters(why).replaceAll(`${projectRoot}/`, '').split('\n');
  const own = lines.filter((line) => line.trim() !== '' && !/^\s+at .*(?:node_modules|<anonymous>)/.test(line));
  return [title, ...own.slice(0, shownOfReason).map((line) => `      ${line}`)].join('\n');
}
