/** Seeds that broke a promise once, each with a word why: they are played by every `npm test`. */
export const seedsOnceBroken: readonly (readonly [seed: number, why: string])[] = [
  [201, 'no room for the status tags: the same event at every look'],
  [204, 'a failure that was forgotten, and a back-off that was lengthened by hand'],
  [225, 'an event that was lost for good'],
  [252, 'a password that is gone: nobody was told, and every scan asked again'],
];
