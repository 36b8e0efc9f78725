/**
 * Faults for every fake: an error before a call's work, an answer that is lost after it,
 * and another writer's work before or after it. `crashAt` is for tables of crashes: from that call on nothing works until `restart`.
 */
import { type CallName, type CallPolicy, callRules, noLimits, call as within } from '../../lambdas/domain/calls.ts';

export interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Fault {
  readonly when: 'before' | 'after';
  readonly method: string;
  readonly act: (call: Call) => unknown;
  readonly matches: (call: Call) => boolean;
  left: number;
}

export interface FaultOptions {
  /** The number of calls that fail. Default: 1. Infinity means all. */
  readonly times?: number;
  readonly matches?: (call: Call) => boolean;
}

/** The process has died. Code that catches this error can't continue, because every later call throws it too. */
export class Crash extends Error {
  constructor(at: string) {
    super(`the process ended ${at}`);
    this.name = 'Crash';
  }
}

export class Faults {
  /** All calls, including failed ones. */
  readonly calls: Call[] = [];
  /** The limits of the calling invocation, as an adapter has them. */
  policy: CallPolicy = noLimits;
  /** Wraps each attempt, for virtual time that must stand still during one. */
  task: <T>(attempt: () => Promise<T>) => Promise<T> = (attempt) => attempt();
  readonly #faults: Fault[] = [];
  #crash: { readonly call: number; readonly when: 'before' | 'after' } | undefined;
  #crashed: Crash | undefined;

  /** Returns the number of calls of a method. */
  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /** Throws `error` instead of the call. */
  failBefore(method: string, error: Error, options: FaultOptions = {}): this {
    return this.#add('before', method, () => Promise.reject(error), options);
  }

  /** Throws `error` after the call has done its work: a timeout whose answer was lost. */
  loseAnswer(method: string, error: Error, options: FaultOptions = {}): this {
    return this.#add('after', method, () => Promise.reject(error), options);
  }

  /** Runs `act` just before or after the call's work, as another writer would. */
  meanwhile(when: 'before' | 'after', method: string, act: (call: Call) => unknown, options: FaultOptions = {}): this {
    return this.#add(when, method, act, options);
  }

  /** Ends the process at the `call`th call from now on (1 is the next), before or after the call's work. */
  crashAt(call: number, when: 'before' | 'after'): this {
    this.#crash = { call: this.calls.length + call, when };
    return this;
  }

  /** Starts a new process. Calls work again. */
  restart(): this {
    this.#crash = undefined;
    this.#crashed = undefined;
    return this;
  }

  /** Tells whether the crash has happened. In a table of crashes the first `false` ends the table. */
  get crashed(): boolean {
    return this.#crashed !== undefined;
  }

  /** For fakes: makes the call by the policy's rule for `name`, with its faults. */
  around<T>(
    method: string,
    args: readonly unknown[],
    work: (signal: AbortSignal | undefined) => T | Promise<T>,
    name: string = method,
  ): Promise<T> {
    if (!isCallName(name)) return this.task(() => this.#attempt(method, args, () => work(undefined)));
    return within(this.policy, name, (signal) => this.task(() => this.#attempt(method, args, () => work(signal))));
  }

  async #attempt<T>(method: string, args: readonly unknown[], work: () => T | Promise<T>): Promise<T> {
    if (this.#crashed) throw this.#crashed;
    const call = { method, args };
    const number = this.calls.push(call);
    this.#crashIf(number, 'before', method);
    await this.#run('before', call);
    const answer = await work();
    this.#crashIf(number, 'after', method);
    await this.#run('after', call);
    return answer;
  }

  #add(
    when: Fault['when'],
    method: string,
    act: Fault['act'],
    { times = 1, matches = () => true }: FaultOptions,
  ): this {
    this.#faults.push({ when, method, act, matches, left: times });
    return this;
  }

  #crashIf(number: number, when: 'before' | 'after', method: string): void {
    if (this.#crash?.call !== number || this.#crash.when !== when) return;
    this.#crashed = new Crash(`${when} ${method} (call ${number})`);
    throw this.#crashed;
  }

  async #run(when: Fault['when'], call: Call): Promise<void> {
    for (const fault of this.#faults) {
      if (fault.when !== when || fault.method !== call.method || fault.left <= 0 || !fault.matches(call)) continue;
      fault.left -= 1;
      await fault.act(call);
    }
  }
}

const isCallName = (name: string): name is CallName => Object.hasOwn(callRules, name);
