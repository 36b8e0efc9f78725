/**
 * The crash table of docs/renewal-cycle.md with processes that are killed: the bundled worker gets SIGKILL before or after
 * a call, and a fresh one takes the next delivery. A rekey has every call and moment, each other kind one call that changes the
 * state, in turn. `npm run soak` does the whole product; crashes.test.ts and declared-crashes.test.ts do so with fakes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeInfisical, fakeInfisical } from '../../testkit/fakes/infisical.ts';
import { type Crash, crashAt, crashes, type Start } from '../../testkit/faults/crash.ts';
import { kinds } from '../../testkit/faults/crash-scene.ts';
import { behind, failing, outOfTime, pending, race, written, wrongClock } from '../../testkit/faults/faults.ts';
import { workersOf } from '../../testkit/faults/worker.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { describeWith } from '../support/local.ts';

/** The calls that change the state. */
const telling: readonly Crash[] = [
  { call: 'CA', when: 'after' },
  { call: 'PutSecretValue', when: 'after' },
  { call: 'UpdateSecretVersionStage', when: 'after' },
];

describeWith(['emulator', 'step-ca'], 'a worker that is killed', ({ emulator, ca }) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let infisical: FakeInfisical;
  let start: Start;

  beforeAll(async () => {
    folder = await temporaryFolder('killed');
    infisical = await fakeInfisical();
    start = workersOf(folder.path);
  });

  afterAll(async () => {
    await infisical?.close();
    await folder?.remove();
  });

  const surroundings = () => ({ emulator, ca, folder: folder.path, infisicalUrl: infisical.url });

  describe.each(kinds.map((kind, index) => ({ kind, index })))('$kind', ({ kind, index }) => {
    const inTurn = telling.filter((_, place) => place === index % telling.length);
    it.concurrent.each(kind === 'rekey' ? crashes : inTurn)('$when $call', async (crash) => {
      expect(await crashAt(crash, kind, surroundings(), start)).toEqual([]);
    });
  });

  describe('other trouble', () => {
    it.concurrent.each(['rekey', 'declared, first', 'declared, changed'] as const)(
      '5 workers at once: %s',
      async (kind) => {
        expect(await race(5, kind, surroundings(), start)).toEqual([]);
      },
    );

    it.concurrent.each([
      { call: 'UpdateSecretVersionStage', trouble: 'lost answer', times: 1 },
      { call: 'UpdateSecretVersionStage', trouble: 'access denied', times: 99 },
      { call: 'PutEvents', trouble: 'server error', times: 9 },
    ] as const)('$call: $trouble', async (fault) => {
      expect(await failing(fault, 'rekey', surroundings(), start)).toEqual([]);
    });

    it.concurrent.each([
      { call: 'GetParameter', trouble: 'access denied', times: 2 },
      { call: 'TagResource', trouble: 'lost answer', times: 1 },
    ] as const)('of a declared certificate, $call: $trouble', async (fault) => {
      expect(await failing(fault, 'declared, changed', surroundings(), start)).toEqual([]);
    });

    it.concurrent('reads that return the previous version', async () => {
      expect(await behind('rekey', surroundings(), start)).toEqual([]);
    });

    it.concurrent('a value that another writer puts before the promotion', async () => {
      expect(await written('UpdateSecretVersionStage', 'rekey', surroundings(), start)).toEqual([]);
    });

    it.concurrent('another rotation’s pending version', async () => {
      expect(await pending('rekey', surroundings(), start)).toEqual([]);
    });

    it.concurrent.each([-300_000])('a clock that is wrong by %d ms', async (offset) => {
      expect(await wrongClock(offset, 'rekey', surroundings(), start)).toEqual([]);
    });

    it.concurrent.each([21_500])('%d ms left', async (remaining) => {
      expect(await outOfTime(remaining, 'rekey', surroundings(), start)).toEqual([]);
    });
  });
});
