/**
 * Trouble on order, for every fake: an error before a call has done anything, an answer that is lost after it has, and
 * somebody else who gets in between. `crashAt` is for tables of crashes: from that call on nothing works until `restart`.
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
  /** How many calls it hits, 1 by default; Infinity for all. */
  readonly times?: number;
  readonly matches?: (call: Call) => boolean;
}

/** The process died: no code of the product may catch this and go on, as every later call throws it too. */
export class Crash extends Error {
  constructor(at: string) {
    super(`the process ended ${at}`);
    this.name = 'Crash';
  }
}

export class Faults {
  /** Every call so far, those that failed too. */
  readonly calls: Call[] = [];
  /** The limits of the invocation that calls, as an adapter has them. */
  policy: CallPolicy = noLimits;
  /** Around each attempt: for a time that stands still while one is made. */
  task: <T>(attempt: () => Promise<T>) => Promise<T> = (attempt) => attempt();
  readonly #faults: Fault[] = [];
  #crash: { readonly call: number; readonly when: 'before' | 'after' } | undefined;
  #crashed: Crash | undefined;

  /** Calls of one method so far. */
  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /** `error` is thrown instead of the call. */
  failBefore(method: string, error: Error, options: FaultOptions = {}): this {
    return this.#add('before', method, () => Promise.reject(error), options);
  }

  /** The call does its work, then `error` is thrown: a timeout whose answer was lost. */
  loseAnswer(method: string, error: Error, options: FaultOptions = {}): this {
    return this.#add('after', method, () => Promise.reject(error), options);
  }

  /** `act` runs just before or after the call's work: someone else writes there. */
  meanwhile(when: 'before' | 'after', method: string, act: (call: Call) => unknown, options: FaultOptions = {}): this {
    return this.#add(when, method, act, options);
  }

  /** The process ends at the `call`th call from now on (1 is the next), before or after its work. */
  crashAt(call: number, when: 'before' | 'after'): this {
    this.#crash = { call: this.calls.length + call, when };
    return this;
  }

  /** A new process: calls work again. */
  restart(): this {
    this.#crash = undefined;
    this.#crashed = undefined;
    return this;
  }

  /** Whether the ordered crash has happened: in a table of crashes the first `false` is its end. */
  get crashed(): boolean {
    return this.#crashed !== undefined;
  }

  /** For fakes: the call by the policy's rule of `name`, with whatever trouble is on order around it. */
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
