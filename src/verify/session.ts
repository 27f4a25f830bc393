import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes } from './kubernetes';
import { Failure, Skip, type Report, type Result, type Step, type Topic } from './report';

/** How long things may take, in milliseconds. */
export interface Patience {
  /** Until every workload is rolled out. @default 0, so that they must be now */
  readonly rollout?: number;
  /** Until what was written can be queried. @default 45000 */
  readonly visible?: number;
  /** Until every target is up and its samples arrive; longer than the scrape interval. @default 90000 */
  readonly scraped?: number;
  /** Until every rule is evaluated; longer than the evaluation interval. @default 90000 */
  readonly evaluated?: number;
  /** Until a deleted pod, or a restarted workload, is back. @default 600000 */
  readonly returned?: number;
  /** How old a sample must be to be seen for sure: to be missed in the chaos steps, to be deleted. @default 10000 */
  readonly settled?: number;
  /** Between two looks. @default 1000 */
  readonly interval?: number;
}

const PATIENCE: Required<Patience> = {
  rollout: 0,
  visible: 45_000,
  scraped: 90_000,
  evaluated: 90_000,
  returned: 600_000,
  settled: 10_000,
  interval: 1000,
};

/** For removing what was made. */
const CLEANUP_TIMEOUT = 30_000;

/** What happens, for whoever watches. */
export type Progress =
  | { readonly kind: 'begin'; readonly topic: Topic; readonly name: string }
  | { readonly kind: 'end'; readonly step: Step };

type Undo = (signal: AbortSignal) => Promise<void>;

/** One run: its steps, its deadline, and what it has to remove at the end. */
export class Session {
  public readonly patience: Required<Patience>;
  public readonly steps: Step[] = [];
  /** By what they remove. */
  private readonly undos = new Map<string, Undo>();
  private readonly writes = new Set<Promise<unknown>>();
  /** When the last write ended, by `performance.now()`. */
  private written = -Infinity;

  public constructor(
    public readonly kubernetes: Kubernetes,
    /** The value of the label `verify_run`. */
    public readonly run: string,
    patience: Patience,
    public readonly signal: AbortSignal,
    /** What may not be skipped. */
    private readonly required: readonly Topic[],
    private readonly onProgress: (progress: Progress) => void,
  ) {
    this.patience = { ...PATIENCE, ...patience };
  }

  /**
   * Does a step; nothing after an interruption, which ends the step at once.
   *
   * @param check throws what is wrong, a Failure or a Skip among others; gives what was seen
   */
  public async step(topic: Topic, name: string, check: () => Promise<string | undefined>): Promise<Result> {
    if (this.interrupted()) return 'skipped';
    this.onProgress({ kind: 'begin', topic, name });
    const start = performance.now();
    const end = (result: Result, reason: string, hints: readonly string[] = []): Result => {
      const step = { topic, name, result, duration: Math.round(performance.now() - start), reason, hints };
      this.steps.push(step);
      this.onProgress({ kind: 'end', step });
      return result;
    };
    try {
      return end('passed', (await this.unlessInterrupted(check())) ?? '');
    } catch (error) {
      if (this.interrupted()) return end('failed', 'interrupted');
      if (error instanceof Skip && this.required.includes(topic))
        return end('failed', `required, but ${error.message}`);
      if (error instanceof Skip) return end('skipped', error.message);
      return end('failed', reasonOf(error), error instanceof Failure ? error.hints : []);
    }
  }

  /** A step that cannot be done here. */
  public async skip(topic: Topic, name: string, reason: string): Promise<void> {
    await this.step(topic, name, () => Promise.reject(new Skip(reason)));
  }

  /** Whether everything so far is well. */
  public get healthy(): boolean {
    return !this.interrupted() && this.steps.every(({ result }) => result !== 'failed');
  }

  /**
   * @param what how the report names it when it cannot be removed
   * @param run removes it, before the signal; not that of the run, which may be interrupted
   */
  public undoLater(what: string, run: Undo): void {
    this.undos.set(what, run);
  }

  /** Has `settled` wait for a write. */
  public async writing<T>(write: Promise<T>): Promise<T> {
    this.writes.add(write);
    try {
      return await write;
    } finally {
      this.writes.delete(write);
      this.written = performance.now();
    }
  }

  /** Resolves when all that was written can be seen for sure; also after an interruption. */
  public async settled(): Promise<void> {
    await Promise.allSettled(this.writes);
    await delay(Math.max(0, this.written + this.patience.settled - performance.now()));
  }

  /** @throws the reason of the interruption */
  public async pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.signal });
  }

  /**
   * Looks again and again.
   *
   * @param look gives what is still wrong, or nothing; a Failure or a Skip that it throws ends the waiting at once
   * @returns what is still wrong when the time is over
   */
  public async until(timeout: number, look: () => Promise<string | undefined>): Promise<string | undefined> {
    const end = performance.now() + timeout;
    for (;;) {
      let wrong: string | undefined;
      try {
        wrong = await look();
      } catch (error) {
        if (error instanceof Failure || error instanceof Skip || this.signal.aborted) throw error;
        wrong = reasonOf(error);
      }
      if (wrong === undefined || performance.now() >= end) return wrong;
      await this.pause(this.patience.interval);
    }
  }

  /** Removes what was made, newest first, and tells all. Also after an interruption. */
  public async end(): Promise<Report> {
    const leftBehind: string[] = [];
    for (const [what, run] of [...this.undos].reverse()) {
      const signal = AbortSignal.timeout(CLEANUP_TIMEOUT);
      // Not everything that is asked of Kubernetes listens to a signal.
      const late = new Promise<never>((_, reject) => {
        signal.onabort = () => reject(new Error(`not within ${CLEANUP_TIMEOUT} ms`));
      });
      await Promise.race([run(signal), late]).catch((error: unknown) => leftBehind.push(`${what}: ${reasonOf(error)}`));
    }
    const { kubernetes, steps, run } = this;
    const works = this.healthy && steps.some(({ result }) => result === 'passed');
    return {
      context: kubernetes.context,
      namespace: kubernetes.namespace,
      run,
      result: works ? 'passed' : 'failed',
      steps,
      leftBehind,
    };
  }

  /** Kubernetes may not answer for long, and is not told of the signal. */
  private async unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    let interrupt!: () => void;
    const interruption = new Promise<never>((_, reject) => {
      interrupt = () => reject(signal.reason as Error);
      signal.addEventListener('abort', interrupt);
      if (signal.aborted) interrupt();
    });
    try {
      return await Promise.race([work, interruption]);
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  private interrupted(): boolean {
    return this.signal.aborted;
  }
}

/** What went wrong, with what lies below it where the message alone says nothing (`fetch failed`). */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === 'fetch failed' && error.cause !== undefined ? reasonOf(error.cause) : error.message;
}
