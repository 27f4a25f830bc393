import type { Clock } from '../clock';
import type { TimeSeries } from '../samples';
import type { Milliseconds } from '../time';
import type { BodyCompressor, CompressedBody } from './compression';
import { WriteRequestEncoder } from './encoder';
import type { MetricMetadata } from './metadata';
import type { Delivery, Sender } from './sender';
import type { Turns } from './turns';

/** A request that waits or is under way. */
export interface Batch {
  readonly body: CompressedBody;
  readonly samples: number;
  /** When it was closed, counted over all shards. */
  readonly sequence: number;
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

export interface ShardOptions {
  readonly sender: Sender;
  readonly compressor: BodyCompressor;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly maxSamples: number;
  /** Before compression. */
  readonly maxBytes: number;
  readonly maxAge: Milliseconds;
  readonly nextSequence: () => number;
  /** A batch has left the shard. */
  readonly onDone: (batch: Batch, delivery: Delivery) => void;
}

/**
 * Some of the series, in order: one request is filled while at most one is under way.
 *
 * While the server is busy or away the open request grows up to its full size, whatever its age: many small requests
 * would only make it worse.
 */
export class Shard {
  readonly #options: ShardOptions;
  readonly #encoder = new WriteRequestEncoder();
  #openSamples = 0;
  /** The open request is old enough and waits only for the one under way. */
  #due = false;
  #cancelAge: (() => void) | undefined;
  /** The first one is under way while `#sending`. */
  readonly #queue: Batch[] = [];
  #queuedBytes = 0;
  #queuedSamples = 0;
  #sending = false;

  constructor(options: ShardOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#queuedBytes + this.#encoder.length;
  }

  /** Those of the open request. */
  get openBytes(): number {
    return this.#encoder.length;
  }

  get samples(): number {
    return this.#queuedSamples + this.#openSamples;
  }

  /** Samples that the open request still takes; at least 1. */
  get room(): number {
    return this.#options.maxSamples - this.#openSamples;
  }

  /**
   * Adds samples to the open request, no more than there is room for. Returns whether that filled it.
   *
   * @throws InvalidArgumentError when they break a rule; then nothing was added
   */
  add(labels: Uint8Array, series: TimeSeries, from: number, to: number, index: number): boolean {
    this.#encoder.addEncoded(labels, series, from, to, index);
    this.#openSamples += to - from;
    return this.#added();
  }

  /** @throws InvalidArgumentError when it breaks a rule; then nothing was added */
  addMetadata(metadata: MetricMetadata, index: number): void {
    this.#encoder.addMetadata(metadata, index);
    this.#added();
  }

  /** Sends the open request as soon as nothing else is under way, without waiting for more. */
  async hurry(): Promise<void> {
    if (this.#encoder.length === 0) return;
    this.#due = true;
    await this.#options.turns.next();
    if (!this.#sending) this.#close();
  }

  /** Resolves when all that was added before is settled. */
  async flush(): Promise<void> {
    if (this.#encoder.length > 0) {
      await this.#options.turns.next();
      this.#close();
    }
    await Promise.all(this.#queue.map(({ settled }) => settled));
  }

  /** The oldest request that is not under way. */
  get oldest(): Batch | undefined {
    return this.#queue[this.#sending ? 1 : 0];
  }

  /** Returns the number of samples that were in it. */
  dropOldest(): number {
    const [batch] = this.#queue.splice(this.#sending ? 1 : 0, 1);
    if (batch === undefined) return 0;
    this.#forget(batch);
    return batch.samples;
  }

  #added(): boolean {
    const { maxSamples, maxBytes, maxAge, clock } = this.#options;
    if (this.#openSamples >= maxSamples || this.#encoder.length >= maxBytes) {
      this.#close();
      return true;
    }
    if (this.#cancelAge === undefined && !this.#due && this.#encoder.length > 0) {
      this.#cancelAge = clock.after(maxAge, () => {
        this.#cancelAge = undefined;
        void this.hurry();
      });
    }
    return false;
  }

  /** Closes the open request and puts it into the queue. */
  #close(): void {
    this.#cancelAge?.();
    this.#cancelAge = undefined;
    this.#due = false;
    if (this.#encoder.length === 0) return;
    const { compressor, sender, nextSequence } = this.#options;
    const body = compressor.compress(this.#encoder.finish(), sender.encoding);
    let settle!: () => void;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    this.#queue.push({ body, samples: this.#openSamples, sequence: nextSequence(), settled, settle });
    this.#queuedBytes += body.bytes.length;
    this.#queuedSamples += this.#openSamples;
    this.#encoder.reset();
    this.#openSamples = 0;
    if (!this.#sending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    for (let batch; (batch = this.#queue[0]) !== undefined;) {
      const delivery = await this.#options.sender.deliver(batch.body);
      this.#queue.shift();
      this.#forget(batch);
      this.#options.onDone(batch, delivery);
      if (this.#due && this.#queue.length === 0) {
        await this.#options.turns.next();
        this.#close();
      }
    }
    this.#sending = false;
  }

  #forget(batch: Batch): void {
    this.#queuedBytes -= batch.body.bytes.length;
    this.#queuedSamples -= batch.samples;
    batch.settle();
  }
}
