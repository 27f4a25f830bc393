import { timeAfter, WALL_CLOCK, type Clock } from '../clock';
import { InvalidArgumentError } from '../errors';
import { validateTimeout } from '../limits';
import type { Milliseconds } from '../time';

/** What is done at an interval takes these. */
export interface PeriodicOptions {
  /** The time from one to the next, in milliseconds. @default 15000 */
  readonly interval?: Milliseconds;
  /** Gives the time of day, which samples have. @default - the clock of the system */
  readonly clock?: Clock;
  /** Is told each failure. @default - failures are counted only */
  readonly onError?: (error: unknown) => void;
}

/** How often it was done. */
export interface PeriodicStats {
  /** Times that it succeeded. */
  readonly succeeded: number;
  /** Times that it failed. */
  readonly failed: number;
  /** Times that it was left out, because the one before was still under way. */
  readonly skipped: number;
}

const DEFAULT_INTERVAL = 15_000;

/**
 * Does something at an interval, never twice at once, and a last time when it is closed. Each run has its time, for the
 * samples that it makes.
 */
export class Periodic {
  readonly #task: (time: Milliseconds) => Promise<void>;
  readonly #interval: Milliseconds;
  readonly #clock: Clock;
  readonly #onError: ((error: unknown) => void) | undefined;
  #stats: PeriodicStats = { succeeded: 0, failed: 0, skipped: 0 };
  #next: Milliseconds;
  /** The time of the last run. */
  #time: Milliseconds = -Infinity;
  #cancel = (): void => undefined;
  /** How many runs are under way or wait for it. */
  #pending = 0;
  /** Settles when all runs so far are done; never rejects. */
  #idle: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    task: (time: Milliseconds) => Promise<void>,
    { interval = DEFAULT_INTERVAL, clock, onError }: PeriodicOptions,
  ) {
    this.#task = task;
    this.#interval = validateTimeout('interval', interval);
    this.#clock = clock ?? WALL_CLOCK;
    this.#onError = onError;
    this.#next = this.#clock.now();
    this.#schedule();
  }

  get stats(): PeriodicStats {
    return this.#stats;
  }

  /** Does it now, after what is under way. Rejects when it fails. */
  run(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(new InvalidArgumentError('closed: it does nothing any more'));
    return this.#run();
  }

  /** Does it a last time, after what is under way. Rejects when that fails; a second call gives the same promise. */
  close(): Promise<void> {
    this.#cancel();
    this.#closed ??= this.#run();
    return this.#closed;
  }

  #run(): Promise<void> {
    this.#pending++;
    const run = this.#idle.then(() => this.#attempt()).finally(() => this.#pending--);
    this.#idle = run.catch(() => undefined);
    return run;
  }

  async #attempt(): Promise<void> {
    try {
      this.#time = timeAfter(this.#time, this.#clock.now());
      await this.#task(this.#time);
      this.#count('succeeded');
    } catch (error) {
      this.#count('failed');
      this.#onError?.(error);
      throw error;
    }
  }

  #schedule(): void {
    const now = this.#clock.now();
    // Multiples of the interval since the start: delays do not add up, and what a long pause left out is not made up for.
    this.#next += this.#interval * Math.max(1, Math.ceil((now - this.#next + 1) / this.#interval));
    // They start anew when the clock was set back: it may take long until it has caught up.
    this.#next = Math.min(this.#next, now + this.#interval);
    this.#cancel = this.#clock.after(this.#next - now, () => {
      if (this.#closed !== undefined) return;
      this.#schedule();
      if (this.#pending > 0) this.#count('skipped');
      else void this.#run().catch(() => undefined);
    });
  }

  #count(what: keyof PeriodicStats): void {
    this.#stats = { ...this.#stats, [what]: this.#stats[what] + 1 };
  }
}
