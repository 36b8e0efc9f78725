import { describe, expect, test } from 'vitest';
import { type SecretValue, versionWithStage } from '../../lambdas/domain/secret.ts';
import { noRoomLabel, orderLabel } from '../../lambdas/domain/tags.ts';
import { enrolled, failsWith, newVersionId, type StoreSuite, text } from './store-suite.ts';

export function storeWriting(suite: StoreSuite): void {
  describe('orders', () => {
    test('are versions of their own label: neither current nor pending, and the label moves to the last', async () => {
      const { arn, first } = await suite.created('one');
      const { store } = suite.world;
      const [claim, order, pair] = [newVersionId(), newVersionId(), newVersionId()];
      expect(await store.keepOrder(arn, claim, text('claim'))).toBe(true);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [claim]: [orderLabel] });
      expect((await store.read(arn)).value).toEqual(text('one'));
      expect(await store.keepOrder(arn, order, text('order'))).toBe(true);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [order]: [orderLabel] });
      expect((await store.read(arn, claim)).value).toEqual(text('claim'));
      await store.stage(arn, pair, text('two'));
      await store.promote(arn, first, pair);
      expect((await suite.stages(arn))[order]).toEqual([orderLabel]);
      await store.dropOrder(arn, order);
      await store.dropOrder(arn, order);
      expect((await suite.stages(arn))[order]).toBeUndefined();
      expect((await store.read(arn)).value).toEqual(text('two'));
    });

    test('are written once for an id: another value is not, and moves nothing', async () => {
      const { arn, first } = await suite.created('one');
      const { store } = suite.world;
      const [claim, order] = [newVersionId(), newVersionId()];
      expect(await store.keepOrder(arn, claim, text('mine'))).toBe(true);
      expect(await store.keepOrder(arn, claim, text('mine'))).toBe(true);
      expect(await store.keepOrder(arn, claim, text('yours'))).toBe(false);
      await store.keepOrder(arn, order, text('order'));
      expect(await store.keepOrder(arn, claim, text('yours'))).toBe(false);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [order]: [orderLabel] });
      expect((await store.read(arn, claim)).value).toEqual(text('mine'));
    });

    test('of two claims at once one is written', async () => {
      const { arn } = await suite.created('one');
      const claim = newVersionId();
      const claims = ['a', 'b', 'c'].map((value) => suite.world.store.keepOrder(arn, claim, text(value)));
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
    });
  });

  describe('stage and promote', () => {
    test('in two steps, and a reader sees the old value until the second', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [next]: ['AWSPENDING'] });
      expect((await suite.world.store.read(arn)).value).toEqual(text('one'));
      expect((await suite.world.store.read(arn, next)).value).toEqual(text('two'));

      await suite.world.store.promote(arn, first, next);
      const summary = await suite.world.store.describe(arn);
      expect(summary.currentVersionId).toBe(next);
      expect(versionWithStage(summary, 'AWSPREVIOUS')).toBe(first);
      expect(await suite.world.store.read(arn)).toMatchObject({ versionId: next, value: text('two') });
      expect((await suite.world.store.read(arn, first)).value).toEqual(text('one'));
    });

    test('AWSPREVIOUS moves with the next one, and no AWSPENDING stays', async () => {
      const { arn, first } = await suite.created('one');
      const [second, third] = [newVersionId(), newVersionId()];
      await suite.world.store.stage(arn, second, text('two'));
      await suite.world.store.promote(arn, first, second);
      await suite.world.store.stage(arn, third, text('three'));
      await suite.world.store.promote(arn, second, third);
      const after = await suite.stages(arn);
      expect(after[first]).toBeUndefined();
      expect(after[second]).toEqual(['AWSPREVIOUS']);
      expect(after[third]).toContain('AWSCURRENT');
      expect((await suite.world.store.read(arn, first)).value).toEqual(text('one')); // without labels, but not deleted
    });

    test('the same stage twice is one version', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.stage(arn, next, text('two'));
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [next]: ['AWSPENDING'] });
    });

    test('the same stage again after the promotion changes nothing', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.promote(arn, first, next);
      const before = await suite.stages(arn);
      await suite.world.store.stage(arn, next, text('two'));
      expect(await suite.stages(arn)).toEqual(before);
    });

    test.each<[string, SecretValue]>([
      ['other text', text('three')],
      ['bytes', { kind: 'binary', bytes: Buffer.from('two') }],
    ])('the same version id with %s', async (_, other) => {
      const { arn } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await expect(suite.world.store.stage(arn, next, other)).rejects.toEqual(failsWith('SecretChanged'));
      expect((await suite.world.store.read(arn, next)).value).toEqual(text('two'));
    });

    test('a version id stays used after its label is removed', async () => {
      const { arn } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.discard(arn, next);
      await expect(suite.world.store.stage(arn, next, text('three'))).rejects.toEqual(failsWith('SecretChanged'));
    });

    test('AWSPENDING is on the version that was staged last', async () => {
      const { arn, first } = await suite.created('one');
      const [second, third] = [newVersionId(), newVersionId()];
      await suite.world.store.stage(arn, second, text('two'));
      await suite.world.store.stage(arn, third, text('three'));
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [third]: ['AWSPENDING'] });
    });

    test('bytes are staged as bytes', async () => {
      const { arn } = await suite.created('one');
      const next = newVersionId();
      const bytes = Uint8Array.from([0, 255, 128, 10]);
      await suite.world.store.stage(arn, next, { kind: 'binary', bytes });
      const { value } = await suite.world.store.read(arn, next);
      expect(value.kind === 'binary' && [...value.bytes]).toEqual([...bytes]);
    });

    test('the first version of a secret without a value is current at once', async () => {
      const arn = await suite.create('empty');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('one'));
      expect((await suite.world.store.describe(arn)).currentVersionId).toBe(next);
      expect((await suite.world.store.read(arn)).value).toEqual(text('one'));
    });

    test('a value of 65,536 bytes is accepted, a longer one is refused', async () => {
      const { arn, first } = await suite.created('one');
      const fits = newVersionId();
      await suite.world.store.stage(arn, fits, text('é'.repeat(32_768)));
      const tooLong = failsWith('UnsupportedSecret', /65.?536/);
      for (const value of [
        text(`x${'é'.repeat(32_768)}`),
        { kind: 'binary', bytes: new Uint8Array(65_537) } as const,
      ]) {
        await expect(suite.world.store.stage(arn, newVersionId(), value)).rejects.toEqual(tooLong);
      }
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [fits]: ['AWSPENDING'] });
    });
  });

  describe('promote is a compare-and-swap', () => {
    test('from a version that another writer has replaced', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      const theirs = await suite.world.write(arn, 'theirs');
      const before = await suite.stages(arn);
      await expect(suite.world.store.promote(arn, first, next)).rejects.toEqual(failsWith('SecretChanged'));
      expect(await suite.stages(arn)).toEqual(before);
      expect(await suite.world.store.read(arn)).toMatchObject({ versionId: theirs, value: text('theirs') });
    });

    test('the same promotion again, as after a lost answer', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.promote(arn, first, next);
      const before = await suite.stages(arn);
      await expect(suite.world.store.promote(arn, first, next)).rejects.toEqual(failsWith('SecretChanged'));
      expect(await suite.stages(arn)).toEqual(before);
    });

    test('from or to a version that is not there', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      const before = await suite.stages(arn);
      await expect(suite.world.store.promote(arn, newVersionId(), next)).rejects.toEqual(failsWith('SecretChanged'));
      await expect(suite.world.store.promote(arn, first, newVersionId())).rejects.toEqual(failsWith('SecretChanged'));
      expect(await suite.stages(arn)).toEqual(before);
    });

    test('of two at once one succeeds', async () => {
      const { arn, first } = await suite.created('one');
      const rivals = [newVersionId(), newVersionId()];
      for (const rival of rivals) await suite.world.store.stage(arn, rival, text(rival));
      const outcomes = await Promise.allSettled(rivals.map((rival) => suite.world.store.promote(arn, first, rival)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const winner = rivals[outcomes.findIndex(({ status }) => status === 'fulfilled')];
      expect((await suite.world.store.describe(arn)).currentVersionId).toBe(winner);
    });

    test('of a missing secret', async () => {
      const missing = suite.unique('missing');
      await expect(suite.world.store.promote(missing, newVersionId(), newVersionId())).rejects.toEqual(
        failsWith('SecretNotFound'),
      );
    });
  });

  describe('discard', () => {
    test('removes AWSPENDING, and does nothing the second time', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.discard(arn, next);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'] });
      await suite.world.store.discard(arn, next);
      await suite.world.store.discard(arn, newVersionId());
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'] });
    });

    test('leaves another version its AWSPENDING', async () => {
      const { arn, first } = await suite.created('one');
      const [ours, theirs] = [newVersionId(), newVersionId()];
      await suite.world.store.stage(arn, ours, text('two'));
      await suite.world.store.stage(arn, theirs, text('three'));
      await suite.world.store.discard(arn, ours);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSCURRENT'], [theirs]: ['AWSPENDING'] });
    });
  });

  describe('labelNoRoom', () => {
    test('moves from version to version; the other labels stay', async () => {
      const { arn, first } = await suite.created('one');
      await suite.world.store.labelNoRoom(arn, undefined, first);
      expect((await suite.stages(arn))[first]).toEqual(['AWSCURRENT', noRoomLabel]);
      const second = await suite.world.write(arn, 'two');
      expect((await suite.stages(arn))[first]).toEqual(['AWSPREVIOUS', noRoomLabel]);
      await suite.world.store.labelNoRoom(arn, first, second);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT', noRoomLabel] });
      await suite.world.store.labelNoRoom(arn, second, undefined);
      expect(await suite.stages(arn)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT'] });
    });

    test('from a version that does not have it', async () => {
      const { arn, first } = await suite.created('one');
      const before = await suite.stages(arn);
      const tried = suite.world.store.labelNoRoom(arn, newVersionId(), first);
      await expect(tried).rejects.toEqual(failsWith('SecretChanged'));
      expect(await suite.stages(arn)).toEqual(before);
    });
  });

  describe('tag', () => {
    test('sets, overwrites and removes; the rest stays', async () => {
      const arn = await suite.create('tagged', text('one'), {
        ...enrolled,
        team: 'edge',
        'cert-renewer:failure': 'old',
      });
      await suite.world.store.tag(
        arn,
        { 'cert-renewer:version-id': 'v1', 'cert-renewer:not-after': '2026-11-22T08:00:00Z' },
        ['cert-renewer:failure'],
      );
      await suite.world.store.tag(arn, { 'cert-renewer:version-id': 'v2' }, []);
      await suite.world.store.tag(arn, {}, ['cert-renewer:never-there']);
      expect(Object.fromEntries((await suite.world.store.describe(arn)).tags)).toEqual({
        ...enrolled,
        team: 'edge',
        'cert-renewer:version-id': 'v2',
        'cert-renewer:not-after': '2026-11-22T08:00:00Z',
      });
    });

    test('more than 50 tags', async () => {
      const many = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`tag-${index}`, 'x']));
      const arn = await suite.create('full', text('one'), { ...enrolled, ...many });
      await expect(suite.world.store.tag(arn, { 'cert-renewer:version-id': 'v' }, [])).rejects.toEqual(
        failsWith('UnsupportedSecret'),
      );
    });
  });
}
