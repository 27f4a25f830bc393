import type { Milliseconds } from '../time';

/** Time, as a {@link RemoteWriter} sees it. For tests. */
export interface Clock {
  /** Milliseconds that never go back, from any start. */
  now(): Milliseconds;
  /** Calls back once, and returns what takes that back. */
  after(delay: Milliseconds, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
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
