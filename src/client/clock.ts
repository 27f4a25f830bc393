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

/** A clock that is set back by more than this, in milliseconds, was wrong before. */
const WRONG_BEFORE: Milliseconds = 60_000;

/**
 * The time of samples that follow others: now, but later than theirs, as samples of a series are in order of their times.
 * A clock that was wrong before is followed: else there would be samples in the future until it has caught up.
 */
export function timeAfter(last: Milliseconds, now: Milliseconds): Milliseconds {
  return now < last - WRONG_BEFORE ? now : Math.max(now, last + 1);
}

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
