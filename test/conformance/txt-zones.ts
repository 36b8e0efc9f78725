import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TxtValue, TxtZones } from '../../lambdas/domain/ports.ts';

export interface RecordSet {
  /** Seconds that a resolver may keep it. */
  readonly keptFor: number;
  readonly values: readonly string[];
}

/** A zone and what its owner does with it. */
export interface ZoneWorld {
  readonly zoneId: string;
  /** The zone's domain, without the trailing dot. */
  readonly domain: string;
  readonly zones: TxtZones;
  /** The same zone in another process. */
  readonly elsewhere: TxtZones;
  /** Makes a TXT record set, as another writer does. */
  put(name: string, set: RecordSet): Promise<void>;
  /** Returns a TXT record set. Its values are sorted. */
  read(name: string): Promise<RecordSet | undefined>;
  /** Lets the name servers catch up. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Tests of every TxtZones. */
export function txtZoneSuite(kind: string, open: () => Promise<ZoneWorld>): void {
  describe(`TXT zones: ${kind}`, () => {
    let world: ZoneWorld;
    let names = 0;
    beforeAll(async () => {
      world = await open();
    }, 60_000);
    afterAll(() => world?.close());

    /** Returns a name of a test's own, without values. */
    const freshName = () => `_acme-challenge.n${++names}.${world.domain}`;
    const texts = (name: string, ...values: string[]): TxtValue[] => values.map((value) => ({ name, value }));
    const valuesOf = async (name: string) => (await world.read(name))?.values;
    const add = (given: readonly TxtValue[]) => world.zones.add(world.zoneId, given);
    const remove = (given: readonly TxtValue[]) => world.zones.remove(world.zoneId, given);

    test('an apex and its wildcard have two values of one name, and nothing is left of them', async () => {
      const [name, other] = [freshName(), freshName()];
      const given = [...texts(name, 'apex', 'wildcard'), ...texts(other, 'www')];
      expect(await add(given)).toMatch(/^[\x21-\x7e]+$/);
      expect([await valuesOf(name), await valuesOf(other)]).toEqual([['apex', 'wildcard'], ['www']]);
      await remove(given);
      expect([await world.read(name), await world.read(other)]).toEqual([undefined, undefined]);
    });

    test('values beside those of others: the record set is afterwards as it was', async () => {
      const [shared, own] = [freshName(), freshName()];
      const before = { keptFor: 300, values: ['of "another" \\ writer', 'two'] };
      await world.put(shared, before);
      const given = [...texts(shared, 'apex', 'wildcard'), ...texts(own, 'www')];
      await add(given);
      expect(await world.read(shared)).toEqual({ keptFor: 300, values: ['apex', ...before.values, 'wildcard'] });
      expect(await valuesOf(own)).toEqual(['www']);
      await remove(given);
      expect([await world.read(shared), await world.read(own)]).toEqual([before, undefined]);
    });

    test('one value of several is removed', async () => {
      const name = freshName();
      await add(texts(name, 'first', 'second'));
      await remove(texts(name, 'first'));
      expect(await valuesOf(name)).toEqual(['second']);
    });

    test('several calls add to one name', async () => {
      const name = freshName();
      await add(texts(name, 'first'));
      await add(texts(name, 'second', 'first'));
      expect(await valuesOf(name)).toEqual(['first', 'second']);
    });

    test('two processes add at the same time, and both values survive', async () => {
      const name = freshName();
      await Promise.all([add(texts(name, 'here')), world.elsewhere.add(world.zoneId, texts(name, 'there'))]);
      expect(await valuesOf(name)).toEqual(['here', 'there']);
      await Promise.all([remove(texts(name, 'here')), world.elsewhere.remove(world.zoneId, texts(name, 'there'))]);
      expect(await world.read(name)).toBeUndefined();
    });

    test('twice is as once', async () => {
      const name = freshName();
      await add(texts(name, 'value'));
      await add(texts(name, 'value'));
      expect(await world.read(name)).toEqual({ keptFor: 60, values: ['value'] });
      await remove(texts(name, 'value'));
      await remove(texts(name, 'value', 'never there'));
      expect(await world.read(name)).toBeUndefined();
    });

    test('120 names, of which one is there and one is gone', async () => {
      const many = Array.from({ length: 120 }, freshName);
      const given = many.flatMap((name) => texts(name, `value of ${name}`));
      const [shared = '', gone = ''] = many;
      await world.put(shared, { keptFor: 300, values: ['other'] });
      await add(given);
      const seen = await Promise.all(many.map(valuesOf));
      expect(seen).toEqual(
        many.map((name) => (name === shared ? ['other', `value of ${name}`] : [`value of ${name}`])),
      );
      await remove(texts(gone, `value of ${gone}`));
      await remove(given);
      expect((await Promise.all(many.map(valuesOf))).flatMap((values) => values ?? [])).toEqual(['other']);
    }, 30_000);

    test('a change is in sync after a while, also one of values that are there', async () => {
      const given = texts(freshName(), 'value');
      const first = (await add(given)) ?? '';
      const again = (await add(given)) ?? '';
      expect(await Promise.all([first, again].map((id) => world.zones.isInSync(id)))).toEqual([false, false]);
      await world.settle();
      expect(await Promise.all([first, again].map((id) => world.zones.isInSync(id)))).toEqual([true, true]);
    });

    test('there is no such zone', async () => {
      const given = texts(freshName(), 'value');
      await expect(world.zones.add('Z0UNKNOWN', given)).rejects.toMatchObject({ code: 'InvalidRequest' });
      await expect(world.zones.remove('Z0UNKNOWN', given)).rejects.toThrow('Z0UNKNOWN');
    });
  });
}
