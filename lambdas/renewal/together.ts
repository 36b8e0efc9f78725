/**
 * The events of a batch travel together: each waits until every message that is still under way has come so far, or is
 * done, and then they are one call of the bus. Not for long: a slow CA keeps nobody else's event back.
 */
import type { Publisher } from '../domain/ports.ts';
import type { RenewalWorld } from './world.ts';

/** Milliseconds that the first event waits for the others. */
const longestWait = 500;

export interface Together {
  readonly publisher: Publisher;
  /** One of the messages is done with: nobody waits for it any more. */
  done(): void;
}

export function publishTogether(world: Pick<RenewalWorld, 'publisher' | 'clock'>, messages: number): Together {
  let underWay = messages;
  let waiting: (() => void)[] = [];
  const send = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  const sendIfComplete = (): void => {
    if (waiting.length >= underWay) send();
  };
  return {
    publisher: {
      publish: (event) =>
        new Promise((resolve, reject) => {
          waiting.push(() => world.publisher.publish(event).then(resolve, reject));
          // Out of time the clock rings early, and the publisher says by itself that it is too late.
          if (waiting.length === 1) world.clock.sleep(longestWait).then(send, send);
          sendIfComplete();
        }),
    },
    done() {
      underWay -= 1;
      sendIfComplete();
    },
  };
}
