import type { Milliseconds } from '../time';

/** Time and timers, so that tests can have their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): Milliseconds;
  /** Calls back once, after so many milliseconds. Returns what `clearTimeout` takes. */
  setTimeout(callback: () => void, delay: Milliseconds): unknown;
  clearTimeout(timer: unknown): void;
}

/** The clock of the process. Its timers do not keep the process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
