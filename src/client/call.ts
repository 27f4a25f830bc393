import { TimeoutError, type RequestDescription } from './errors';

/** The limits of one call. */
export interface CallOptions {
  /** Milliseconds until the call is cut short. What they span is the affair of the caller, see `restart` and `pause`. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** The time-out and the signal of one call. */
export class Call {
  /** Frees what the call holds when it is cut short. */
  onCancel: (() => void) | undefined;
  readonly #request: RequestDescription;
  readonly #timeout: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #timer: NodeJS.Timeout | undefined;
  #cut: { readonly reason: unknown } | undefined;
  #onCut: ((reason: unknown) => void) | undefined;

  constructor(request: RequestDescription, { timeout, signal }: CallOptions) {
    this.#request = request;
    this.#timeout = timeout;
    this.#signal = signal;
    this.#onAbort = () => this.#cancel(signal?.reason);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.restart();
  }

  /**
   * Waits for one thing at a time. (Promise.race would keep every piece of a long stream: the race stays with the promise
   * that loses.)
   *
   * @throws TimeoutError or the reason of the signal when the call is cut short before the work is done
   */
  until<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onCut = reject;
      if (this.#cut !== undefined) this.#onCut(this.#cut.reason);
      work.then(resolve, reject);
    });
  }

  /** Gives the call its whole time again. */
  restart(): void {
    this.pause();
    this.#timer = setTimeout(() => this.#cancel(new TimeoutError(this.#request, this.#timeout)), this.#timeout);
  }

  /** Stops the clock, as while the caller is busy with what it got. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.pause();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #cancel(reason: unknown): void {
    this.#cut ??= { reason };
    this.#onCut?.(this.#cut.reason);
    this.onCancel?.();
  }
}
