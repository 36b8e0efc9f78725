/** The Lambdas of the stack and their callers: the schedule, the queue, Secrets Manager's rotation, and operators. */
import { type CallPolicy, type TimeLimits, timeLimits } from '../../lambdas/domain/calls.ts';
import type { FunctionAnswer } from '../../lambdas/domain/declaring.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { ScanRequest } from '../../lambdas/domain/request.ts';
import { versionWithStage } from '../../lambdas/domain/secret.ts';
import { parseQueueMessage } from '../../lambdas/policy/request.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import type { RenewalWorld } from '../../lambdas/renewal/world.ts';
import type { TimedMessage } from '../fakes/timed-queue.ts';
import { isWell } from './oracle.ts';
import { deadWhileWaiting } from './orders-watch.ts';
import { hour, minute, start } from './plan.ts';
import { type Providers, portsOf } from './ports.ts';
import type { Invocation, Task } from './process.ts';
import { lifetime, type Simulation } from './simulation.ts';
import type { Event } from './timeline.ts';

/** Changes the product's ports, to show that a broken guarantee is found. */
export type Tamper = (world: RenewalWorld) => RenewalWorld;

export class Functions {
  readonly #simulation: Simulation;
  readonly #tamper: Tamper;
  #working = 0;
  #poll: Event | undefined;
  /** The result of the last delivery of a message. */
  readonly #troubled = new Set<string>();

  constructor(simulation: Simulation, tamper: Tamper = (world) => world) {
    this.#simulation = simulation;
    this.#tamper = tamper;
    simulation.onQueued = () => this.#lookAgain();
  }

  // ---- The scan -----------------------------------------------------------------------------------------------------

  schedule(): void {
    const { timeline, plan } = this.#simulation;
    for (let at = 0; at <= plan.end; at += plan.period) {
      timeline.at(start + at, () => {
        this.#simulation.ledger.scans.push(timeline.now());
        this.scan({ force: false, dryRun: false });
      });
    }
  }

  /** Lambda retries an asynchronous invocation twice, after one and two minutes. */
  scan(request: ScanRequest, attempt = 1): void {
    const simulation = this.#simulation;
    const again = (): void => {
      if (attempt < 3)
        simulation.timeline.at(simulation.timeline.now() + attempt * minute, () => this.scan(request, attempt + 1));
    };
    const invocation = simulation.begin('scan', [], () => {
      if (invocation.state === 'dead') again();
    });
    const task = invocation.task();
    const continueLater = async (rest: ScanRequest): Promise<void> => this.scan(rest);
    void task
      .run(() => scan({ ...this.#scanPorts(task), continueLater }, request))
      .then(
        (counts) =>
          simulation.note(invocation.label, `counts ${counts.listed} ${counts.enqueued} ${counts.backingOff}`),
        (error: unknown) => {
          simulation.note(invocation.label, `fails: ${codeOf(error)}`);
          again();
        },
      )
      .finally(() => invocation.answered());
  }

  #scanPorts(task: Task) {
    const ports = portsOf(this.#simulation, task, { limits: timeLimits(lifetime, task.invocation.abortedIn) });
    return { ...ports, store: this.#tamper(ports).store };
  }

  // ---- The queue ----------------------------------------------------------------------------------------------------

  #lookAgain(): void {
    const { queue, timeline } = this.#simulation;
    const next = queue.nextAt;
    if (next === undefined) return;
    const at = Math.max(next, timeline.now() + 20);
    if (this.#poll?.run !== undefined && this.#poll.at <= at && this.#poll.at > timeline.now()) return;
    if (this.#poll) this.#poll.run = undefined;
    this.#poll = timeline.at(at, () => this.#receive());
  }

  #receive(): void {
    const { queue, plan, random, ledger, timeline } = this.#simulation;
    while (this.#working < plan.workers) {
      const dead = queue.deadLetters.length;
      const batch = queue.receive(random.between(1, 10));
      for (const { body, sentAt, receiptHandle } of queue.deadLetters.slice(dead)) {
        const excused = this.#troubled.has(receiptHandle);
        ledger.deadLetters.push({ message: body, sentAt, at: timeline.now(), excused });
        const record = ledger.find(body.secretArn);
        if (record) record.messages -= 1;
        if (record && !excused) deadWhileWaiting(this.#simulation, record);
        this.#simulation.note('the queue', 'has a dead letter', [this.#simulation.nameOf(body.secretArn)]);
      }
      if (batch.length === 0) break;
      this.#work(batch);
    }
    if (this.#working < plan.workers) this.#lookAgain();
  }

  /** Does the same as lambdas/functions/renew.ts. */
  #work(batch: readonly TimedMessage[]): void {
    const simulation = this.#simulation;
    const names = batch.map(({ body }) => simulation.nameOf(body.secretArn));
    this.#working += 1;
    const invocation = simulation.begin('worker', names, () => {
      this.#working -= 1;
      if (invocation.hits > 0) for (const { receiptHandle } of batch) this.#troubled.add(receiptHandle);
      this.#lookAgain();
    });
    invocation.isForced = batch.some(({ body }) => body.force);
    const limits = timeLimits(lifetime, invocation.abortedIn);
    const shared = invocation.task();
    const providers: Providers = new Map();
    const one = (message: TimedMessage, name: string): Promise<'done' | 'again'> => {
      const task = invocation.task(name);
      const policy: CallPolicy = { limits, patience: this.#patience(task) };
      const world = this.#tamper(portsOf(simulation, task, policy, shared, providers));
      return Promise.race([task.run(() => this.#renew(world, task, message)), timeIsOver(limits)]);
    };
    void Promise.all(batch.map((message, n) => one(message, names[n] ?? ''))).then((outcomes) => {
      if (invocation.state !== 'running') return;
      const done = batch.filter((_, n) => outcomes[n] === 'done');
      simulation.queue.remove(done);
      for (const record of done.flatMap(({ body }) => simulation.ledger.find(body.secretArn) ?? []))
        record.messages -= 1;
      simulation.note(invocation.label, `answers ${outcomes.join(' ')}`, names);
      invocation.answered();
    });
  }

  async #renew(
    world: RenewalWorld,
    task: Task,
    { body, received, firstAt, receiptHandle }: TimedMessage,
  ): Promise<'done' | 'again'> {
    const simulation = this.#simulation;
    try {
      const { retryAfter } = await renewQueued(world, parseQueueMessage(JSON.stringify(body)), received, firstAt);
      if (retryAfter === undefined) return 'done';
      const pause = () => simulation.queue.changeVisibility(receiptHandle, retryAfter);
      await simulation.call(task, 'pause', undefined, pause).catch(() => undefined);
      return 'again';
    } catch (error) {
      simulation.note(task.invocation.label, `fails: ${codeOf(error)}`, task.secret === undefined ? [] : [task.secret]);
      return error instanceof RenewalError && !error.retryable ? 'done' : 'again';
    }
  }

  // ---- By hand ------------------------------------------------------------------------------------------------------

  ask(secret: string, more: Readonly<Record<string, unknown>>): void {
    const simulation = this.#simulation;
    const { out, ...request } = more;
    const target = typeof out === 'object' && out !== null && 'secretId' in out ? String(out.secretId) : undefined;
    const invocation = simulation.begin('ask', target === undefined ? [secret] : [secret, target]);
    invocation.isForced = true;
    invocation.hasOutput = target !== undefined;
    const payload = { secretId: secret, ...request, ...(target !== undefined && { out: { secretId: target } }) };
    const task = invocation.task(secret);
    void this.#alone(invocation, task, async (world) => {
      const { outcome, reason } = await renewOnDemand(world, payload);
      simulation.note(invocation.label, `answers ${outcome} ${reason.code}`, invocation.secrets);
    }).catch((error: unknown) => {
      simulation.note(invocation.label, `fails: ${codeOf(error)}`, invocation.secrets);
      simulation.see('an answer', secret, String(error));
    });
  }

  /** Invokes the renew function and takes any answer. */
  invoke(request: Readonly<Record<string, unknown>>): Promise<FunctionAnswer> {
    const simulation = this.#simulation;
    const name = simulation.nameOf(String(request['secretId']));
    return new Promise((resolve) => {
      const ended = { kind: 'failed', errorType: 'Sandbox.Timedout', message: 'It ended without an answer.' } as const;
      const invocation = simulation.begin('ask', [name], () => {
        if (invocation.state === 'dead') resolve(ended);
      });
      invocation.isForced = true;
      void this.#alone(invocation, invocation.task(name), (world) => renewOnDemand(world, request)).then(
        (answer) => {
          simulation.note(invocation.label, `answers ${answer.outcome} ${answer.reason.code}`, invocation.secrets);
          resolve({ kind: 'answered', answer: JSON.parse(JSON.stringify(answer)) });
        },
        (error: unknown) => {
          simulation.note(invocation.label, `fails: ${codeOf(error)}`, invocation.secrets);
          simulation.see('an answer', name, String(error));
          resolve({ kind: 'failed', errorType: codeOf(error), message: error instanceof Error ? error.message : '' });
        },
      );
    });
  }

  #patience(task: Task): NonNullable<CallPolicy['patience']> {
    const { timeline, entropy } = this.#simulation;
    return { clock: { now: () => timeline.now(), sleep: (milliseconds) => task.turn(milliseconds) }, entropy };
  }

  #alone<T>(invocation: Invocation, task: Task, work: (world: RenewalWorld) => Promise<T>): Promise<T> {
    const limits = timeLimits(lifetime, invocation.abortedIn);
    const world = this.#tamper(portsOf(this.#simulation, task, { limits }));
    return task.run(() => work(world)).finally(() => invocation.answered());
  }

  // ---- Native rotation ----------------------------------------------------------------------------------------------

  /** Secrets Manager's native rotation. It uses the token of a pending version, else a new one. */
  rotate(secret: string): void {
    const { store, timeline, random, ledger } = this.#simulation;
    const record = ledger.find(secret);
    if (!record || record.rotation) return;
    const summary = store.summary(record.arn);
    if (!summary.rotation.enabled || summary.deletedAt !== undefined || summary.currentVersionId === undefined) return;
    const pending = versionWithStage(summary, 'AWSPENDING');
    const isWaiting = pending !== undefined && pending !== summary.currentVersionId;
    const token = isWaiting ? pending : uuid(this.#simulation.entropy(16));
    if (!isWaiting) {
      this.#simulation.willChange(record.arn);
      store.beginRotation(record.arn, token);
    }
    const isNew = record.rotation === undefined && !isWaiting;
    record.rotation = { token, startedAt: timeline.now(), attempts: 0 };
    this.#simulation.note('Secrets Manager', `${isNew ? 'begins' : 'goes on with'} a rotation`, [secret]);
    // The pauses grow. A rotation that always fails is retried without an end.
    const longest = Math.max(6 * hour, this.#simulation.plan.period / 2);
    const attempt = (): void => {
      const { rotation } = record;
      if (rotation === undefined) return;
      const now = store.summary(record.arn);
      const labels = now.versions.get(token) ?? [];
      // Rotation is off, the secret is being deleted, or another version has the stage. Secrets Manager starts again later.
      if (!now.rotation.enabled || now.deletedAt !== undefined || labels.length === 0) {
        record.rotation = undefined;
        return;
      }
      rotation.attempts += 1;
      if (this.#simulation.isQuiet) rotation.quietAttempts = (rotation.quietAttempts ?? 0) + 1;
      this.#steps(secret, record.arn, token, ['createSecret', 'setSecret', 'testSecret', 'finishSecret'], (isDone) => {
        if (isDone) record.rotation = undefined;
        else
          timeline.at(
            timeline.now() + Math.min(random.between(5, 60) * minute * 2 ** rotation.attempts, longest),
            attempt,
          );
      });
    };
    attempt();
  }

  /** RotateSecret with RotateImmediately false: only a test of the current version. */
  testRotation(secret: string): void {
    const { store, ledger } = this.#simulation;
    const record = ledger.find(secret);
    const summary = record && store.summary(record.arn);
    if (!record || !summary?.rotation.enabled || summary.deletedAt !== undefined || record.rotation) return;
    const { currentVersionId } = summary;
    const pending = versionWithStage(summary, 'AWSPENDING');
    // A pending version blocks it. The current version may keep the stage.
    if (currentVersionId === undefined || (pending ?? currentVersionId) !== currentVersionId) return;
    const token = uuid(this.#simulation.entropy(16));
    this.#simulation.willChange(record.arn);
    record.written(token, store.value(record.arn), 'Secrets Manager');
    store.stageAsPending(record.arn, token, store.value(record.arn));
    record.rotation = { token, startedAt: this.#simulation.timeline.now(), attempts: 1 };
    const before = record.slack;
    this.#steps(secret, record.arn, token, ['testSecret'], (isDone) => {
      record.rotation = undefined;
      this.#simulation.willChange(record.arn);
      store.dropPending(record.arn, token);
      const content = record.contents.get(currentVersionId);
      const wasWell = content?.kind === 'pair' && isWell(this.#simulation, record);
      if (!isDone && wasWell && record.slack === before) {
        ledger.violate('a test of a rotation failed', secret, 'The version held the current value.');
      }
    });
  }

  #steps(secret: string, arn: string, token: string, steps: readonly string[], ended: (isDone: boolean) => void): void {
    const [step, ...rest] = steps;
    if (step === undefined) {
      ended(true);
      return;
    }
    const simulation = this.#simulation;
    let isDone = false;
    const invocation = simulation.begin(`rotation ${step}`, [secret], () => {
      const next = (): void => (isDone ? this.#steps(secret, arn, token, rest, ended) : ended(false));
      simulation.timeline.at(simulation.timeline.now() + 500, next);
    });
    invocation.isForced = true;
    const task = invocation.task(secret);
    void this.#alone(invocation, task, async (world) => {
      await rotateStep(world, { Step: step, SecretId: arn, ClientRequestToken: token });
      isDone = true;
    }).catch((error: unknown) => {
      simulation.note(invocation.label, `fails: ${codeOf(error)}`, [secret]);
      simulation.see('an answer', secret, String(error));
    });
  }
}

function timeIsOver({ answer }: TimeLimits): Promise<'again'> {
  return new Promise((resolve) => answer.addEventListener('abort', () => resolve('again'), { once: true }));
}

const codeOf = (error: unknown): string => (error instanceof Error ? error.name : String(error));

function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
