/** Orders at an ACME CA whose worker is killed at any call: the bundled worker, the local AWS and Pebble. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalPebble, startPebble } from '../../testkit/cas/pebble.ts';
import type { Start } from '../../testkit/faults/crash.ts';
import { crashInOrder, orderCrashes } from '../../testkit/faults/order-crash.ts';
import { workersOf } from '../../testkit/faults/worker.ts';
import { pebble as program } from '../../testkit/tools/go-tools.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { describeFound, describeWith } from '../support/local.ts';

const found = await program();

describeFound([found], 'with Pebble', () => {
  describeWith(['emulator', 'step-ca'], 'an order whose worker is killed', ({ emulator, ca }) => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let pebble: LocalPebble;
    let start: Start;

    beforeAll(async () => {
      folder = await temporaryFolder('killed-orders');
      start = workersOf(folder.path);
      // It asks no DNS server, and refuses no nonce, so that each request in the log is one order.
      const env = {
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_VA_ALWAYS_VALID: '1',
        PEBBLE_WFE_NONCEREJECT: '0',
        PEBBLE_AUTHZREUSE: '0',
      };
      pebble = await startPebble({ dns: { address: '127.0.0.1:1' }, env });
    });

    afterAll(async () => {
      await pebble?.close();
      await folder?.remove();
    });

    it.concurrent.each(orderCrashes)('$when $call $count', async (crash) => {
      const { directory, serverRoot } = pebble;
      const acme = { directory, serverRoot, root: await pebble.issuingRoot() };
      const surroundings = { emulator, ca, folder: folder.path, infisicalUrl: '', acme };
      expect(await crashInOrder(crash, surroundings, start)).toEqual([]);
    });
  });
});
