/**
 * Seeds that broke a promise once, each with a word why: they are played by every `npm test`. Those of before anything could be
 * declared are played without, as they were then.
 */
export const seedsOnceBroken: readonly (readonly [seed: number, why: string, isDeclaring?: boolean])[] = [
  [1, 'no room for the status tags: the same event at every look'],
  [11, 'RotateImmediately false: a test of the current value failed'],
  [41, 'a rotation replaced what its owner had written meanwhile'],
  [45, 'a rotation that could not go on had a certificate issued at each try'],
  [46, 'an event that was lost for good'],
  [50, 'a rotation that came to no end'],
  [56, 'a failure on demand put off the next try of the schedule'],
  [62, 'a password that is gone: nobody was told, and every scan asked again'],
  [60640264, 'the judge: a renewal that is noted in the second in which somebody rolls back forgets no failure'],
  [61467655, 'rolled back, written, rolled back again: what nobody wanted was promoted'],
  [95063010, 'a rotation lost its race, and its version was announced'],
  [1006, 'the judge: what was issued and staged, and would do as a copy, is told as one by whoever takes it up', true],
  [5282, 'the judge: a declared secret has a status tag more', true],
];
