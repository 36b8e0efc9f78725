import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** Synthesise the stack. */
const CDK = ['test/cdk/**/*.test.ts', 'test/docs/{operations,options,security}.test.ts'];
/** Put something of their own in the place of a module, of the SDK's methods or of node:crypto, or look at the process's memory. */
const ISOLATED = [
  'test/aws/**/*.test.ts',
  'test/simulation/**/*.test.ts',
  'test/renewal/pressure.test.ts',
  'test/renewal/hostile-ca.test.ts',
  'test/authority/http/openapi.test.ts',
];
/** What needs the local AWS or a real step-ca. All the rest is unit tests, which start no process. */
const LOCAL = ['test/local-aws/**/*.test.ts', 'test/**/*.local.test.ts'];
const E2E = ['test/e2e/**/*.test.ts'];
/** Looks at what the others did, so that it is last. */
const CALLS = ['test/calls/**/*.test.ts'];

export default defineConfig({
  test: {
    // A project may have no test yet, or a filter may leave it none.
    passWithNoTests: true,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // aws-cdk-lib takes seconds to load: the files share one process, and leave nothing behind in it.
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
        // They share their modules: loading them for each file would be a third of the work.
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...ISOLATED, ...CDK, ...LOCAL, ...E2E, ...CALLS],
          isolate: false,
          // A core each: they start no process. By itself vitest leaves one core alone.
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
          exclude: E2E,
          maxWorkers: 2, // some wait for a server most of their time
          // The judges (test/judges) synthesise too.
          globalSetup: ['test/support/local-setup.ts', 'test/support/cdk-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // One deployment for all files: each works under names of its own (`uniqueName`). They wait more than they compute,
        // and most of what they compute is loading the SDK.
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
