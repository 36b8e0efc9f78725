/**
 * A queue and its workers in virtual time, which passes only while everything waits: the real scan and the real handler, the
 * fakes around them, and a CA with a limit of requests a second.
 */
import type { SQSBatchResponse } from 'aws-lambda';
import type { AwsCall } from '../../lambdas/aws/error-meanings.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import type { CaProvider, Clock, Credential } from '../../lambdas/domain/ports.ts';
import { refusal } from '../../lambdas/providers/step-ca/errors.ts';
import type { FakeCa } from '../../testkit/fakes/ca.ts';
import type { FakeClock } from '../../testkit/fakes/clock.ts';
import type { Faults } from '../../testkit/fakes/faults.ts';
import type { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import type { FakeStore } from '../../testkit/fakes/store.ts';
import type { TimedQueue } from '../../testkit/fakes/timed-queue.ts';

/**
 * Time that stands still while work is done, and then jumps to the next timer. Work on other threads (a CA that signs) must be
 * a task, so that it is waited for. All other work finishes within a few turns of the event loop.
 */
export class VirtualTime {
  readonly #clock: FakeClock;
  #timers: { readonly at: number; readonly wake: () => void }[] = [];
  #working = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  readonly clock: Clock = {
    now: () => this.#clock.now(),
    sleep: (milliseconds) => this.until(this.#clock.now() + milliseconds),
  };

  async task<T>(work: () => Promise<T>): Promise<T> {
    this.#working++;
    try {
      return await work();
    } finally {
      this.#working--;
    }
  }

  /** Sleeps within a task, which does not count as work meanwhile. */
  async rest(milliseconds: number): Promise<void> {
    this.#working--;
    await new Promise<void>((done) => {
      const wake = () => {
        this.#working++;
        done();
      };
      this.#timers.push({ at: this.#clock.now() + milliseconds, wake });
    });
  }

  until(instant: number): Promise<void> {
    return new Promise((wake) => this.#timers.push({ at: instant, wake }));
  }

  /** The abort signals that compose.ts gives to the handler. */
  readonly abortedIn = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    void this.until(this.#clock.now() + milliseconds).then(() => controller.abort());
    return controller.signal;
  };

  async pass(isOver: () => boolean): Promise<void> {
    for (let idleTurns = 0; !isOver(); ) {
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      if (this.#working > 0) continue;
      const next = this.#timers.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
      if (!Number.isFinite(next)) {
        if (++idleTurns > 10_000) throw new Error('nobody waits for anything, and it is not over');
        continue;
      }
      idleTurns = 0;
      this.#clock.set(Math.max(next, this.#clock.now()));
      const due = this.#timers.filter(({ at }) => at <= next);
      this.#timers = this.#timers.filter(({ at }) => at > next);
      for (const { wake } of due) wake();
    }
  }
}

export type Handler = (event: unknown, context: never) => Promise<SQSBatchResponse>;

/** Pause of an idle poller, in milliseconds. */
const idle = 5_000;

/** Acts as Lambda's poller: `most` concurrent batches of ten. Each has its own time-out. */
export function poll(
  time: VirtualTime,
  queue: TimedQueue,
  handler: Handler,
  most: number,
  isOver: () => boolean,
): void {
  const context: unknown = {
    awsRequestId: 'request-1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:renew',
    getRemainingTimeInMillis: () => 90_000,
  };
  const worker = async (): Promise<void> => {
    while (!isOver()) {
      const batch = queue.receive(10);
      if (batch.length === 0) {
        await time.until((Math.floor(time.clock.now() / idle) + 1) * idle);
        continue;
      }
      const Records = batch.map(({ receiptHandle, body, received, firstAt }) => ({
        ...{ messageId: receiptHandle, receiptHandle, body: JSON.stringify(body), eventSource: 'aws:sqs' },
        attributes: { ApproximateReceiveCount: String(received), ApproximateFirstReceiveTimestamp: String(firstAt) },
      }));
      const { batchItemFailures } = await handler({ Records }, context as never);
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      queue.remove(batch.filter(({ receiptHandle }) => !failed.has(receiptHandle)));
    }
  };
  for (let n = 0; n < most; n++) void worker();
}

export interface Pressure {
  /** Time of each request. */
  readonly asked: number[];
  /** The largest number of concurrent requests at the CA. */
  peak: number;
}

const answerTakes = 200;
const refusalTakes = 50;

/** Returns the CA as it answers in virtual time. */
export function timed(ca: FakeCa, time: VirtualTime): CaProvider {
  ca.faults.task = (attempt) => time.task(attempt);
  return ca;
}

/** Takes a token if there is one. */
function bucket(clock: Clock, perSecond: () => number): () => boolean {
  let tokens = perSecond();
  let filledAt = clock.now();
  return () => {
    tokens = Math.min(perSecond(), tokens + ((clock.now() - filledAt) / 1_000) * perSecond());
    filledAt = clock.now();
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

const callTakes = 30;

interface Quota {
  refused: number;
}

/** Secrets Manager's quota: PutSecretValue and UpdateSecretVersionStage together, for the whole account. */
export function limitWrites(store: FakeStore, time: VirtualTime, perSecond: number): Quota {
  return limitCalls(
    store.faults,
    ['stage', 'promote'],
    { service: 'secrets', action: 'PutSecretValue' },
    time,
    perSecond,
  );
}

/** SSM's quota: GetParameter, for the whole account. Each call comes from a cold worker, which knows no profile yet. */
export function limitParameters(profiles: FakeProfiles, time: VirtualTime, perSecond: number): Quota {
  return limitCalls(profiles.faults, ['find'], { service: 'ssm', action: 'GetParameter' }, time, perSecond);
}

/** The SDK tries three times, and its last error is translated. */
function limitCalls(
  faults: Faults,
  methods: readonly string[],
  call: Pick<AwsCall, 'service' | 'action'>,
  time: VirtualTime,
  perSecond: number,
): Quota {
  const take = bucket(time.clock, () => perSecond);
  const quota = { refused: 0 };
  const enter = async ({ args: [resource] }: { readonly args: readonly unknown[] }): Promise<void> => {
    for (const pause of [100, 200, 0]) {
      await time.clock.sleep(callTakes);
      if (take()) return;
      await time.clock.sleep(pause);
    }
    quota.refused++;
    const thrown = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    throw awsError(thrown, { ...call, resource: String(resource) });
  };
  for (const method of methods) faults.meanwhile('before', method, enter, { times: Infinity });
  return quota;
}

/** A bucket of `perSecond` tokens that fills at the same rate. An empty bucket refuses with the error of step-ca's client. */
export function limit(ca: FakeCa, time: VirtualTime, perSecond: () => number, retryAfter?: string): Pressure {
  const { clock } = time;
  const pressure: Pressure = { asked: [], peak: 0 };
  const take = bucket(clock, perSecond);
  let present = 0;
  const enter = async ({ args }: { readonly args: readonly unknown[] }): Promise<void> => {
    pressure.asked.push(clock.now());
    pressure.peak = Math.max(pressure.peak, ++present);
    const isServed = take();
    await time.rest(isServed ? answerTakes : refusalTakes);
    present--;
    if (isServed) return;
    const [{ leaf }] = args as [Credential];
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    const answer = { status: 429, headers, body: Buffer.from('{"message":"too many requests"}') };
    throw refusal(answer, { host: 'ca.example', leaf, now: clock.now() });
  };
  for (const method of ['renew', 'rekey']) ca.faults.meanwhile('before', method, enter, { times: Infinity });
  return pressure;
}
