import type { Clock, Queue } from '../../lambdas/domain/ports.ts';
import { deliveries, type QueueMessage } from '../../lambdas/domain/request.ts';

export interface TimedMessage {
  readonly receiptHandle: string;
  readonly body: QueueMessage;
  readonly sentAt: number;
  visibleAt: number;
  received: number;
  firstAt?: number;
}

const visibilityTimeout = 300_000;

/** SQS with the stack's settings (cdk/functions/queues.ts), on a given clock. */
export class TimedQueue implements Queue {
  readonly deadLetters: TimedMessage[] = [];
  /** The arrival time of each message. */
  readonly sentAt: number[] = [];
  #held: TimedMessage[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async send(messages: readonly QueueMessage[], delaySeconds = 0): Promise<void> {
    const now = this.#clock.now();
    for (const { secretArn, versionId, force } of messages) {
      const receiptHandle = `receipt-${this.sentAt.push(now)}`;
      const body = { secretArn, versionId, ...(force === undefined ? {} : { force }) };
      this.#held.push({ receiptHandle, body, sentAt: now, visibleAt: now + delaySeconds * 1_000, received: 0 });
    }
  }

  async changeVisibility(receiptHandle: string, seconds: number): Promise<void> {
    const held = this.#held.find((each) => each.receiptHandle === receiptHandle);
    if (held) held.visibleAt = this.#clock.now() + seconds * 1_000;
  }

  get length(): number {
    return this.#held.length;
  }

  /** Returns the time at which the next message can be received. Undefined for an empty queue. */
  get nextAt(): number | undefined {
    if (this.#held.length === 0) return undefined;
    return this.#held.reduce((least, { visibleAt }) => Math.min(least, visibleAt), Number.POSITIVE_INFINITY);
  }

  receive(most: number): readonly TimedMessage[] {
    const now = this.#clock.now();
    const dead = this.#held.filter(({ visibleAt, received }) => visibleAt <= now && received >= deliveries);
    this.deadLetters.push(...dead);
    this.#held = this.#held.filter((each) => !dead.includes(each));
    const batch = this.#held.filter(({ visibleAt }) => visibleAt <= now).slice(0, most);
    for (const held of batch) {
      held.received += 1;
      held.firstAt ??= now;
      held.visibleAt = now + visibilityTimeout;
    }
    return batch;
  }

  remove(batch: readonly Pick<TimedMessage, 'receiptHandle'>[]): void {
    const gone = new Set(batch.map(({ receiptHandle }) => receiptHandle));
    this.#held = this.#held.filter(({ receiptHandle }) => !gone.has(receiptHandle));
  }
}
