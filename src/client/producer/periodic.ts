import { InvalidArgumentError } from '../errors';
import type { Milliseconds } from '../time';
import { WALL_CLOCK, type Clock } from '../clock';

/** What is done at an interval takes these. */
export interface PeriodicOptions {
  /** The time from one to the next, in milliseconds. @default 15000 */
  readonly interval?: Milliseconds;
  /** @default the clock of the process */
  readonly clock?: Clock;
  /** Is told each failure. @default failures are counted only */
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
/** Timers of Node.js take no more than this; it is 24.8 days. */
const MAX_INTERVAL = 2 ** 31 - 1;

/** Does something at an interval, never twice at once, and a last time when it is closed. */
export class Periodic {
  readonly #task: () => Promise<void>;
  readonly #interval: Milliseconds;
  readonly #clock: Clock;
  readonly #onError: ((error: unknown) => void) | undefined;
  #stats: PeriodicStats = { succeeded: 0, failed: 0, skipped: 0 };
  #next: Milliseconds;
  #cancel = (): void => undefined;
  /** How many runs are under way or wait for it. */
  #pending = 0;
  /** Settles when all runs so far are done; never rejects. */
  #idle: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(task: () => Promise<void>, { interval = DEFAULT_INTERVAL, clock, onError }: PeriodicOptions) {
    this.#task = task;
    this.#interval = validateInterval(interval);
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
      await this.#task();
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

function validateInterval(interval: Milliseconds): Milliseconds {
  if (interval >= 1 && interval <= MAX_INTERVAL) return interval;
  throw new InvalidArgumentError(
    `interval: ${String(interval)} is no interval; give milliseconds from 1 to ${MAX_INTERVAL}`,
  );
}
