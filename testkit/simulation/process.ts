/**
 * A running Lambda. It may end at any call. A dead one does nothing more, even if its promises are
 * settled, and one that has answered is frozen.
 */
import type { Event, Timeline } from './timeline.ts';

export class Invocation {
  readonly label: string;
  /** The secrets that it works on. */
  readonly secrets: readonly string[];
  readonly startedAt: number;
  state: 'running' | 'over' | 'dead' = 'running';
  /** `<secret> <version>` of every value read, and of every version seen as the current one. */
  readonly read = new Set<string>();
  readonly seen = new Set<string>();
  /** true if it may renew early and write to another secret. */
  isForced = false;
  hasOutput = false;
  /** The declaration that it writes or has found, by secret. */
  readonly declaring = new Map<string, string>();
  /** What each address has presented to it. */
  readonly presented = new Map<string, Uint8Array | undefined>();
  /** The faults that its calls have met. */
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

  /** Starts a task of the process. `secret` is its secret, if it has only one. */
  task(secret?: string): Task {
    const task = new Task(this.#timeline, this, secret);
    this.tasks.push(task);
    return task;
  }

  /** The same as in compose.ts. */
  readonly abortedIn = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    this.#timers.push(this.#timeline.at(this.#timeline.now() + milliseconds, () => controller.abort()));
    return controller.signal;
  };

  /** Runs after so many milliseconds, unless the process has ended. */
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
  /** The calls that it waits for. Parallel work waits for several. */
  #waits = 0;
  #isCounted = false;

  constructor(timeline: Timeline, invocation: Invocation, secret: string | undefined) {
    this.#timeline = timeline;
    this.invocation = invocation;
    this.secret = secret;
  }

  /** Runs the task to its end. Never resolves if the invocation ends first. */
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

  /** Waits for something that an event, or another waiting task, completes. */
  async waitingFor<T>(something: () => Promise<T>): Promise<T> {
    this.#rest();
    try {
      return await something();
    } finally {
      this.#goOn();
    }
  }

  /** Waits for its turn. Never resolves if the process has died. */
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

/** The answer of a dead process. */
export const never = <T>(): Promise<T> => new Promise(() => undefined);
