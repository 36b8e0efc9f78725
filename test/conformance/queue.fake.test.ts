import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeQueue } from '../../testkit/fakes/queue.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
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

queueSuite('fake with a clock', async () => {
  const queue = new TimedQueue(new FakeClock());
  return {
    queue,
    receive: async () => queue.receive(Number.POSITIVE_INFINITY),
    remove: async (received) => queue.remove(received),
    close: async () => {},
  };
});
