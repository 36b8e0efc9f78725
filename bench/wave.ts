/**
 * A wave: so many certificates due at once, the worker's real bundle in as many processes as the event source mapping has
 * invocations, a queue that gives and takes back messages as SQS does, and Secrets Manager's quota of writes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliveries } from '../lambdas/domain/request.ts';
import { stepCaWorld } from './contests.ts';
import { assumed } from './model.ts';
import { arnOf, type Calls, firstVersion } from './parts/aws.ts';
import { lambdaOptions } from './parts/measure.ts';
import type { Scene } from './scene.ts';
import { batchSize, maxConcurrency, visibilityTimeout, workerMemory, workerTimeout } from './stack.ts';

export interface Waved {
  /** Seconds from the first message that is taken to the last that is done with. */
  readonly seconds: number;
  /** What the quota alone takes. */
  readonly quota: number;
  readonly calls: Calls;
  readonly deadLetters: number;
  /** Seconds of all invocations together: what Lambda bills. */
  readonly billed: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  deliveries: number;
  /** Milliseconds since the epoch. */
  visibleAt: number;
}

export async function wave(
  scene: Scene,
  count: number,
  { workers: width = maxConcurrency, writes: writesPerSecond = assumed.writes } = {},
): Promise<Waved> {
  const { awsCall: latency, writesPerRenewal } = assumed;
  await scene.aws.set({ ...stepCaWorld(scene, 'rekey'), latency, writesPerSecond });
  const queue = new Queue(scene, count);
  const workers = Array.from({ length: width }, () => start(scene));
  try {
    const began = performance.now();
    const billed = await Promise.all(workers.map((worker) => poll(queue, worker)));
    const seconds = (performance.now() - began) / 1000;
    const [calls, renewed] = await Promise.all([scene.aws.calls(), scene.aws.renewed()]);
    if (renewed + queue.deadLetters !== count) throw new Error(`of ${count} certificates ${renewed} were renewed`);
    return {
      seconds,
      quota: (count * writesPerRenewal) / writesPerSecond,
      calls,
      deadLetters: queue.deadLetters,
      billed: billed.reduce((sum, each) => sum + each, 0),
    };
  } finally {
    for (const { child } of workers) child.kill();
  }
}

/** As SQS and cdk/functions/queues.ts have it. */
class Queue {
  deadLetters = 0;
  readonly #scene: Scene;
  #messages: Message[];

  constructor(scene: Scene, count: number) {
    this.#scene = scene;
    this.#messages = Array.from({ length: count }, (_, index) => ({
      id: `m-${index}`,
      body: JSON.stringify({ secretArn: arnOf(`s-${index}`), versionId: firstVersion }),
      deliveries: 0,
      visibleAt: 0,
    }));
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  take(): readonly Message[] {
    const now = Date.now();
    const dead = this.#messages.filter((each) => each.deliveries === deliveries && each.visibleAt <= now);
    this.deadLetters += dead.length;
    this.#messages = this.#messages.filter((each) => !dead.includes(each));
    const taken = this.#messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, batchSize);
    for (const each of taken) {
      each.deliveries += 1;
      each.visibleAt = now + visibilityTimeout;
    }
    return taken;
  }

  /** What failed comes back when the worker has asked for, or else after the visibility timeout. */
  async done(taken: readonly Message[], failed: ReadonlySet<string>): Promise<void> {
    this.#messages = this.#messages.filter((each) => !taken.includes(each) || failed.has(each.id));
    if (failed.size === 0) return;
    const returned = await this.#scene.aws.returned();
    for (const each of taken) each.visibleAt = returned[receiptOf(each)] ?? each.visibleAt;
  }
}

const receiptOf = ({ id, deliveries }: Message): string => `${id}-${deliveries}`;

function eventOf(messages: readonly Message[]): unknown {
  const Records = messages.map((message) => ({
    messageId: message.id,
    receiptHandle: receiptOf(message),
    body: message.body,
    attributes: { ApproximateReceiveCount: String(message.deliveries) },
    eventSource: 'aws:sqs',
  }));
  return { Records };
}

/** An environment of the function. */
interface Worker {
  readonly child: ChildProcess;
  /** Rejects when it ends. */
  readonly ended: Promise<never>;
}

function start({ bundles, tlsEnv }: Scene): Worker {
  const argv = [...lambdaOptions(workerMemory), join(import.meta.dirname, 'parts', 'worker.mjs'), bundles.renew];
  const child = spawn(process.execPath, argv, { env: tlsEnv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a worker ended')));
  ended.catch(() => undefined); // after the wave it is expected
  return { child, ended };
}

/** Until the queue is empty. Gives the seconds of its invocations. */
async function poll(queue: Queue, { child, ended }: Worker): Promise<number> {
  let billed = 0;
  while (!queue.isEmpty) {
    const taken = queue.take();
    if (taken.length === 0) {
      await sleep(50);
      continue;
    }
    const began = performance.now();
    const answered = once(child, 'message');
    child.send({ event: eventOf(taken), timeout: workerTimeout });
    const [{ answer }] = await Promise.race([answered, ended]);
    const took = performance.now() - began;
    if (took > workerTimeout) throw new Error(`an invocation took ${Math.round(took)} ms: Lambda would have ended it`);
    billed += took / 1000;
    const failed: readonly { itemIdentifier: string }[] = answer.batchItemFailures;
    await queue.done(taken, new Set(failed.map(({ itemIdentifier }) => itemIdentifier)));
  }
  return billed;
}
