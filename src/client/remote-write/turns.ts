/**
 * Spreads heavy steps over turns of the event loop, no more than one in each: what waits for network or timers gets in
 * between.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves in a turn that nobody else was given. */
  next(): Promise<void> {
    return (this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve))));
  }
}
