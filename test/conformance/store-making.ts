import { describe, expect, test } from 'vitest';
import { enrolled, type StoreSuite, text } from './store-suite.ts';

export function storeMaking(suite: StoreSuite): void {
  describe('create and setEncryptionKey', () => {
    const made = (name: string) => ({
      ...{ name, description: 'A certificate and its key.', tags: enrolled, encryptionKey: undefined },
      versionId: 'declared-empty-0123456789abcdef0123456789abcdef',
    });

    test('a secret with {}, its tags and its version', async () => {
      const { store, maker } = suite.world;
      const name = suite.unique('made');
      const arn = await maker.create(made(name));
      const summary = await store.describe(name);
      expect(summary).toMatchObject({ arn, name, currentVersionId: made(name).versionId });
      expect(Object.fromEntries(summary.tags)).toEqual(enrolled);
      expect((await store.read(name)).value).toEqual(text('{}'));
    });

    test('an existing one is reported, and left as it is', async () => {
      const { store, maker } = suite.world;
      const name = suite.unique('there');
      await suite.world.create({ name, tags: { team: 'edge' }, value: text('its own') });
      expect(await maker.create(made(name))).toBeUndefined();
      expect((await store.read(name)).value).toEqual(text('its own'));
      expect(Object.fromEntries((await store.describe(name)).tags)).toEqual({ team: 'edge' });
    });

    test('one that is scheduled for deletion', async () => {
      const name = suite.unique('deleted');
      await suite.world.remove(await suite.world.create({ name, value: text('x') }));
      // AWS has its own error for it. The emulator reports that the name is taken. In both cases describe shows why.
      const outcome = await suite.world.maker.create(made(name)).catch(({ code }) => code);
      expect(['SecretNotFound', undefined]).toContain(outcome);
      expect((await suite.world.store.describe(name)).deletedAt).toBeDefined();
    });

    test('another key: the value and its version stay', async () => {
      const { store, maker } = suite.world;
      const { arn, first } = await suite.created('one');
      const key = await suite.world.createKey();
      await maker.setEncryptionKey(arn, key);
      const summary = await store.describe(arn);
      expect(summary.currentVersionId).toBe(first);
      expect(summary.encryptionKey).toContain(key.split('/').at(-1));
      expect((await store.read(arn)).value).toEqual(text('one'));
    });
  });
}
