import { defineConfig } from 'vitest/config';
import { SlowestLast } from './test/support/slowest-last.ts';

/** The unit tests that judge the mutants of `npm run mutation`: those of the rooms mutated, and of their nearest users. */
export default defineConfig({
  test: {
    include: [
      'test/{policy,asn1,x509,secret,inventory}/**/*.test.ts',
      'test/renewal/{announced,ask-ca,authority-key,crashes,denied,failure,fitness,limits,options,renew,rollback}.test.ts',
      'test/renewal/{rotation,scan,scan-continued,verify}.test.ts',
      'test/renewal/seen-*.test.ts',
      'test/authority/{create,renew-ca,scan,sign-leaf,trust-bundle,verify-ca,prepare}.test.ts',
    ],
    // The hostile ones look for crashes and hangs by the hundred thousand: minutes a mutant, for few that no other test kills.
    exclude: ['test/**/*.local.test.ts', 'test/**/*-hostile.test.ts'],
    setupFiles: ['test/support/load-mutated-rooms.ts'],
    // As the unit tests run: loading the modules for each file would be half of the time.
    isolate: false,
    sequence: { sequencer: SlowestLast },
    testTimeout: 10_000,
  },
});
