import { FakeQueue } from '../fakes/queue.ts';
import { queueSuite } from './queue.ts';

queueSuite('fake', async () => {
  const queue = new FakeQueue();
  return {
    queue,
    receive: async () => queue.receive(),
    remove: async (received) => queue.remove(received.map(({ receiptHandle }) => receiptHandle)),
    close: async () => {},
  };
});
