import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Parts of names of test files, ordered by their cost for what they find. Files that are not listed run first. */
const LATER = [
  '/test/inventory/',
  '/test/renewal/renew.',
  '/test/renewal/seen-',
  '/test/renewal/verify.',
  '/test/renewal/rotation.',
  '/test/renewal/',
  '/test/authority/',
];
/** Files that take seconds. */
const LAST = [
  '/test/renewal/failure.',
  '/test/renewal/scan-continued.',
  '/test/renewal/authority-key.',
  '/test/renewal/announced.',
  '/test/authority/scan.',
  '/test/renewal/scan.',
  '/test/renewal/fitness.',
  '/test/authority/renew-ca.',
  '/test/authority/verify-ca.',
];

const place = ({ moduleId }: TestSpecification): number => {
  const last = LAST.findIndex((part) => moduleId.includes(part));
  return last < 0 ? LATER.findIndex((part) => moduleId.includes(part)) : LATER.length + last;
};

/**
 * For mutation testing. A quick test finds most mutants, and the first failure ends the run of a mutant. By default vitest
 * begins with the file that took longest.
 */
export class SlowestLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => place(one) - place(other) || one.moduleId.localeCompare(other.moduleId));
  }
}
