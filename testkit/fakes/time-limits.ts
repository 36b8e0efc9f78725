/** Limits of time that are over when a test says so, however fast or slow the machine is. */
export class TimeLimits {
  /** How long each was to last, in milliseconds. */
  readonly asked: number[] = [];
  /** How often `pass` was called. */
  passed = 0;
  #running: AbortController[] = [];

  /** In place of AbortSignal.timeout. */
  readonly abortedIn = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    this.asked.push(milliseconds);
    this.#running.push(controller);
    return controller.signal;
  };

  /** So much time goes by that all that have begun are over. */
  readonly pass = (): void => {
    this.passed++;
    for (const controller of this.#running.splice(0)) controller.abort(new DOMException('over', 'TimeoutError'));
  };
}
