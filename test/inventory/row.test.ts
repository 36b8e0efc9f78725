import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { nextFor, whyText } from '../../lambdas/inventory/cause.ts';
import { byUrgency, type InventoryRow, inventoryRow, needsAttention } from '../../lambdas/inventory/row.ts';
import { inventoryStates } from '../../lambdas/inventory/states.ts';
import { stateWords } from '../../lambdas/inventory/words.ts';
import { formatServing, type Serving } from '../../lambdas/policy/served.ts';
import { formatWait } from '../../lambdas/policy/waiting.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { hour, internal, start, type World } from '../renewal/world.ts';
import { due, status, zoo } from '../renewal/zoo.ts';

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

/** The `due` certificate: a third of its 24 hours is 8, and 2 are left. One with a rekey period is due before it is overdue. */
function world(): World {
  const made = zoo();
  const add = (name: string, more: Record<string, string>) =>
    made.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...due, ...more } });
  add('due-soon', { [tags.expiresIn]: '1h30m' });
  add('retried', { [tags.failure]: '2 2026-11-22T11:00:00Z CaUnavailable' });
  add('unreadable', { [tags.notAfter]: '', [tags.failure]: '1 2026-11-22T11:30:00Z UnsupportedSecret' });
  // Declared, with another hash than the issued one, or without an issued one.
  add('missing', { ...noStatus, [tags.declared]: 'd1' });
  const failure = { [tags.versionId]: 'v1', [tags.failure]: '1 2026-11-22T11:59:00Z IssuanceNotAllowed' };
  add('missing-refused', { ...noStatus, ...failure, [tags.declared]: 'd1' });
  add('missing-paused', { ...noStatus, [tags.declared]: 'd1', [tags.paused]: 'true' });
  add('changed', { ...valid, [tags.declared]: 'd2', [tags.issued]: 'd1' });
  add('changed-refused', { ...valid, ...failure, [tags.declared]: 'd2', [tags.issued]: 'd1' });
  add('adopted', { ...valid, [tags.declared]: 'd1' });
  add('paused-fresh', { ...valid, [tags.paused]: 'true' });
  const expired = status(start - 48 * hour, start - 24 * hour);
  add('expired-paused', { ...expired, [tags.paused]: 'true' });
  add('expired-refused', { ...expired, [tags.failure]: '3 2026-11-22T11:59:00Z CertificateExpired' });
  const waits = {
    [tags.order]: formatWait('v1', { since: start - 2 * hour, again: start + 600_000, until: start + 600_000 }),
  };
  add('waiting', { ...nearlyDue, ...waits });
  add('waiting-late', waits);
  add('waiting-first', { ...noStatus, [tags.declared]: 'd1', ...waits });
  add('waiting-again', { ...nearlyDue, ...waits, [tags.failure]: '2 2026-11-22T11:59:00Z CaUnavailable' });
  add('waiting-lost', { ...nearlyDue, [tags.order]: formatWait('v1', lost) });
  add('waiting-other', { ...valid, [tags.order]: formatWait('v0', lost) });
  add('as-declared', { ...valid, [tags.declared]: 'd1', [tags.issued]: 'd1' });
  return made;
}

const noStatus = { [tags.versionId]: '', [tags.notBefore]: '', [tags.notAfter]: '' };
const lost = { since: start - 2 * hour, again: start - hour, until: start - hour };
/** Due, and not overdue yet: a third of the 24 hours is left. */
const nearlyDue = status(start - 17 * hour, start + 7 * hour);
/** Valid so long that only the day's inspection can make it due. */
const valid = status(start - hour, start + 9000 * hour);

/** `<states> <code of the reason>` */
const expected: Record<string, string> = {
  expired: 'expired Expired',
  'expired-paused': 'expired, paused Paused',
  'expired-refused': 'expired, failing BackingOff',
  overdue: 'overdue Expiring',
  'backing-off': 'overdue, failing BackingOff',
  'bad-tag': 'overdue, failing InvalidTag',
  due: 'overdue Expiring',
  paused: 'overdue, paused Paused',
  resting: 'overdue, paused Paused',
  retried: 'overdue, failing Expiring',
  'waiting-late': 'overdue, waiting WaitingForCa',
  // Of the same rank, first those whose end is unknown, then by the end.
  'missing-refused': 'failing, missing BackingOff',
  unreadable: 'failing BackingOff',
  'waiting-again': 'failing, waiting WaitingForCa',
  'changed-refused': 'failing, changed BackingOff',
  missing: 'missing Missing',
  'waiting-first': 'missing, waiting WaitingForCa',
  adopted: 'changed Changed',
  changed: 'changed Changed',
  waiting: 'waiting WaitingForCa',
  'due-soon': 'due Expiring',
  'waiting-lost': 'due Expiring',
  'missing-paused': 'paused Paused',
  deleted: 'paused SecretNotFound',
  managed: 'paused ManagedByService',
  replica: 'paused Replica',
  rotated: 'paused RotationEnabled',
  'paused-fresh': 'paused Paused',
  empty: 'unknown NotDue',
  new: 'unknown Unknown',
  replaced: 'unknown Unknown',
  'unknown-profile': 'unknown UnknownProfile',
  'as-declared': 'ok NotDue',
  fresh: 'ok NotDue',
  'waiting-other': 'ok NotDue',
};

describe('the inventory', () => {
  it('shows the state of each, most urgent first', async () => {
    const found = (await rows(world())).map(({ name, states, reason }) => {
      // The day's inspection may be in this hour. The state is still ok.
      return [name, `${states.join(', ')} ${states[0] === 'ok' && reason.code === 'Unknown' ? 'NotDue' : reason.code}`];
    });
    expect(found).toEqual(Object.entries(expected));
  });

  it('agrees with the scan on what is due, why, and until when', async () => {
    const made = world(); // the ARNs are random, and the jitter depends on them
    const counted = await scan(made, { force: false, dryRun: true });
    const plan = new Map(counted.plan.map((entry) => [entry.name, entry]));
    const found = await rows(made);
    expect(plan.size).toBe(found.length);
    const seconds = (text: string | null | undefined) => (text ? Date.parse(text) / 1000 : undefined);
    for (const { name, reason, renewAt, notAfter, states } of found) {
      const entry = plan.get(name);
      expect({ name, ...entry?.reason }).toEqual({ name, ...reason });
      expect(seconds(entry?.notAfter)).toBe(notAfter && notAfter / 1000);
      expect(seconds(entry?.renewAt)).toBe(renewAt && Math.floor(renewAt / 1000));
      if (states.length === 1 && /^(?:due|overdue|expired)$/.test(states[0] ?? ''))
        expect(entry?.action).toMatch(/^re(new|key)$/);
      expect(entry?.action === 'issue').toBe(reason.code === 'Missing' || reason.code === 'Changed');
    }
    expect(found.filter(({ overdue }) => overdue)).toHaveLength(counted.overdue);
  });

  it('has a failure’s next try', async () => {
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

  it('marks what is expired, overdue or failing as needing attention, also while it is paused', async () => {
    const wanting = (await rows(world())).filter(needsAttention).map(({ name }) => name);
    const problems = Object.entries(expected).filter(([, text]) => /^(?:expired|overdue|failing)/.test(text));
    expect(wanting).toEqual(problems.map(([name]) => name));
  });

  it('says since when a certificate waits for its CA, and when it is looked at again', async () => {
    const byName = new Map((await rows(world())).map((row) => [row.name, row]));
    const told = [...byName.values()].filter(({ wait }) => wait).map((row) => [row.name, whyText(row, start)]);
    const waits = 'WaitingForCa: for 2h, looked at again in 10m';
    expect(Object.fromEntries(told)).toEqual({
      ...{ waiting: waits, 'waiting-late': waits, 'waiting-first': waits },
      'waiting-again': expect.stringMatching(
        /^CaUnavailable: .*; 2 tries, the next one waits for the CA for 2h, looked/,
      ),
    });
    expect(byName.get('waiting-again')?.failure?.nextTry).toBe(start + 600_000);
    const next = (wait: Partial<InventoryRow['wait']>) => {
      const row = byName.get('waiting');
      return row?.wait && nextFor({ ...row, wait: { ...row.wait, ...wait } }, '')?.command;
    };
    expect(next({ isPlaced: true })).toBe('cert-renewer renew waiting');
    expect(next({ isPlaced: false })).toBeUndefined(); // it would only answer pending
  });

  it('ranks a forgotten pause by its clock, and not below what is healthy', async () => {
    const names = (await rows(world())).map(({ name }) => name);
    const rank = (name: string) => names.indexOf(name);
    expect(rank('expired-paused')).toBeLessThan(rank('overdue'));
    expect(rank('paused')).toBeLessThan(rank('missing'));
    expect(rank('paused-fresh')).toBeLessThan(rank('fresh'));
  });

  it('names the command that ends the pause: of its tag, or of its profile', async () => {
    const byName = new Map((await rows(world())).map((row) => [row.name, nextFor(row, '')?.command]));
    expect(byName.get('paused')).toBe('cert-renewer resume paused');
    expect(byName.get('resting')).toBe('cert-renewer deploy'); // resume would change nothing
  });

  it('is failing, and not paused, if the secret has no room for the status tags', () => {
    const made = world();
    const many = Array.from({ length: 48 }, (_, i) => [`t${i}`, 'x'] as const);
    const summary = made.store.summary('fresh');
    const secret = { ...summary, tags: new Map([...summary.tags, ...many]) };
    const row = inventoryRow({ secret }, internal, { now: start, step: hour });
    expect([row.reason.code, row.state]).toEqual(['UnsupportedSecret', 'failing']);
  });

  it('marks a declared certificate, its differences from the declaration in any state, and why it is missing', async () => {
    const found = (await rows(world())).filter(({ declared }) => declared);
    const told = found.map((row) => [
      row.name,
      row.wanting,
      `${stateWords(row)}: ${whyText(row, start)}`.replace(/: $/, ''),
    ]);
    expect(told).toEqual([
      [
        'missing-refused',
        'missing',
        expect.stringMatching(/^failing, missing: IssuanceNotAllowed: .*; 1 try, next try in 59m$/),
      ],
      [
        'changed-refused',
        'changed',
        expect.stringMatching(/^failing, changed: IssuanceNotAllowed: .*; 1 try, next try in 59m$/),
      ],
      ['missing', 'missing', 'missing'],
      ['waiting-first', 'missing', 'missing, waiting: WaitingForCa: for 2h, looked at again in 10m'],
      ['adopted', 'changed', 'changed'],
      ['changed', 'changed', 'changed'],
      ['missing-paused', 'missing', 'paused, missing'],
      ['as-declared', undefined, 'ok, declared'],
    ]);
  });

  it('marks a missing one as overdue an hour after its declaration, unless it is paused', () => {
    const made = world();
    const lookedAt = (name: string, age: number) => {
      const secret = { ...made.store.summary(name), createdAt: start - age };
      return inventoryRow({ secret }, internal, { now: start, step: hour });
    };
    const young = lookedAt('missing', hour - 1);
    expect([young.overdue, needsAttention(young)]).toEqual([false, false]);
    const late = lookedAt('missing', hour);
    expect([late.states, late.overdue, needsAttention(late)]).toEqual([['overdue', 'missing'], true, true]);
    expect([lookedAt('changed', 0), late].sort(byUrgency)[0]).toBe(late);
    expect(lookedAt('missing-paused', 2 * hour).overdue).toBe(false);
  });

  it('treats a secret that the renew function itself rotates as ours', () => {
    const made = world();
    const secret = made.store.summary('rotated');
    const row = inventoryRow({ secret }, undefined, { now: start, step: hour, rotationFunctionArn: 'arn:other' });
    expect(row.reason.code).toBe('UnknownProfile'); // it was checked, and not skipped
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
      states: [part.state],
      profile: 'internal',
      reason: { code: 'NotDue', message: '' },
      notBefore: undefined,
      renewAt: undefined,
      overdue: false,
      declared: false,
      wanting: undefined,
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

describe('not served', () => {
  const fingerprint = 'ab'.repeat(32);
  const probing = { ...internal, probe: { allow: ['dns:svc.example'], within: hour } };
  const notServed: Serving = {
    ...{ state: 'not-served', tries: 9, since: start - 2 * hour, probed: start - hour, told: start - hour },
    keyType: 'EC',
  };

  function rowOf(more: Record<string, string>, serving: Serving, profile?: Profile) {
    const store = zoo().store;
    const found = { ...valid, [tags.profile]: 'internal', [tags.endpoints]: 'web.svc.example:443', ...more };
    const served = formatServing(fingerprint, new Map(Object.entries(found)), serving);
    const all = { [tags.fingerprint]: fingerprint, [tags.served]: served, ...found };
    const arn = store.add({ name: 'web', value: '{}', versionId: 'v1', tags: all });
    return inventoryRow({ secret: store.summary(arn) }, profile, { now: start, step: hour });
  }

  it('is a state of its own, with when it was probed', () => {
    const row = rowOf({}, notServed, probing);
    expect(row).toMatchObject({ state: 'not served', states: ['not served'] });
    expect(row.serving).toEqual({ state: 'not-served', since: start - 2 * hour, probed: start - hour });
    expect(whyText(row, start)).toBe('NotServed: not served for 2h, probed 1h ago');
    expect(needsAttention(row)).toBe(true);
  });

  it.each<[string, Record<string, string>, readonly string[]]>([
    ['paused: the server presents the old one all the same', { [tags.paused]: 'true' }, ['not served', 'paused']],
    ['failing', { [tags.failure]: '1 2026-11-22T11:59:00Z CaRejected' }, ['failing', 'not served']],
    ['expired', status(start - 3 * hour, start - hour), ['expired', 'not served']],
    ['InvalidTag', { [tags.expiresIn]: 'soon' }, ['failing', 'not served']],
    ['noted for other endpoints', { [tags.served]: `${'ab'.repeat(8)} 01234567 not-served` }, ['ok']],
    ['noted for another certificate', { [tags.fingerprint]: 'cd'.repeat(32) }, ['ok']],
  ])('and %s', (_, more, expected) => {
    expect(rowOf(more, notServed, probing).states).toEqual(expected);
  });

  it('is not the state of a secret of another stack', () => {
    expect(rowOf({}, notServed).states).toEqual(['unknown']);
  });

  it.each(['pending', 'served', 'lost'] as const)('is not the state of one that is %s', (state) => {
    const row = rowOf({}, { ...notServed, state }, probing);
    expect(row).toMatchObject({ state: 'ok', serving: { state } });
  });

  it('is not known in a stack that does not probe any more', () => {
    const row = rowOf({}, notServed, internal);
    expect(row.state).toBe('ok');
    expect(row.serving).toBeUndefined();
  });
});
