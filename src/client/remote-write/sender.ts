import { sleep, type Clock } from '../clock';
import { CredentialsError, HttpError, VictoriaMetricsError } from '../errors';
import type { Milliseconds } from '../time';
import type { BodyCompressor, CompressedBody, Encoding } from './compression';
import type { WriteTarget } from './endpoint';

/** An attempt that failed and is made again. */
export interface RetryEvent {
  /** Why it failed. */
  readonly error: VictoriaMetricsError;
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Milliseconds until the next one. */
  readonly delay: Milliseconds;
}

/** A server that asks for more with `Retry-After` is not believed: it may have the wrong time. */
const MAX_RETRY_AFTER: Milliseconds = 300_000;

/** What became of a request. */
export interface Delivery {
  readonly kind: 'delivered' | 'rejected' | 'aborted';
  /** Why it was rejected. */
  readonly error?: unknown;
}

export interface SenderOptions {
  readonly target: WriteTarget;
  readonly compressor: BodyCompressor;
  readonly clock: Clock;
  readonly random: () => number;
  readonly minBackoff: Milliseconds;
  readonly maxBackoff: Milliseconds;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
  /** Ends all waiting; what is under way then is given up. */
  readonly signal: AbortSignal;
}

/** Brings requests to the server, each until it is taken or refused for good. */
export class Sender {
  deliveredRequests = 0;
  failedAttempts = 0;
  rejectedRequests = 0;
  requestsInFlight = 0;
  sentBytes = 0;
  requestSeconds = 0;

  readonly #options: SenderOptions;
  /** Whether the server understands zstd: undefined until it was asked. */
  #zstd: boolean | undefined;
  #asking = false;
  /** `Retry-After` speaks for the server: nobody sends before. */
  #pausedUntil = -Infinity;

  constructor(options: SenderOptions) {
    this.#options = options;
    if (!options.compressor.hasZstd) this.#zstd = false;
  }

  /** What new requests are compressed with; snappy, which all servers understand, until it is known better. */
  get encoding(): Encoding {
    return this.#zstd === true ? 'zstd' : 'snappy';
  }

  /** Asks the server once whether it understands zstd, and again later when it could not be reached. */
  negotiate(): void {
    if (this.#zstd !== undefined || this.#asking) return;
    this.#asking = true;
    const { target, signal } = this.#options;
    target.takesZstd(signal).then(
      (takesZstd) => {
        this.#asking = false;
        // A server that refused zstd meanwhile knows best.
        this.#zstd ??= takesZstd;
      },
      () => {
        this.#asking = false;
      },
    );
  }

  /** Never rejects. */
  async deliver(body: CompressedBody): Promise<Delivery> {
    const { clock, compressor, signal } = this.#options;
    let refusedZstd = false;
    for (let attempt = 1; ; attempt++) {
      for (let pause; (pause = this.#pausedUntil - clock.now()) > 0 && !this.#isAborted();) {
        await sleep(clock, pause, signal);
      }
      if (this.#isAborted()) return { kind: 'aborted' };
      try {
        await this.#send(body);
        this.deliveredRequests++;
        if (refusedZstd) this.#zstd = false;
        this.negotiate();
        return { kind: 'delivered' };
      } catch (error) {
        if (this.#isAborted()) return { kind: 'aborted' };
        const repacked = isUnsupported(error) ? compressor.zstdToSnappy(body) : undefined;
        if (repacked !== undefined) {
          this.failedAttempts++;
          refusedZstd = true;
          body = repacked;
          continue;
        }
        if (!isTransient(error)) {
          this.rejectedRequests++;
          return { kind: 'rejected', error };
        }
        this.failedAttempts++;
        await this.#wait(error, attempt);
      }
    }
  }

  #isAborted(): boolean {
    return this.#options.signal.aborted;
  }

  async #send(body: CompressedBody): Promise<void> {
    const { target, clock, signal } = this.#options;
    const start = clock.now();
    this.requestsInFlight++;
    this.sentBytes += body.bytes.length;
    try {
      await target.send(body, signal);
    } finally {
      this.requestsInFlight--;
      this.requestSeconds += (clock.now() - start) / 1000;
    }
  }

  async #wait(error: VictoriaMetricsError, attempt: number): Promise<void> {
    const { clock, signal, random, minBackoff, maxBackoff, onRetry } = this.#options;
    const backoff = Math.min(maxBackoff, minBackoff * 2 ** Math.min(attempt - 1, 31));
    // Half of it is random, so that clients that failed together do not come back together.
    let delay = backoff / 2 + (random() * backoff) / 2;
    if (error instanceof HttpError && error.retryAfterMs !== undefined) {
      const asked = Math.min(error.retryAfterMs, MAX_RETRY_AFTER);
      this.#pausedUntil = Math.max(this.#pausedUntil, clock.now() + asked);
      delay = Math.max(delay, asked);
    }
    if (onRetry !== undefined) queueMicrotask(() => onRetry({ error, attempt, delay }));
    await sleep(clock, delay, signal);
  }
}

/** 415 is what remote write 2.0 asks for, 400 is what servers of 1.0 answer to a body that they cannot read. */
function isUnsupported(error: unknown): boolean {
  return error instanceof HttpError && (error.status === 400 || error.status === 415);
}

/** Secrets that cannot be read just now are read again: their rotation must not cost data. */
function isTransient(error: unknown): error is VictoriaMetricsError {
  return error instanceof CredentialsError || (error instanceof VictoriaMetricsError && error.retryable);
}
