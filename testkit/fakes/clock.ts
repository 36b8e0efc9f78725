import type { Instant } from '../../lambdas/domain/instant.ts';
import type { Clock } from '../../lambdas/domain/ports.ts';

/** A clock that stands still until it is set. Sleeping moves it forward and takes no real time. */
export class FakeClock implements Clock {
  #now: Instant;
  /** The length in milliseconds of every sleep so far. */
  readonly sleeps: number[] = [];

  /** `start` is milliseconds since 1970 or RFC 3339. */
  constructor(start: Instant | string = '2026-11-22T08:00:00Z') {
    this.#now = typeof start === 'string' ? Date.parse(start) : start;
  }

  now(): Instant {
    return this.#now;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.#now += milliseconds;
  }

  set(instant: Instant | string): void {
    this.#now = typeof instant === 'string' ? Date.parse(instant) : instant;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
