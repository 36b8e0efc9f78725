import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, longest first. If several workers run, one of them would otherwise run alone at the end. */
const LONG = [
  'test/e2e/outage.test.ts',
  'test/e2e/declared.test.ts',
  'test/e2e/schedule.test.ts',
  'test/e2e/shapes.test.ts',
  'test/e2e/command-line.test.ts',
  'test/e2e/ca-api-iam.test.ts',
  'test/e2e/kinds.test.ts',
  'test/e2e/rotation.test.ts',
  'test/e2e/runbook-typed.test.ts',
  'test/simulation/fresh-even.test.ts',
  'test/simulation/fresh-odd.test.ts',
  'test/package/far-away.local.test.ts',
  'test/check-aws/check-aws.local.test.ts',
  'test/judges/templates.local.test.ts',
  'test/renewal/killed.local.test.ts',
  'test/secret/interop.local.test.ts',
  'test/cli/cdk.local.test.ts',
  'test/report/access.local.test.ts',
  'test/local-aws/patches.test.ts',
];

/** Vitest's own order, by the durations of earlier runs, applies to the rest. A fresh clone has none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONG.findIndex((file) => moduleId.endsWith(file));
      return found < 0 ? LONG.length : found;
    };
    const others = await super.sort(files);
    return others.toSorted((one, other) => place(one) - place(other));
  }
}
