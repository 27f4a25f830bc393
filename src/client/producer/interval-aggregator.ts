import { WALL_CLOCK } from '../clock';
import { InvalidArgumentError } from '../errors';
import { METRIC_NAME, type Labels } from '../labels';
import { validateCount } from '../limits';
import { LabelSet } from '../remote-write/labels';
import type { TimeSeries, WriteSample } from '../samples';
import type { Milliseconds } from '../time';
import { seriesKey } from './label-set-cache';
import { Periodic, type PeriodicOptions, type PeriodicStats } from './periodic';

/** Which value of a gauge is written for an interval. */
export type GaugeValue = 'last' | 'min' | 'max';

/** Options of an {@link IntervalAggregator}. */
export interface IntervalAggregatorOptions extends PeriodicOptions {
  /** Takes the series of each interval: `(series) => client.remoteWrite(series)`. */
  readonly emit: (series: TimeSeries[]) => Promise<void> | void;
  /**
   * How many series are kept; what would make another is dropped. A histogram is one for each bucket, and three more.
   *
   * @default 10000
   */
  readonly maxSeries?: number;
  /**
   * Upper bounds of the buckets of histograms by metric name, rising, in the unit of the metric; infinity is added.
   *
   * @default 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
   */
  readonly buckets?: Readonly<Record<string, readonly number[]>>;
}

/** A histogram that was made elsewhere, such as in a worker. */
export interface HistogramPart {
  /** What fell into each bucket and not into a smaller one; the last is that of infinity. */
  readonly counts: readonly number[];
  /** The sum of what was observed. */
  readonly sum: number;
}

/** What an {@link IntervalAggregator} did. */
export interface AggregatorStats extends PeriodicStats {
  /** How many series are kept. */
  readonly series: number;
  /** How many values were dropped, because their series would have been one too many. */
  readonly dropped: number;
}

const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Puts the events of an interval together to one sample a series. Counters and histograms are totals since the start, as
 * Prometheus has them, so that a write that failed is made good by the next; a new one begins with a 0 at the beginning
 * of its interval, so that `increase()` misses nothing. Of a gauge the last, lowest or highest value of the interval is
 * written; the last one is repeated, lowest and highest want new values.
 *
 * Memory is bounded by `maxSeries`; a {@link CardinalityLimiter} before it puts together what would be dropped.
 */
export class IntervalAggregator {
  readonly #emit: IntervalAggregatorOptions['emit'];
  readonly #periodic: Periodic;
  readonly #buckets: ReadonlyMap<string, readonly number[]>;
  readonly #maxSeries: number;
  readonly #entries = new Map<string, Entry>();
  /** The keys of label sets, which are frozen. */
  readonly #keys = new WeakMap<LabelSet, string>();
  #series = 0;
  #dropped = 0;
  /** The time of the last samples. */
  #last: Milliseconds;

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(options: IntervalAggregatorOptions) {
    this.#emit = options.emit;
    this.#maxSeries = validateCount('maxSeries', options.maxSeries ?? 10_000);
    this.#buckets = new Map(
      Object.entries(options.buckets ?? {}).map(([name, bounds]) => [name, validateBuckets(name, bounds)]),
    );
    this.#last = (options.clock ?? WALL_CLOCK).now();
    this.#periodic = new Periodic((time) => this.#write(time), options);
  }

  /** What was written, kept and dropped so far. */
  get stats(): AggregatorStats {
    return { ...this.#periodic.stats, series: this.#series, dropped: this.#dropped };
  }

  /**
   * Adds to a counter. Returns false when it was dropped.
   *
   * @param amount 0 or more
   * @throws InvalidArgumentError when the amount is less than 0 or no number, or the series is no counter
   */
  count(labels: Labels | LabelSet, amount = 1): boolean {
    if (!(amount >= 0 && amount < Infinity)) throw notA('amount', amount, 'number of 0 or more');
    const counter = this.#entry(labels, 'counter', (set) => new Counter(set));
    counter?.add(amount);
    return counter !== undefined;
  }

  /**
   * Sets a gauge. Returns false when it was dropped.
   *
   * @param keep which of the values of an interval is written
   * @throws InvalidArgumentError when the value is NaN, which is not stored, or the series is no such gauge
   */
  gauge(labels: Labels | LabelSet, value: number, keep: GaugeValue = 'last'): boolean {
    if (typeof value !== 'number' || Number.isNaN(value)) throw notA('value', value, 'number');
    const gauge = this.#entry(labels, `gauge of the ${keep} value`, (set) => new Gauge(set, keep));
    gauge?.set(value);
    return gauge !== undefined;
  }

  /**
   * Adds to a histogram. Returns false when it was dropped.
   *
   * @param labels with the name of the metric alone, without `_bucket`
   * @param weight for how many observations it stands, see {@link Sampler}
   * @throws InvalidArgumentError when value or weight are no numbers, or the series is no histogram
   */
  observe(labels: Labels | LabelSet, value: number, weight = 1): boolean {
    if (!Number.isFinite(value)) throw notA('value', value, 'finite number');
    if (!(weight >= 0 && weight < Infinity)) throw notA('weight', weight, 'number of 0 or more');
    const histogram = this.#histogram(labels);
    histogram?.observe(value, weight);
    return histogram !== undefined;
  }

  /**
   * Adds a histogram with the same buckets to another. Returns false when it was dropped.
   *
   * @throws InvalidArgumentError when it has other buckets, or the series is no histogram
   */
  merge(labels: Labels | LabelSet, part: HistogramPart): boolean {
    const invalid = part.counts.find((count) => !(count >= 0 && count < Infinity));
    if (invalid !== undefined) throw notA('counts', invalid, 'number of 0 or more');
    if (!Number.isFinite(part.sum)) throw notA('sum', part.sum, 'finite number');
    const histogram = this.#histogram(labels);
    histogram?.merge(part);
    return histogram !== undefined;
  }

  /** Writes what there is, without waiting for the end of the interval. Rejects when that fails. */
  flush(): Promise<void> {
    return this.#periodic.run();
  }

  /** Writes what there is and ends. Rejects when the last write fails. */
  close(): Promise<void> {
    return this.#periodic.close();
  }

  #histogram(labels: Labels | LabelSet): Histogram | undefined {
    return this.#entry(labels, 'histogram', (set) => {
      return new Histogram(set, this.#buckets.get(set.labels[METRIC_NAME]!) ?? DEFAULT_BUCKETS);
    });
  }

  #entry<T extends Metric>(labels: Labels | LabelSet, kind: string, make: (set: LabelSet) => T): T | undefined {
    const key = this.#key(labels);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.kind === kind) return known.metric as T;
      throw new InvalidArgumentError(`labels: ${JSON.stringify(known.labels)} is a ${known.kind}, not a ${kind}`);
    }
    const set = labels instanceof LabelSet ? labels : LabelSet.of(labels);
    if (this.#series >= this.#maxSeries) {
      this.#dropped++;
      return undefined;
    }
    const metric = make(set);
    if (this.#series + metric.size > this.#maxSeries) {
      this.#dropped++;
      return undefined;
    }
    this.#series += metric.size;
    this.#entries.set(key, { kind, metric, labels: set.labels, since: this.#last, isNew: true });
    return metric;
  }

  #key(labels: Labels | LabelSet): string {
    if (!(labels instanceof LabelSet)) return seriesKey(labels);
    const known = this.#keys.get(labels);
    if (known !== undefined) return known;
    const key = seriesKey(labels.labels);
    this.#keys.set(labels, key);
    return key;
  }

  async #write(timestamp: Milliseconds): Promise<void> {
    this.#last = timestamp;
    const written = [...this.#entries.values()];
    const undos: (() => void)[] = [];
    const series = written.flatMap(({ metric, since, isNew }) => {
      const { values, undo } = metric.take();
      undos.push(undo);
      return values.map(([labels, value]): TimeSeries => {
        const sample: WriteSample = { timestamp, value };
        if (!isNew || !metric.isTotal) return { labels, samples: [sample] };
        return { labels, samples: [{ timestamp: Math.min(since, timestamp - 1), value: 0 }, sample] };
      });
    });
    try {
      if (series.length > 0) await this.#emit(series);
    } catch (error) {
      for (const undo of undos) undo();
      throw error;
    }
    for (const entry of written) entry.isNew = false;
  }
}

interface Entry {
  readonly kind: string;
  readonly metric: Metric;
  readonly labels: Labels;
  /** When the interval began in which it was made. */
  readonly since: Milliseconds;
  /** Whether nothing of it was written yet. */
  isNew: boolean;
}

interface Taken {
  readonly values: readonly (readonly [LabelSet, number])[];
  /** Puts back what was taken, when it could not be written. */
  readonly undo: () => void;
}

interface Metric {
  /** How many series it has. */
  readonly size: number;
  /** Whether it only grows, from 0. */
  readonly isTotal: boolean;
  take(): Taken;
}

function keep(): void {
  // Totals are not reset by a write.
}

class Counter implements Metric {
  readonly size = 1;
  readonly isTotal = true;
  readonly #labels: LabelSet;
  #total = 0;

  constructor(labels: LabelSet) {
    this.#labels = labels;
  }

  add(amount: number): void {
    this.#total += amount;
  }

  take(): Taken {
    return { values: [[this.#labels, this.#total]], undo: keep };
  }
}

class Gauge implements Metric {
  readonly size = 1;
  readonly isTotal = false;
  readonly #labels: LabelSet;
  readonly #keep: GaugeValue;
  #value: number | undefined;

  constructor(labels: LabelSet, keep: GaugeValue) {
    this.#labels = labels;
    this.#keep = keep;
  }

  set(value: number): void {
    if (this.#value === undefined || this.#keep === 'last') this.#value = value;
    else this.#value = Math[this.#keep](this.#value, value);
  }

  take(): Taken {
    const value = this.#value;
    if (value === undefined) return { values: [], undo: keep };
    const isLast = this.#keep === 'last';
    if (!isLast) this.#value = undefined;
    return { values: [[this.#labels, value]], undo: isLast ? keep : () => this.set(value) };
  }
}

class Histogram implements Metric {
  readonly size: number;
  readonly isTotal = true;
  readonly #bounds: readonly number[];
  readonly #buckets: readonly LabelSet[];
  readonly #sumLabels: LabelSet;
  readonly #countLabels: LabelSet;
  readonly #counts: number[];
  #sum = 0;

  constructor({ labels }: LabelSet, bounds: readonly number[]) {
    if (labels.le !== undefined) {
      throw new InvalidArgumentError(`labels.le: it is the label of the buckets; leave it out`);
    }
    const part = (suffix: string, more: Labels = {}): LabelSet =>
      LabelSet.of({ ...labels, [METRIC_NAME]: `${labels[METRIC_NAME]!}${suffix}`, ...more });
    this.#bounds = bounds;
    this.#buckets = [...bounds.map(String), '+Inf'].map((le) => part('_bucket', { le }));
    this.#sumLabels = part('_sum');
    this.#countLabels = part('_count');
    this.#counts = this.#buckets.map(() => 0);
    this.size = this.#buckets.length + 2;
  }

  observe(value: number, weight: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]! += weight;
    this.#sum += value * weight;
  }

  merge({ counts, sum }: HistogramPart): void {
    if (counts.length !== this.#counts.length) {
      throw new InvalidArgumentError(
        `counts: ${counts.length} of them, but the histogram has ${this.#counts.length} buckets; give one for each, infinity included`,
      );
    }
    counts.forEach((count, bucket) => (this.#counts[bucket]! += count));
    this.#sum += sum;
  }

  take(): Taken {
    let total = 0;
    const buckets = this.#buckets.map((labels, bucket) => [labels, (total += this.#counts[bucket]!)] as const);
    return { values: [...buckets, [this.#sumLabels, this.#sum], [this.#countLabels, total]], undo: keep };
  }
}

function validateBuckets(name: string, bounds: readonly number[]): readonly number[] {
  bounds.forEach((bound, index) => {
    if (Number.isFinite(bound) && (index === 0 || bound > bounds[index - 1]!)) return;
    throw new InvalidArgumentError(
      `buckets.${name}[${index}]: ${String(bound)} is no finite number above the one before`,
    );
  });
  if (bounds.length === 0) throw new InvalidArgumentError(`buckets.${name}: empty; give at least one bound`);
  return [...bounds];
}

function notA(name: string, value: unknown, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${name}: ${String(value)} is no ${what}; give one`);
}
