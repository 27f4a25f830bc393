import type { Milliseconds } from './time';

/** Time and timers, so that tests can have their own. */
export interface Clock {
  /** Milliseconds: since the Unix epoch where samples get their time from it, from any start elsewhere. */
  now(): Milliseconds;
  /** Calls back once, and returns what takes that back. */
  after(delay: Milliseconds, callback: () => void): () => void;
}

/** The time of day. Its timers do not keep the process alive. */
export const WALL_CLOCK: Clock = {
  now: () => Date.now(),
  after: (delay, callback) => {
    const timer = setTimeout(callback, delay).unref();
    return () => clearTimeout(timer);
  },
};

/** Never goes back. Its timers keep the process alive. */
export const MONOTONIC_CLOCK: Clock = {
  now: () => performance.now(),
  after: (delay, callback) => {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** Resolves after a time, or at once when the signal is given. */
export function sleep(clock: Clock, delay: Milliseconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.after(delay, wake);
    signal.addEventListener('abort', wake);
  });
}
