import { describe, expect, test } from 'vitest';
import type { SecretPage, Store } from '../../lambdas/domain/ports.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { enrolled, failsWith, newVersionId, type StoreSuite, text } from './store-suite.ts';

export function storeReading(suite: StoreSuite): void {
  describe('describe and read', () => {
    test('by ARN and by name', async () => {
      const secretName = suite.unique('named');
      const arn = await suite.world.create({ name: secretName, tags: { ...enrolled, team: 'edge' }, value: text('v') });
      const summary = await suite.world.store.describe(secretName);
      expect(summary).toMatchObject({ arn, name: secretName, isReplica: false, rotation: { enabled: false } });
      expect(Object.fromEntries(summary.tags)).toEqual({ ...enrolled, team: 'edge' });
      expect(summary.deletedAt).toBeUndefined();
      expect(summary.owningService).toBeUndefined();
      expect(await suite.world.store.describe(arn)).toEqual(summary);
      expect((await suite.world.store.read(secretName)).value).toEqual(text('v'));
    });

    test('the current version and its time', async () => {
      const { arn, first } = await suite.created('the value');
      const version = await suite.world.store.read(arn);
      expect(version).toMatchObject({ versionId: first, value: text('the value') });
      expect(version.createdAt).toBeGreaterThan(1_577_836_800_000); // milliseconds, not seconds
    });

    test('bytes are returned as bytes', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const { value } = await suite.world.store.read(await suite.create('binary', { kind: 'binary', bytes }));
      expect(value.kind === 'binary' && [...value.bytes]).toEqual([...bytes]);
    });

    test('text is returned unchanged', async () => {
      const value = text('{"a": 1234567890123456789012345, "ü":"\\u00fc\\r\\n"}\n');
      expect((await suite.world.store.read(await suite.create('text', value))).value).toEqual(value);
    });

    test('a version by its id, also an older one', async () => {
      const { arn, first } = await suite.created('one');
      const second = await suite.world.write(arn, 'two');
      expect(await suite.world.store.read(arn, first)).toMatchObject({ versionId: first, value: text('one') });
      expect(await suite.world.store.read(arn)).toMatchObject({ versionId: second, value: text('two') });
    });

    test('a missing secret', async () => {
      for (const id of [
        suite.unique('missing'),
        'arn:aws:secretsmanager:us-east-1:000000000000:secret:missing-AbCdEf',
      ]) {
        await expect(suite.world.store.describe(id)).rejects.toEqual(failsWith('SecretNotFound'));
        await expect(suite.world.store.read(id)).rejects.toEqual(failsWith('SecretNotFound'));
      }
    });

    test('a secret without a value', async () => {
      const arn = await suite.create('empty');
      const summary = await suite.world.store.describe(arn);
      expect(summary.currentVersionId).toBeUndefined();
      expect(summary.versions.size).toBe(0);
      await expect(suite.world.store.read(arn)).rejects.toEqual(failsWith('SecretNotFound', /no value/));
    });

    test('a version that is not there', async () => {
      const { arn } = await suite.created();
      await expect(suite.world.store.read(arn, newVersionId())).rejects.toEqual(
        failsWith('SecretNotFound', /no value/),
      );
    });

    test('a secret being deleted can be described, but not read or written', async () => {
      const { arn, first } = await suite.created();
      await suite.world.remove(arn);
      expect((await suite.world.store.describe(arn)).deletedAt).toBeGreaterThan(1_577_836_800_000);
      const gone = failsWith('SecretNotFound', /scheduled for deletion/);
      await expect(suite.world.store.read(arn)).rejects.toEqual(gone);
      await expect(suite.world.store.stage(arn, newVersionId(), text('two'))).rejects.toEqual(gone);
      await expect(suite.world.store.promote(arn, first, first)).rejects.toEqual(gone);
      await expect(suite.world.store.discard(arn, first)).rejects.toEqual(gone);
      await expect(suite.world.store.tag(arn, { 'cert-renewer:failure': 'x' }, [])).rejects.toEqual(gone);
    });

    test('a replica is marked, and can’t be written', async () => {
      const { store, arn } = await suite.world.createReplica({
        name: suite.unique('replica'),
        tags: enrolled,
        value: text('one'),
      });
      const summary = await store.describe(arn);
      expect(summary).toMatchObject({ isReplica: true });
      expect(summary.tags.get('cert-renewer:profile')).toBe('internal');
      await expect(store.stage(arn, newVersionId(), text('two'))).rejects.toEqual(
        failsWith('InvalidRequest', /replica/),
      );
    });
  });

  describe('list', () => {
    async function listed(store: Store): Promise<{ pages: number[]; secrets: SecretSummary[] }> {
      const pages: number[] = [];
      const secrets: SecretSummary[] = [];
      for await (const page of store.list()) {
        pages.push(page.length);
        secrets.push(...page.filter((secret) => secret.name.includes(`/${suite.run}/`)));
      }
      return { pages, secrets };
    }

    test('250 secrets, page by page, and none without exactly that tag', { timeout: 60_000 }, async () => {
      const label = suite.unique('listed');
      const others = [{ 'cert-renewer:profile-of-mine': 'x' }, { 'cert-renewer:profil': 'x' }, { team: 'edge' }];
      for (const [index, tags] of others.entries()) await suite.world.create({ name: `${label}/other/${index}`, tags });
      const names = Array.from({ length: 250 }, (_, index) => `${label}/${String(index).padStart(3, '0')}`);
      for (let start = 0; start < names.length; start += 25) {
        await Promise.all(
          names.slice(start, start + 25).map((secretName) => suite.world.create({ name: secretName, tags: enrolled })),
        );
      }
      const { pages, secrets } = await listed(suite.world.store);
      expect(
        secrets
          .map((secret) => secret.name)
          .filter((each) => each.startsWith(label))
          .sort(),
      ).toEqual(names);
      expect(pages.length).toBeGreaterThanOrEqual(3);
      expect(Math.max(...pages)).toBeLessThanOrEqual(100);
    });

    test('returns the same as describe, also for secrets being deleted', async () => {
      const { arn, first } = await suite.created('one');
      const next = newVersionId();
      await suite.world.store.stage(arn, next, text('two'));
      await suite.world.store.promote(arn, first, next);
      const empty = await suite.create('empty');
      const deleted = await suite.create('deleted', text('one'));
      await suite.world.remove(deleted);
      const { secrets } = await listed(suite.world.store);
      for (const each of [arn, empty, deleted]) {
        expect(secrets.find((secret) => secret.arn === each)).toEqual(await suite.world.store.describe(each));
      }
    });

    test('a listing continues from any page, and misses nothing', { timeout: 60_000 }, async () => {
      const label = suite.unique('goes-on');
      const names = Array.from({ length: 120 }, (_, index) => `${label}/${String(index).padStart(3, '0')}`);
      for (let start = 0; start < names.length; start += 30) {
        await Promise.all(
          names.slice(start, start + 30).map((secretName) => suite.world.create({ name: secretName, tags: enrolled })),
        );
      }
      const seen: string[] = [];
      let place: string | undefined;
      do {
        const page: SecretPage = (await suite.world.store.list(place)[Symbol.asyncIterator]().next()).value;
        seen.push(...page.map((secret) => secret.name));
        place = page.next;
      } while (place !== undefined);
      expect(seen.filter((each) => each.startsWith(label)).sort()).toEqual(names);
    });

    test('a consumer may stop after the first page', async () => {
      for await (const page of suite.world.store.list()) {
        expect(page.length).toBeGreaterThan(0);
        break;
      }
    });
  });
}
