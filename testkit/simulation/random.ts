/** The only source of randomness in a simulation. The same seed draws the same numbers. */
export class Random {
  #state: number;

  /** Returns a stream. Streams of different labels are independent. */
  constructor(seed: number, label = '') {
    let state = 0x811c9dc5;
    for (const letter of `${seed} ${label}`) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193);
    this.#state = state;
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** A number in [from, to] whose logarithm is uniform. */
  logBetween(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next());
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const [first] = list;
    const picked = list[this.below(list.length)] ?? first;
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
