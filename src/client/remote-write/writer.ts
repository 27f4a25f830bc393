import { setMaxListeners } from 'node:events';
import { MONOTONIC_CLOCK, type Clock } from '../clock';
import { InvalidArgumentError } from '../errors';
import type { Labels } from '../labels';
import { validateCount, validateTimeout } from '../limits';
import { isList, malformed, notAList, type TimeSeries } from '../samples';
import type { Milliseconds } from '../time';
import { BodyCompressor, builtInZstd, type ZstdCodec } from './compression';
import type { WriteTarget } from './endpoint';
import { hashLabels, LabelEncoder, LabelSet } from './labels';
import type { MetricMetadata } from './metadata';
import { Sender, type Delivery, type RetryEvent } from './sender';
import { Shard, type Batch } from './shard';
import { Turns } from './turns';
import { metricsText, type DropReason, type RemoteWriterMetrics } from './writer-metrics';

/**
 * What happens to a write that finds the buffer full:
 * - `wait`: it waits until there is room
 * - `drop-newest`: its samples are dropped
 * - `drop-oldest`: the oldest request in the buffer that is not under way is dropped
 */
export type WhenFull = 'wait' | 'drop-newest' | 'drop-oldest';

/** Samples that a {@link RemoteWriter} gave up. */
export interface DropEvent {
  readonly reason: DropReason;
  /** How many. */
  readonly samples: number;
  /** For `rejected` the answer of the server, for `invalid` the first rule that was broken. */
  readonly error?: unknown;
}

/** Options of a {@link RemoteWriter}. */
export interface RemoteWriterOptions {
  /** Samples of a request at most. @default 10000 */
  readonly maxRequestSamples?: number;
  /**
   * Bytes of a request at most before it is compressed, but for one series. Compressing them is what blocks the event
   * loop for longest: about 1 ms for 512 KiB.
   *
   * @default 524288
   */
  readonly maxRequestBytes?: number;
  /**
   * Milliseconds that samples wait for others to fill their request. They wait longer while a request is under way.
   *
   * @default 1000
   */
  readonly maxDelay?: Milliseconds;
  /**
   * Bytes of the buffer, most of which is compressed: some 5 to 15 bytes a sample. At least twice
   * `concurrency * maxRequestBytes`.
   *
   * @default 67108864, which is 64 MiB
   */
  readonly maxBufferedBytes?: number;
  /** What happens to a write that finds the buffer full. @default 'wait' */
  readonly whenFull?: WhenFull;
  /**
   * Requests that may be under way at once. Each series always goes to the same of so many workers, so that its samples
   * arrive in order. One is enough for 100,000 samples a second over 100 ms of latency.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /** Milliseconds to wait after the first failed attempt; doubled for each one more. Half of each wait is random. @default 100 */
  readonly minBackoff?: Milliseconds;
  /** Milliseconds to wait at most, unless the server asks for more: up to 5 minutes of `Retry-After` are heeded. @default 30000 */
  readonly maxBackoff?: Milliseconds;
  /**
   * Compresses requests to servers that understand zstd: about half the bytes of snappy. `false` for never.
   *
   * @default - the zstd of Node.js, which it has from 22.15 and 23.8 on; else none
   */
  readonly zstd?: ZstdCodec | false;
  /** Called when samples were given up. @default - they are counted only */
  readonly onDrop?: (event: DropEvent) => void;
  /** Called when an attempt failed and will be made again. @default - attempts are counted only */
  readonly onRetry?: (event: RetryEvent) => void;
  /** Gives the time for delays and waits; it must never go back. @default - the clock of the system that never goes back */
  readonly clock?: Clock;
  /** Gives numbers from 0 up to but not 1, for the random part of waits. @default Math.random */
  readonly random?: () => number;
}

/** Options of `RemoteWriter.close`. */
export interface CloseOptions {
  /** Milliseconds for what is still in the buffer; the rest is given up then. @default 10000 */
  readonly timeout?: Milliseconds;
}

/** Encoding this many bytes takes about a millisecond; then others get their turn. */
const SLICE_BYTES = 256 * 1024;
/** Bytes that could be encoded while a series is looked at. */
const LEAST_COST = 64;
/** Bytes that could be encoded while an error is made. */
const ERROR_COST = 4096;
/** Milliseconds of encoding in a turn, for what takes longer than its bytes tell: new label names, exemplars. */
const SLICE_TIME = 2;
/** Series between two looks at the clock. */
const SERIES_PER_LOOK = 32;

/**
 * Collects samples in memory and sends them in requests of a good size, until the server took them.
 *
 * What the server refuses for good (any 4xx but 429) is given up and reported to `onDrop`; everything else is tried
 * again, as long as it takes. A request whose answer was lost is sent again, and its samples may then be stored twice
 * where the server does not deduplicate; one that was answered with 2xx never is.
 *
 * ```ts
 * const writer = client.remoteWriter({ onDrop: ({ reason, samples, error }) => log.warn({ reason, samples, error }) });
 * const labels = LabelSet.of({ __name__: 'orders_total', shop: 'berlin' });
 * await writer.write([{ labels, samples: [{ timestamp: Date.now(), value: 42 }] }]);
 * await writer.close();
 * ```
 *
 * Pending samples keep the process alive; a writer without any does not.
 */
export class RemoteWriter {
  readonly #maxBufferedBytes: number;
  readonly #whenFull: WhenFull;
  readonly #onDrop: ((event: DropEvent) => void) | undefined;
  readonly #clock: Clock;
  readonly #shards: readonly Shard[];
  readonly #sender: Sender;
  readonly #labels = new LabelEncoder();
  readonly #aborter = new AbortController();
  /** Writes that are not taken wholly, in order. Only the first is worked on: the samples of a series stay in order. */
  readonly #intakes: Intake[] = [];
  readonly #turns = new Turns();
  /** Bytes that may still be encoded in this turn of the event loop. */
  #budget = SLICE_BYTES;
  /** When this turn has encoded for long enough. */
  #sliceEnd = 0;
  /** Series that were looked at, in all turns. */
  #seen = 0;
  #onRoom: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  #samples = 0;
  #deliveredSamples = 0;
  readonly #droppedSamples: Record<DropReason, number> = { full: 0, invalid: 0, rejected: 0, closed: 0 };

  /**
   * Made by `VictoriaMetricsClient.remoteWriter`.
   *
   * @internal
   * @throws InvalidArgumentError when an option breaks its rule
   */
  constructor(target: WriteTarget, options: RemoteWriterOptions = {}) {
    const maxSamples = validateCount('maxRequestSamples', options.maxRequestSamples ?? 10_000);
    const maxBytes = validateCount('maxRequestBytes', options.maxRequestBytes ?? 2 ** 19);
    const maxAge = validateTimeout('maxDelay', options.maxDelay ?? 1000);
    const concurrency = validateCount('concurrency', options.concurrency ?? 1);
    const minBackoff = validateTimeout('minBackoff', options.minBackoff ?? 100);
    const maxBackoff = validateTimeout('maxBackoff', options.maxBackoff ?? 30_000);
    if (maxBackoff < minBackoff) {
      throw new InvalidArgumentError(`maxBackoff: ${maxBackoff} is less than minBackoff = ${minBackoff}; give more`);
    }
    this.#maxBufferedBytes = validateCount('maxBufferedBytes', options.maxBufferedBytes ?? 2 ** 26);
    const least = 2 * concurrency * maxBytes;
    if (this.#maxBufferedBytes < least) {
      throw new InvalidArgumentError(
        `maxBufferedBytes: ${this.#maxBufferedBytes} does not hold one request that is filled and one under way for ` +
          `each of ${concurrency} workers; give ${least} or more, or lower maxRequestBytes or concurrency`,
      );
    }
    this.#whenFull = options.whenFull ?? 'wait';
    if (!['wait', 'drop-newest', 'drop-oldest'].includes(this.#whenFull)) {
      throw new InvalidArgumentError(
        `whenFull: ${JSON.stringify(this.#whenFull)} is none of them; give 'wait', 'drop-newest' or 'drop-oldest'`,
      );
    }
    const zstd = options.zstd === false ? undefined : (options.zstd ?? builtInZstd());
    const compressor = new BodyCompressor(zstd);
    this.#clock = options.clock ?? MONOTONIC_CLOCK;
    this.#onDrop = options.onDrop;
    // One for each worker, which is no leak.
    setMaxListeners(0, this.#aborter.signal);
    this.#sender = new Sender({
      target,
      compressor,
      clock: this.#clock,
      random: options.random ?? Math.random,
      minBackoff,
      maxBackoff,
      onRetry: options.onRetry,
      signal: this.#aborter.signal,
    });
    let sequence = 0;
    const shard = {
      sender: this.#sender,
      compressor,
      clock: this.#clock,
      turns: this.#turns,
      maxSamples,
      maxBytes,
      maxAge,
      nextSequence: () => sequence++,
      onDone: (batch: Batch, delivery: Delivery) => this.#onDone(batch, delivery),
    };
    this.#shards = Array.from({ length: concurrency }, () => new Shard(shard));
  }

  /**
   * Takes samples into the buffer. Resolves when they are there, not when they were sent: for that see {@link flush}.
   * With `whenFull: 'wait'` that can take as long as the server is away; wait for it before the next write, else
   * these pile up instead.
   *
   * The series must not be changed before that. The samples of a series must be in time order from write to write, and
   * from one to the next where it comes several times in one; that is not checked. Series that break a rule are left out
   * and all others taken.
   *
   * @throws InvalidArgumentError when a series broke a rule (the first one), or when the writer is closed
   */
  write(series: readonly TimeSeries[]): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    if (!isList(series)) return Promise.reject(notAList('series', series));
    this.#sender.negotiate();
    const intake = new Intake(series);
    // Most writes are small and find room: they end here.
    if (this.#intakes.length === 0 && this.#take(intake)) return this.#taken(intake);
    const taken = intake.wait().then(() => this.#taken(intake));
    if (this.#intakes.push(intake) === 1) void this.#takeAll();
    return taken;
  }

  /**
   * Takes what is known of metrics into the buffer, for servers that keep it: Prometheus, and VictoriaMetrics with
   * `-enableMetadata`. Other senders do so at their start and every minute or so. Because it comes again, it is left out
   * while the buffer is full, whatever `whenFull` says.
   *
   * @throws InvalidArgumentError when one breaks a rule (those before it are taken), or when the writer is closed
   */
  writeMetadata(metadata: readonly MetricMetadata[]): void {
    if (this.#closed !== undefined) throw closedError();
    for (let i = 0; i < metadata.length; i++) {
      if (this.#isFull()) return;
      this.#shards[0]!.addMetadata(metadata[i]!, i);
    }
  }

  /**
   * Sends what was written before, without waiting for more. Resolves when all of it was delivered or given up, which
   * can take as long as the server is away.
   */
  async flush(): Promise<void> {
    await this.#intakes.at(-1)?.wait();
    await Promise.all(this.#shards.map((shard) => shard.flush()));
  }

  /**
   * Takes no more writes and sends what is in the buffer. What is left when the time is over is given up, with the reason
   * `closed`; a request that is under way then may have been stored. The client stays open.
   */
  async close({ timeout = 10_000 }: CloseOptions = {}): Promise<void> {
    await (this.#closed ??= this.#close(validateTimeout('timeout', timeout)));
  }

  /** What happened since the writer was made. */
  metrics(): RemoteWriterMetrics {
    const sender = this.#sender;
    return {
      samples: this.#samples,
      deliveredSamples: this.#deliveredSamples,
      droppedSamples: { ...this.#droppedSamples },
      pendingSamples: this.#shards.reduce((sum, { samples }) => sum + samples, 0),
      pendingBytes: this.#pendingBytes(),
      waitingWrites: this.#intakes.length,
      deliveredRequests: sender.deliveredRequests,
      failedAttempts: sender.failedAttempts,
      rejectedRequests: sender.rejectedRequests,
      requestsInFlight: sender.requestsInFlight,
      sentBytes: sender.sentBytes,
      requestSeconds: sender.requestSeconds,
      encoding: sender.encoding,
    };
  }

  /**
   * The metrics in the text format of Prometheus, to put behind one's own.
   *
   * @param labels added to each of them, such as the name of one writer among several
   */
  metricsText(labels: Labels = {}): string {
    return metricsText(this.metrics(), labels);
  }

  async #close(timeout: Milliseconds): Promise<void> {
    const abort = (): void => {
      this.#aborter.abort();
      this.#onRoom?.();
    };
    const cancel = this.#clock.after(timeout, abort);
    await this.flush();
    cancel();
    // The question about zstd may still be under way.
    abort();
  }

  async #takeAll(): Promise<void> {
    for (let intake; (intake = this.#intakes[0]) !== undefined;) {
      if (this.#isFull() && this.#whenFull === 'wait') await this.#room();
      do await this.#turns.next();
      while (this.#budget <= 0);
      while (intake !== undefined && this.#take(intake)) {
        intake.done();
        this.#intakes.shift();
        intake = this.#intakes[0];
      }
    }
  }

  /** Takes as much as there is room and time for. Returns whether that was all. */
  #take(intake: Intake): boolean {
    const { series } = intake;
    while (intake.index < series.length) {
      if (this.#aborter.signal.aborted) {
        intake.skip('closed');
      } else if (this.#isFull() && !this.#makeRoom()) {
        if (this.#whenFull === 'wait') return false;
        intake.skip('full');
      } else if (this.#budget <= 0) {
        return false;
      } else {
        this.#takeSome(intake);
      }
    }
    return true;
  }

  /** Takes what fits into one request of the series that is next. */
  #takeSome(intake: Intake): void {
    const { index, offset } = intake;
    try {
      const series = intake.series[index]!;
      const { labels, samples } = series;
      const known = labels instanceof LabelSet;
      const encoded = known ? LabelSet.encoded(labels) : this.#labels.encode(labels, index);
      const shard =
        this.#shards.length === 1
          ? this.#shards[0]!
          : this.#shards[(known ? LabelSet.hash(labels) : hashLabels(encoded)) % this.#shards.length]!;
      const end = Math.min(samples.length, offset + shard.room);
      const before = shard.openBytes;
      const filled = shard.add(encoded, series, offset, end, index);
      // A request that was filled was compressed as well, which is enough for one turn.
      this.#spend(filled ? SLICE_BYTES : Math.max(shard.openBytes - before, LEAST_COST));
      this.#samples += end - offset;
      if (end === samples.length) intake.next();
      else intake.offset = end;
    } catch (error) {
      this.#spend(ERROR_COST);
      intake.error ??= malformed(intake.series[index]!, index) ?? error;
      intake.skip('invalid');
    }
  }

  /** The budget is for all writes of a turn: without that a loop over writes would never let anybody else in. */
  #spend(bytes: number): void {
    if (this.#budget === SLICE_BYTES) {
      setImmediate(() => (this.#budget = SLICE_BYTES));
      this.#sliceEnd = this.#clock.now() + SLICE_TIME;
    }
    this.#budget -= bytes;
    if (++this.#seen % SERIES_PER_LOOK === 0 && this.#clock.now() >= this.#sliceEnd) {
      this.#budget = Math.min(this.#budget, 0);
    }
  }

  /** Reports what was not taken, and gives what `write` returns. */
  #taken({ dropped, error }: Intake): Promise<void> {
    for (const [reason, samples] of dropped) {
      this.#samples += samples;
      this.#drop(reason === 'invalid' ? { reason, samples, error } : { reason, samples });
    }
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it was thrown
    return error === undefined ? TAKEN : Promise.reject(error);
  }

  #isFull(): boolean {
    return this.#pendingBytes() >= this.#maxBufferedBytes;
  }

  #pendingBytes(): number {
    let sum = 0;
    for (const shard of this.#shards) sum += shard.bytes;
    return sum;
  }

  /** Drops old requests where that is the policy. Returns whether there is room now. */
  #makeRoom(): boolean {
    if (this.#whenFull !== 'drop-oldest') return false;
    while (this.#isFull()) {
      let oldest: Shard | undefined;
      for (const shard of this.#shards) {
        const { sequence = Infinity } = shard.oldest ?? {};
        if (sequence < (oldest?.oldest?.sequence ?? Infinity)) oldest = shard;
      }
      if (oldest === undefined) return false;
      this.#drop({ reason: 'full', samples: oldest.dropOldest() });
    }
    return true;
  }

  /** Resolves when the buffer is no longer full, or the time of `close` is over. */
  async #room(): Promise<void> {
    // The room may be taken by open requests.
    for (const shard of this.#shards) await shard.hurry();
    while (this.#isFull() && !this.#aborter.signal.aborted) {
      await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
    this.#onRoom = undefined;
  }

  #onDone({ samples }: Batch, delivery: Delivery): void {
    if (delivery.kind === 'delivered') this.#deliveredSamples += samples;
    else if (delivery.kind === 'aborted') this.#drop({ reason: 'closed', samples });
    else this.#drop({ reason: 'rejected', samples, error: delivery.error });
    this.#onRoom?.();
  }

  #drop(event: DropEvent): void {
    // Metadata alone: nobody misses it, but why a server refuses it is worth to be told.
    if (event.samples === 0 && event.error === undefined) return;
    this.#droppedSamples[event.reason] += event.samples;
    const onDrop = this.#onDrop;
    // In a task of its own: what it throws is not ours, and must not stop the sending.
    if (onDrop !== undefined) queueMicrotask(() => onDrop(event));
  }
}

const TAKEN = Promise.resolve();

/** A write, and how far it was taken. */
class Intake {
  readonly series: readonly TimeSeries[];
  /** The series that is next, and its sample that is next. */
  index = 0;
  offset = 0;
  /** The first rule that was broken. */
  error: unknown;
  readonly dropped = new Map<DropReason, number>();
  /** Wakes those who wait until all was taken. */
  done: () => void = () => undefined;
  #whenDone: Promise<void> | undefined;

  constructor(series: readonly TimeSeries[]) {
    this.series = series;
  }

  /** Resolves when all was taken or dropped. */
  wait(): Promise<void> {
    return (this.#whenDone ??= new Promise((resolve) => (this.done = resolve)));
  }

  /** Goes on with the next series. */
  next(): void {
    this.index++;
    this.offset = 0;
  }

  /** Drops what is left of the series that is next. */
  skip(reason: DropReason): void {
    // Without the compiler a caller may give anything.
    const samples: unknown = this.series[this.index]?.samples;
    const left = Array.isArray(samples) ? samples.length - this.offset : 0;
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + left);
    this.next();
  }
}

function closedError(): InvalidArgumentError {
  return new InvalidArgumentError('writer: closed; make a new one');
}
