/**
 * Seeds that once broke a promise, each with a reason. Every `npm test` plays them. Those from before declarations existed are
 * played without declarations.
 */
export const seedsOnceBroken: readonly (readonly [seed: number, why: string, isDeclaring?: boolean])[] = [
  [1, 'no room for the status tags: the same event at every inspection'],
  [11, 'RotateImmediately false: a test of the current value failed'],
  [41, 'a rotation replaced what its owner had written meanwhile'],
  [45, 'a rotation that could not continue had a certificate issued at each try'],
  [46, 'an event was lost'],
  [50, 'a rotation never ended'],
  [56, 'a failure on demand delayed the next try of the schedule'],
  [62, 'a missing password: it was not reported, and every scan tried again'],
  [60640264, 'the judge: a renewal that is noted in the same second as a rollback keeps the failure'],
  [61467655, 'rolled back, written, rolled back again: an unwanted version was promoted'],
  [95063010, 'a rotation lost its race, and its version was reported'],
  [
    1006,
    'the judge: an issued and staged pair that also fits as a renewal is reported as a renewal by the worker that promotes it',
    true,
  ],
  [5282, 'the judge: a declared secret has one more status tag', true],
];
