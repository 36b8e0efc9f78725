import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** Tests that synthesise the stack. */
const CDK = ['test/cdk/**/*.test.ts', 'test/docs/{api,configuration,cost,operations,options,snippets}.test.ts'];
/** Tests that replace a module, methods of the SDK or node:crypto, or that measure the process's memory. */
const ISOLATED = [
  'test/aws/**/*.test.ts',
  'test/simulation/**/*.test.ts',
  'test/renewal/pressure.test.ts',
  'test/renewal/hostile-ca.test.ts',
  'test/authority/http/openapi.test.ts',
];
/** Tests that need the local AWS or a real step-ca. All other tests are unit tests, which start no process. */
const LOCAL = ['test/local-aws/**/*.test.ts', 'test/**/*.local.test.ts'];
/** Of these the tests that synthesise. */
const JUDGES = ['test/judges/**/*.local.test.ts'];
const E2E = ['test/e2e/**/*.test.ts'];
/** Judges the calls of the other tests, so it runs last. */
const CALLS = ['test/calls/**/*.test.ts'];

export default defineConfig({
  test: {
    // A project without tests is no error, because a filter may exclude all of them.
    passWithNoTests: true,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // aws-cdk-lib takes seconds to load. The files share one process and change no global state.
        test: {
          name: 'cdk',
          include: CDK,
          globalSetup: ['test/support/cdk-setup.ts'],
          isolate: false,
          maxWorkers: 1,
          testTimeout: 60_000,
        },
      },
      {
        // The files share their modules. Loading these for each file would be a third of the work.
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...ISOLATED, ...CDK, ...LOCAL, ...E2E, ...CALLS],
          isolate: false,
          // One worker for each core, because these tests start no process. By default vitest uses one worker less.
          maxWorkers: availableParallelism(),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'isolated',
          include: ISOLATED,
          exclude: LOCAL,
          maxWorkers: availableParallelism(),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'local',
          include: LOCAL,
          exclude: [...E2E, ...JUDGES],
          isolate: false, // loading the SDK for each file would be a fifth of the work
          maxWorkers: 2, // some wait for a server most of their time
          globalSetup: ['test/support/local-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // In a process of its own: starting a program from a process that has loaded the CDK takes a multiple of the time.
        test: {
          name: 'judges',
          include: JUDGES,
          maxWorkers: 2, // as `local`, whose workers it shares
          globalSetup: ['test/support/cdk-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 240_000,
        },
      },
      {
        // All files share one deployment. Each uses unique names (`uniqueName`). They mostly wait,
        // and most of their CPU time is loading the SDK.
        test: {
          name: 'e2e',
          include: E2E,
          isolate: false,
          maxWorkers: 5,
          globalSetup: ['test/support/local-setup.ts', 'test/support/stack-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      { test: { name: 'calls', include: CALLS } },
    ],
  },
});
