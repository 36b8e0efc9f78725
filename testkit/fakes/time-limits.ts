/** Time limits that end when a test decides, independent of the machine's speed. */
export class TimeLimits {
  /** The length of each limit, in milliseconds. */
  readonly asked: number[] = [];
  /** The number of calls of `pass`. */
  passed = 0;
  #running: AbortController[] = [];

  /** Replaces AbortSignal.timeout. */
  readonly abortedIn = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    this.asked.push(milliseconds);
    this.#running.push(controller);
    return controller.signal;
  };

  /** Ends all limits that have started. */
  readonly pass = (): void => {
    this.passed++;
    for (const controller of this.#running.splice(0)) controller.abort(new DOMException('over', 'TimeoutError'));
  };
}
