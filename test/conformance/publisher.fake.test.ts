import { FakePublisher } from '../../testkit/fakes/publisher.ts';
import { publisherSuite } from './publisher.ts';

publisherSuite('fake', async () => {
  const publisher = new FakePublisher();
  return {
    publisher,
    delivered: async (secretArn) =>
      publisher.events
        .filter((event) => ('secretArn' in event ? event.secretArn : undefined) === secretArn)
        .map(({ type, detail }) => ({
          type,
          resources: secretArn ? [secretArn] : [],
          detail: { version: '1', ...detail },
        })),
    close: async () => {},
  };
});
