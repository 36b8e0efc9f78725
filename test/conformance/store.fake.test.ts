import { FakeStore } from '../../testkit/fakes/store.ts';
import { storeSuite } from './store.ts';

storeSuite('fake', async () => {
  const store = new FakeStore();
  return {
    store,
    maker: store,
    createKey: async () => 'arn:aws:kms:us-east-1:000000000000:key/1234',
    create: async (input) => store.add(input),
    write: async (secretArn, text) => store.write(secretArn, text),
    remove: async (secretArn) => store.delete(secretArn),
    createReplica: async (input) => ({ store, arn: store.add({ ...input, primaryRegion: 'eu-central-1' }) }),
    close: async () => {},
  };
});
