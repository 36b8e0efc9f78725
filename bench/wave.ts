/**
 * A wave of certificates that become due at once. The worker's real bundle runs in as many processes as the event source mapping
 * allows. The queue delivers and takes back messages as SQS does. Secrets Manager's quota of writes applies.
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
  /** Seconds from the first delivered message to the end of the last one. */
  readonly seconds: number;
  /** Seconds that the quota of writes alone takes. */
  readonly quota: number;
  readonly calls: Calls;
  readonly deadLetters: number;
  /** Seconds of all invocations together, which Lambda bills. */
  readonly billed: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  deliveries: number;
  /** Milliseconds since 1970. */
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

/** A queue with the rules of SQS and the settings of cdk/functions/queues.ts. */
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

  /** A failed message becomes visible when the worker has decided, otherwise after the visibility timeout. */
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

/** An execution environment of the function. */
interface Worker {
  readonly child: ChildProcess;
  /** Rejects when it ends. */
  readonly ended: Promise<never>;
}

function start({ bundles, tlsEnv }: Scene): Worker {
  const argv = [...lambdaOptions(workerMemory), join(import.meta.dirname, 'parts', 'worker.mjs'), bundles.renew];
  const child = spawn(process.execPath, argv, { env: tlsEnv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a worker ended')));
  ended.catch(() => undefined); // workers are killed after the wave
  return { child, ended };
}

/** Works until the queue is empty. Returns the seconds of its invocations. */
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
