/**
 * A Lambda while it runs, as far as an end of it may come at any call: one that is dead goes on with nothing, whatever
 * its promises say, and one that has answered is frozen.
 */
import type { Event, Timeline } from './timeline.ts';

export class Invocation {
  readonly label: string;
  /** What it works on. */
  readonly secrets: readonly string[];
  readonly startedAt: number;
  state: 'running' | 'over' | 'dead' = 'running';
  /** `<secret> <version>` of every value that it has read, and of every version that it saw as the current one. */
  readonly read = new Set<string>();
  readonly seen = new Set<string>();
  /** It may renew before the time, and write to another secret. */
  isForced = false;
  hasOutput = false;
  /** By secret: the declaration that it writes, or has found written. */
  readonly declaring = new Map<string, string>();
  /** Faults that it has met. */
  hits = 0;
  readonly tasks: Task[] = [];
  readonly #timeline: Timeline;
  readonly #timers: Event[] = [];
  readonly #onEnd: () => void;

  constructor(timeline: Timeline, label: string, secrets: readonly string[], onEnd: () => void) {
    this.#timeline = timeline;
    this.label = label;
    this.secrets = secrets;
    this.startedAt = timeline.now();
    this.#onEnd = onEnd;
  }

  /** A thread of it; `secret` is the one that it works on, if it is one alone. */
  task(secret?: string): Task {
    const task = new Task(this.#timeline, this, secret);
    this.tasks.push(task);
    return task;
  }

  /** As compose.ts has it. */
  readonly abortedIn = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    this.#timers.push(this.#timeline.at(this.#timeline.now() + milliseconds, () => controller.abort()));
    return controller.signal;
  };

  /** Milliseconds from now, unless it has ended by then. */
  after(milliseconds: number, run: () => void): void {
    this.#timers.push(this.#timeline.at(this.#timeline.now() + milliseconds, run));
  }

  kill(): void {
    this.#end('dead');
  }

  answered(): void {
    this.#end('over');
  }

  #end(state: 'over' | 'dead'): void {
    if (this.state !== 'running') return;
    this.state = state;
    for (const timer of this.#timers) timer.run = undefined;
    for (const task of this.tasks) task.end();
    this.#onEnd();
  }
}

export class Task {
  readonly invocation: Invocation;
  readonly secret: string | undefined;
  readonly #timeline: Timeline;
  /** What it waits for; more than one where it does several things at a time. */
  #waits = 0;
  #isCounted = false;

  constructor(timeline: Timeline, invocation: Invocation, secret: string | undefined) {
    this.#timeline = timeline;
    this.invocation = invocation;
    this.secret = secret;
  }

  /** Runs it to its end; never resolves if the invocation comes to its own before. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#isCounted = true;
    this.#timeline.running += 1;
    try {
      return await work();
    } finally {
      this.end();
    }
  }

  end(): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    if (this.#waits === 0) this.#timeline.running -= 1;
  }

  /** Waits for something that comes by an event, or by somebody else who waits for one. */
  async waitingFor<T>(something: () => Promise<T>): Promise<T> {
    this.#rest();
    try {
      return await something();
    } finally {
      this.#goOn();
    }
  }

  /** Until its turn comes, some time later; never, if the process has died by then. */
  turn(milliseconds: number): Promise<void> {
    this.#rest();
    return new Promise((resolve) => {
      this.#timeline.at(this.#timeline.now() + milliseconds, () => {
        if (this.invocation.state === 'dead') return;
        this.#goOn();
        resolve();
      });
    });
  }

  #rest(): void {
    this.#waits += 1;
    if (this.#isCounted && this.#waits === 1) this.#timeline.running -= 1;
  }

  #goOn(): void {
    this.#waits -= 1;
    if (this.#isCounted && this.#waits === 0) this.#timeline.running += 1;
  }
}

/** What a process that is no more gives for an answer. */
export const never = <T>(): Promise<T> => new Promise(() => undefined);
