/**
 * Virtual time, and the order of events. Everything happens by an event of this list. Before the next event, every task
 * that was woken has reached a call of a port, a sleep, or its end. So only the seed decides on the order.
 */
import type { Clock } from '../../lambdas/domain/ports.ts';
import type { Random } from './random.ts';

/** An event at a time. It can be cancelled. */
export interface Event {
  readonly at: number;
  /** The order of events at the same time. The lowest rank is first. */
  readonly turn: number;
  run: (() => void) | undefined;
}

export class Timeline implements Clock {
  readonly #random: Random;
  readonly #longestRest: number;
  readonly #heap: Event[] = [];
  #now: number;
  /** The number of running tasks. The next event waits for them. */
  running = 0;
  /** The number of running tasks that can't be awaited one by one. After each event `settle` waits for them. */
  uncounted = 0;
  settle: () => Promise<unknown> = async () => undefined;
  /** true after everything was stopped. */
  #stopped = false;

  /** `longestRest` is in milliseconds of real time. The machine may be busy. */
  constructor(start: number, random: Random, longestRest = 60_000) {
    this.#now = start;
    this.#random = random;
    this.#longestRest = longestRest;
  }

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((wake) => this.at(this.#now + milliseconds, wake));
  }

  at(instant: number, run: () => void): Event {
    const event = { at: Math.max(this.#now, Math.ceil(instant)), turn: this.#random.next(), run };
    push(this.#heap, event);
    return event;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Plays all events up to this time. */
  async run(until: number): Promise<void> {
    for (let next = this.#heap[0]; next && next.at <= until && !this.#stopped; next = this.#heap[0]) {
      pop(this.#heap);
      if (next.run === undefined) continue;
      this.#now = next.at;
      next.run();
      await this.#rest();
    }
    this.#now = Math.max(this.#now, until);
  }

  async #rest(): Promise<void> {
    const began = performance.now();
    let turns = 0;
    do {
      // By then every task that waits for nothing has continued. The first load of a module takes longer, and no other task
      // runs meanwhile.
      if (this.uncounted > 0 && turns > 0) await this.settle();
      await new Promise<void>((goOn) => (++turns < shortRest ? setImmediate(goOn) : setTimeout(goOn, 1)));
      if (performance.now() - began > this.#longestRest) {
        throw new Error(`somebody waits for something that is no event: not done after ${this.#longestRest} ms`);
      }
    } while (this.running > 0 || (this.uncounted > 0 && turns < 3));
  }
}

const shortRest = 1_000;

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn);

function push(heap: Event[], event: Event): void {
  let place = heap.push(event) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(event, above)) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (;;) {
    const left = 2 * place + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const child = b !== undefined && isBefore(b, a) ? left + 1 : left;
    const below = heap[child];
    if (below === undefined || !isBefore(below, last)) break;
    heap[place] = below;
    place = child;
  }
  heap[place] = last;
}
