import { InvalidArgumentError } from '../errors';
import type { DurationValue } from '../time';
import { Expression, type VectorMatching } from './expression';
import { aggregate, rollup } from './functions';
import { numberLiteral } from './literals';
import { metric, notMatching, Selector, type Matchers } from './selector';

/** What the questions about requests have in common. */
export interface RateOptions {
  /**
   * The labels by which the answer is split.
   *
   * @default - one answer for all series
   */
  readonly by?: readonly string[];
  /**
   * The time over which rates are taken: two scrape intervals at least.
   *
   * @default '5m'
   */
  readonly window?: DurationValue;
}

const DEFAULT_WINDOW = '5m';

/** Requests per second (QPS), or the rate of any other counter. */
export function requestRate(counter: Selector, options: RateOptions = {}): Expression {
  return summedRate(counter, options);
}

/**
 * Quantiles of a histogram, of Prometheus (`le`) or of VictoriaMetrics (`vmrange`), in the unit of the metric.
 *
 * ```ts
 * latencyQuantiles(metric('http_request_duration_seconds'), [0.5, 0.95, 0.99], { by: ['service'] });
 * ```
 *
 * @param histogram by its name without `_bucket`
 * @param quantiles from 0 to 1: 0.99 for the 99th percentile. A list gives a series for each, told apart by the label
 * `quantile`.
 */
export function latencyQuantiles(
  histogram: Selector,
  quantiles: number | readonly number[],
  options: RateOptions = {},
): Expression {
  const buckets = Selector.part(histogram, '_bucket');
  const rates = String(summedRate(buckets, { ...options, by: [...(options.by ?? []), 'le', 'vmrange'] }));
  if (typeof quantiles === 'number') return new Expression(`histogram_quantile(${quantile(quantiles)}, ${rates})`);
  if (quantiles.length === 0) throw new InvalidArgumentError('quantiles: an empty list; give at least one');
  const list = [...new Set(quantiles.map(quantile))].join(', ');
  return new Expression(`histogram_quantiles("quantile", ${list}, ${rates})`);
}

/** The mean of what a histogram or summary observed, in the unit of the metric. @param histogram by its name alone */
export function meanDuration(histogram: Selector, options: RateOptions = {}): Expression {
  const sum = summedRate(Selector.part(histogram, '_sum'), options);
  return sum.op('/', summedRate(Selector.part(histogram, '_count'), options));
}

/** What {@link errorRatio} compares. */
export interface ErrorRatioOptions extends RateOptions {
  /** What failed, as in `requests.where({ status: matching('5..') })`; it need not exist before the first error. */
  readonly errors: Selector;
  /** Everything, what failed included. */
  readonly total: Selector;
}

/** The share of requests that failed, from 0 to 1: 0 where none did, no answer where there are no series of the total. */
export function errorRatio(options: ErrorRatioOptions): Expression {
  const total = summedRate(options.total, options);
  return summedRate(options.errors, options).op('/', total).op('or', total.op('*', 0));
}

/** Which nodes, by the labels of node-exporter's metrics; `{ instance: 'node-1:9100' }` is one of them. */
export interface NodeOptions {
  /** Conditions on their labels. @default - all nodes */
  readonly nodes?: Matchers;
  /**
   * The time over which rates are taken: two scrape intervals at least.
   *
   * @default '5m'
   */
  readonly window?: DurationValue;
}

const BY_INSTANCE = { by: ['instance'] };

/** The share of its CPUs that a node uses, from 0 to 1, by `instance`; from node-exporter. */
export function cpuUtilization({ nodes = {}, window = DEFAULT_WINDOW }: NodeOptions = {}): Expression {
  const idle = metric('node_cpu_seconds_total', { mode: 'idle' }).where(nodes);
  return difference(1, aggregate('avg', rollup('rate', idle.over(window)), BY_INSTANCE));
}

/** The share of its memory that a node cannot give to new work, from 0 to 1, by `instance`; from node-exporter. */
export function memoryUtilization({ nodes = {} }: Pick<NodeOptions, 'nodes'> = {}): Expression {
  const available = aggregate('min', metric('node_memory_MemAvailable_bytes', nodes), BY_INSTANCE);
  const total = aggregate('max', metric('node_memory_MemTotal_bytes', nodes), BY_INSTANCE);
  return difference(1, available.op('/', total));
}

/** The share of time in which its busiest disk was busy, from 0 to 1, by `instance`; from node-exporter. */
export function diskUtilization({ nodes = {}, window = DEFAULT_WINDOW }: NodeOptions = {}): Expression {
  const busy = metric('node_disk_io_time_seconds_total', { device: physical }).where(nodes);
  return aggregate('max', rollup('rate', busy.over(window)), BY_INSTANCE);
}

/** What a node reads from its disks and writes to them, in bytes per second, by `instance`; from node-exporter. */
export function diskThroughput({ nodes = {}, window = DEFAULT_WINDOW }: NodeOptions = {}): Expression {
  const [read, written] = (['read', 'written'] as const).map((direction) => {
    const bytes = metric(`node_disk_${direction}_bytes_total`, { device: physical }).where(nodes);
    return aggregate('sum', rollup('rate', bytes.over(window)), BY_INSTANCE);
  });
  return read!.op('+', written!);
}

/** What lies on another disk would count twice. */
const physical = notMatching('dm-.*|loop.*|md.*|ram.*|zram.*');

/** Over which values {@link correlation} and {@link anomalyScore} look. */
export interface WindowOptions {
  /** How far back. */
  readonly window: DurationValue;
  /**
   * The distance between two values.
   *
   * @default - every sample of a metric; the step of the query for what is calculated
   */
  readonly step?: DurationValue;
}

/** Options of {@link correlation}. */
export interface CorrelationOptions extends WindowOptions {
  /**
   * The labels by which the series of both sides belong together.
   *
   * @default - all labels
   */
  readonly on?: readonly string[];
  /** The distance between two values. */
  readonly step: DurationValue;
}

/**
 * How much two quantities move together, such as traffic and latency: Pearson's coefficient over a time, from -1 to 1.
 * No answer where one of them does not move.
 *
 * ```ts
 * correlation(requestRate(requests, { by }), latencyQuantiles(durations, 0.99, { by }), { window: '6h', step: '1m' });
 * ```
 */
export function correlation(a: Expression, b: Expression, { window, step, on }: CorrelationOptions): Expression {
  const matching: VectorMatching | undefined = on && { on };
  // Only the times at which both have a value, else the means would be of other times than the products.
  const x = a.op('if', b, matching).over(window, step);
  const y = b.op('if', a, matching).over(window, step);
  const products = a.op('*', b, matching).over(window, step);
  const means = rollup('avg_over_time', x).op('*', rollup('avg_over_time', y), matching);
  const covariance = rollup('avg_over_time', products).op('-', means, matching);
  const deviations = rollup('stddev_over_time', x).op('*', rollup('stddev_over_time', y), matching);
  const coefficient = covariance.op('/', deviations.op('>', 0), matching);
  return new Expression(`clamp(${String(coefficient)}, -1, 1)`);
}

/** Makes the median absolute deviation of normally distributed values their standard deviation. */
const MAD_TO_SIGMA = 1.4826;

/**
 * How far a value lies from the median of its past, in robust standard deviations (by the median absolute deviation,
 * which a spike does not move): `anomalyScore(x, { window: '1h' }).op('>', 3)` are the spikes. Infinite where all but
 * this value are equal; no answer where this one is as well.
 */
export function anomalyScore(expression: Expression, { window, step }: WindowOptions): Expression {
  const past = expression.over(window, step);
  const distance = expression.op('-', rollup('median_over_time', past));
  const deviation = rollup('mad_over_time', past).op('*', MAD_TO_SIGMA);
  return new Expression(`abs(${String(distance)})`).op('/', deviation);
}

function summedRate(counter: Selector, { by, window = DEFAULT_WINDOW }: RateOptions): Expression {
  return aggregate('sum', rollup('rate', counter.over(window)), by === undefined ? {} : { by });
}

function difference(from: number, what: Expression): Expression {
  return new Expression(`${numberLiteral('from', from)} - ${Expression.operand('what', what)}`, true);
}

function quantile(value: number): string {
  if (value >= 0 && value <= 1) return numberLiteral('quantiles', value);
  throw new InvalidArgumentError(`quantiles: ${String(value)} is no quantile; give it from 0 to 1, as 0.99`);
}
