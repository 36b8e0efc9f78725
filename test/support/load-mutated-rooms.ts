/**
 * For mutation testing: loads all of the mutated rooms before any test does. Else a module that the product loads late would
 * be built within the first test that needs it, and Stryker would hold only that test to judge the module's constants.
 */
import { globSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
for (const file of globSync('lambdas/{policy,asn1,x509,secret,renewal}/**/*.ts', { cwd: root }))
  await import(new URL(file, root).href);
