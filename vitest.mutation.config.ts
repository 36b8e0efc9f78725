import { defineConfig } from 'vitest/config';

/** The unit tests that judge the mutants of `npm run mutation`: those of the rooms mutated, and of their nearest users. */
export default defineConfig({
  test: {
    include: [
      'test/{policy,x509,secret,inventory}/**/*.test.ts',
      'test/renewal/{renew,verify,options}.test.ts',
      'test/authority/{create,renew-ca,sign-leaf,verify-ca,prepare}.test.ts',
    ],
    // The hostile ones look for crashes and hangs by the hundred thousand: minutes a mutant, for few that no other test kills.
    exclude: ['test/**/*.local.test.ts', 'test/**/*-hostile.test.ts'],
    setupFiles: ['test/support/load-mutated-rooms.ts'],
    testTimeout: 10_000,
  },
});
