import type { Queue } from '../../lambdas/domain/ports.ts';
import type { QueueMessage } from '../../lambdas/domain/request.ts';
import { Faults } from './faults.ts';

interface Held {
  readonly receiptHandle: string;
  readonly body: QueueMessage;
  hidden: boolean;
}

/** A queue in memory. No time passes here, so a received message stays hidden until `changeVisibility` with 0. */
export class FakeQueue implements Queue {
  readonly faults: Faults;
  /** All messages sent, in order. */
  readonly sent: QueueMessage[] = [];
  /** The last visibility timeout in seconds, by receipt handle. */
  readonly pauses = new Map<string, number>();
  #held: Held[] = [];

  /** Fakes that share their faults share a process. A crash ends all of them. */
  constructor(faults = new Faults()) {
    this.faults = faults;
  }

  send(messages: readonly QueueMessage[], delaySeconds = 0): Promise<void> {
    return this.faults.around('send', [messages, delaySeconds], () => {
      for (const { secretArn, versionId, force } of messages) {
        const body = { secretArn, versionId, ...(force === undefined ? {} : { force }) };
        this.sent.push(body);
        this.#held.push({ receiptHandle: `receipt-${this.sent.length}`, body, hidden: delaySeconds > 0 });
      }
    });
  }

  changeVisibility(receiptHandle: string, seconds: number): Promise<void> {
    return this.faults.around('changeVisibility', [receiptHandle, seconds], () => {
      this.pauses.set(receiptHandle, seconds);
      for (const held of this.#held) if (held.receiptHandle === receiptHandle) held.hidden = seconds > 0;
    });
  }

  /** Receives messages, which are hidden from then on. */
  receive(): { readonly body: QueueMessage; readonly receiptHandle: string }[] {
    const visible = this.#held.filter(({ hidden }) => !hidden);
    for (const held of visible) held.hidden = true;
    return visible.map(({ body, receiptHandle }) => ({ body, receiptHandle }));
  }

  remove(receiptHandles: readonly string[]): void {
    this.#held = this.#held.filter(({ receiptHandle }) => !receiptHandles.includes(receiptHandle));
  }
}
