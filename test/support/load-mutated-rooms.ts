/**
 * For mutation testing: loads all mutated rooms before any test. Otherwise the first test that needs a late-loaded module
 * would load it, and Stryker would run only that test for mutants of the module's constants.
 */
import { globSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
for (const file of globSync('lambdas/{policy,asn1,x509,secret,renewal}/**/*.ts', { cwd: root }))
  await import(new URL(file, root).href);
