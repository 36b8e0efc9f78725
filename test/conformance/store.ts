import { afterAll, beforeAll, describe } from 'vitest';
import { storeMaking } from './store-making.ts';
import { storeReading } from './store-reading.ts';
import { StoreSuite, type StoreWorld } from './store-suite.ts';
import { storeWriting } from './store-writing.ts';

export type { StoreWorld } from './store-suite.ts';

/** Tests of every Store: run on the fake, on the emulator and on AWS. */
export function storeSuite(name: string, open: () => Promise<StoreWorld>): void {
  describe(`store: ${name}`, () => {
    const suite = new StoreSuite();
    beforeAll(() => suite.open(open), 120_000);
    afterAll(() => suite.close());
    storeReading(suite);
    storeWriting(suite);
    storeMaking(suite);
  });
}
