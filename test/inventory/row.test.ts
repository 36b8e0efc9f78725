import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import {
  byUrgency,
  type InventoryRow,
  inventoryRow,
  inventoryStates,
  needsAttention,
} from '../../lambdas/inventory/row.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { hour, start, type World } from '../renewal/world.ts';
import { due, zoo } from '../renewal/zoo.ts';

async function rows(world: World): Promise<readonly InventoryRow[]> {
  const found: InventoryRow[] = [];
  for await (const page of world.store.list()) {
    for (const secret of page) {
      const profile = await world.profiles.find(secret.tags.get(tags.profile) ?? '');
      found.push(inventoryRow({ secret }, profile, { now: start, step: hour }));
    }
  }
  return found.sort(byUrgency);
}

/** The `due` certificate: a third of its 24 hours is 8, and 2 are left. One of a rekey period is due before it is overdue. */
function world(): World {
  const made = zoo();
  const add = (name: string, more: Record<string, string>) =>
    made.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...due, ...more } });
  add('due-soon', { [tags.expiresIn]: '1h30m' });
  add('retried', { [tags.failure]: '2 2026-11-22T11:00:00Z CaUnavailable' });
  add('unreadable', { [tags.notAfter]: '', [tags.failure]: '1 2026-11-22T11:30:00Z UnsupportedSecret' });
  return made;
}

const expected: Record<string, string> = {
  // Of those that need somebody, the one whose end is not known first, then by the end.
  unreadable: 'failing BackingOff',
  expired: 'overdue Expired',
  overdue: 'overdue Expiring',
  'backing-off': 'failing BackingOff',
  'bad-tag': 'failing InvalidTag',
  due: 'overdue Expiring',
  retried: 'failing Expiring',
  'due-soon': 'due Expiring',
  empty: 'unknown NotDue',
  new: 'unknown Unknown',
  replaced: 'unknown Unknown',
  'unknown-profile': 'unknown UnknownProfile',
  fresh: 'ok NotDue',
  deleted: 'paused SecretNotFound',
  managed: 'paused ManagedByService',
  paused: 'paused Paused',
  replica: 'paused Replica',
  resting: 'paused Paused',
  rotated: 'paused RotationEnabled',
};

describe('the inventory', () => {
  it('says what state each is in, most urgent first', async () => {
    const found = (await rows(world())).map(({ name, state, reason }) => {
      // The day's inspection may fall on it at this hour: it is ok all the same.
      return [name, `${state} ${name === 'fresh' && reason.code === 'Unknown' ? 'NotDue' : reason.code}`];
    });
    expect(found).toEqual(Object.entries(expected));
  });

  it('agrees with the scan on what is due, why, and until when', async () => {
    const made = world(); // the ARNs are random, and the jitter hangs on them
    const counted = await scan(made, { force: false, dryRun: true });
    const plan = new Map(counted.plan.map((entry) => [entry.name, entry]));
    const found = await rows(made);
    expect(plan.size).toBe(found.length);
    const seconds = (text: string | null | undefined) => (text ? Date.parse(text) / 1000 : undefined);
    for (const { name, reason, renewAt, notAfter, state } of found) {
      const entry = plan.get(name);
      expect({ name, ...entry?.reason }).toEqual({ name, ...reason });
      expect(seconds(entry?.notAfter)).toBe(notAfter && notAfter / 1000);
      expect(seconds(entry?.renewAt)).toBe(renewAt && Math.floor(renewAt / 1000));
      if (state === 'due' || state === 'overdue') expect(entry?.action).toMatch(/^re(new|key)$/);
    }
    expect(found.filter(({ overdue }) => overdue)).toHaveLength(counted.overdue);
  });

  it('tells a failure with its next try', async () => {
    const byName = new Map((await rows(world())).map((row) => [row.name, row]));
    const failed = start - 60_000;
    expect(byName.get('backing-off')?.failure).toEqual({
      code: 'CaRejected',
      count: 1,
      at: failed,
      nextTry: failed + hour,
    });
    // Five and ten minutes have passed: the next scan tries.
    expect(byName.get('retried')?.failure).toMatchObject({ code: 'CaUnavailable', count: 2, nextTry: start });
    expect(byName.get('bad-tag')?.failure).toEqual({ code: 'InvalidTag', count: 1, at: undefined, nextTry: undefined });
    expect(byName.get('fresh')?.failure).toBeUndefined();
  });

  it('wants attention for what is overdue or failing, a paused one that is past its time too', async () => {
    const wanting = (await rows(world())).filter(needsAttention).map(({ name }) => name);
    expect(wanting).toEqual([
      'unreadable',
      'expired',
      'overdue',
      'backing-off',
      'bad-tag',
      'due',
      'retried',
      'paused',
      'resting',
    ]);
  });

  it('takes a secret that the renew function itself rotates for ours', () => {
    const made = world();
    const secret = made.store.summary('rotated');
    const row = inventoryRow({ secret }, undefined, { now: start, step: hour, rotationFunctionArn: 'arn:other' });
    expect(row.reason.code).toBe('UnknownProfile'); // it was looked at, not passed by
  });

  it('has a total order', () => {
    const row = fc.record({
      name: fc.string(),
      state: fc.constantFrom(...inventoryStates),
      notAfter: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    });
    const full = (part: {
      name: string;
      state: InventoryRow['state'];
      notAfter: number | undefined;
    }): InventoryRow => ({
      secretArn: `arn:${part.name}`,
      profile: 'internal',
      reason: { code: 'NotDue', message: '' },
      notBefore: undefined,
      renewAt: undefined,
      overdue: false,
      failure: undefined,
      ...part,
    });
    fc.assert(
      fc.property(fc.uniqueArray(row, { selector: ({ name }) => name }), (parts) => {
        const sorted = parts.map(full).sort(byUrgency);
        expect([...sorted].reverse().sort(byUrgency)).toEqual(sorted);
      }),
    );
  });
});
