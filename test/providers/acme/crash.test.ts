/**
 * The process ends before or after each call to the CA and to the zone. Another process with the stored receipt ends with the same order:
 * one is finalised, and the TXT records are as before.
 */
import { describe, expect, test } from 'vitest';
import type { CaAnswer } from '../../../lambdas/domain/ports.ts';
import { ask, closeScenes, leafOf, type Scene, scene, zoneId } from './scene.ts';

closeScenes();

const names = ['dns:example.com', 'dns:*.example.com'];
const others = { name: '_acme-challenge.example.com', value: 'of others' };
/** Signatures vary in length, calls do not: the longest run has fewer. */
const mostCalls = 60;

type Target = 'ca' | 'zones';

interface Run {
  readonly answer: CaAnswer;
  readonly crashed: boolean;
}

/** Runs an order with one crash. After it each look is one of a new process. */
async function run(at: Scene, target: Target, call: number, when: 'before' | 'after'): Promise<Run> {
  const faults = at[target].faults.crashAt(call, when);
  let provider = at.provider();
  let receipt: string | undefined;
  let crashed = false;
  for (let looks = 1; looks < 100; looks++) {
    try {
      const answer = await ask(at, provider, { names, receipt });
      if (answer.kind !== 'pending') return { answer, crashed };
      receipt = answer.receipt;
      at.clock.advance(answer.after);
    } catch (error) {
      if (!faults.crashed) throw error;
      crashed = true;
      faults.restart();
      provider = at.provider();
      at.clock.advance(1_000);
    }
  }
  throw new Error('the order has no end');
}

describe.each([
  ['ca', 'before'],
  ['ca', 'after'],
  ['zones', 'before'],
  ['zones', 'after'],
] as const)('a process that ends at a call to the %s, %s it was done', (target, when) => {
  test('leaves an order that another process finishes', { timeout: 60_000 }, async () => {
    let crashes = 0;
    for (let call = 1; call < mostCalls; call++) {
      const at = await scene({ syncMs: 15_000, processingLooks: 1 });
      await at.zones.add(zoneId, [others]);
      const { answer, crashed } = await run(at, target, call, when);
      const where = `call ${call}`;
      expect(Buffer.from(leafOf(answer).spki).equals(at.key.spki), where).toBe(true);
      expect(
        at.ca.orders.filter(({ finalised }) => finalised > 0).map(({ finalised }) => finalised),
        where,
      ).toEqual([1]);
      // An order whose receipt was never stored is lost before anything was done for it.
      expect(at.ca.orders.length, where).toBeLessThanOrEqual(2);
      expect(at.zones.names(), where).toEqual([others.name]);
      expect(at.zones.valuesOf(others.name), where).toEqual([others.value]);
      expect(at.ca.accounts, where).toHaveLength(1);
      if (crashed) crashes++;
      // A refused call has no "after". The table ends where there is no such call.
      else if (at[target].faults.calls.length < call) break;
    }
    expect(crashes).toBeGreaterThanOrEqual(target === 'ca' ? 15 : 3);
    expect(crashes).toBeLessThan(mostCalls - 1);
  });
});
