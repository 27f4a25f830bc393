import { array, object, parseLabels, ShapeError, string, type ApiAnswer, type Completeness } from './answer';
import { InvalidArgumentError } from './errors';
import { Form, type PartialReadOptions } from './form';
import type { Labels } from './labels';
import { formatDuration, formatInstant, type DurationValue, type Instant, type Milliseconds } from './time';

/** A value at a time. */
export interface Sample {
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: Milliseconds;
  /** May be NaN or an infinity. */
  readonly value: number;
}

/** A series of an instant query: its value at one time. */
export interface VectorSeries extends Sample {
  /** The metric name, where there is one, is under `__name__`. */
  readonly labels: Labels;
}

/**
 * A series of a range query. It can be given to `remoteWrite` where it has a metric name, as what is calculated has not.
 * Stale markers, which only a bare range such as `m[5m]` shows, are plain NaN here; `exportSeries` tells them apart.
 */
export interface MatrixSeries {
  /** The metric name, where there is one, is under `__name__`. */
  readonly labels: Labels;
  /** In time order. */
  readonly samples: readonly Sample[];
}

/** One value for each series; what VictoriaMetrics gives for any instant query but a bare range such as `m[5m]`. */
export interface VectorResult extends Completeness {
  readonly resultType: 'vector';
  /** In the order of the server. */
  readonly result: readonly VectorSeries[];
}

/** A list of samples for each series. */
export interface MatrixResult extends Completeness {
  readonly resultType: 'matrix';
  /** In the order of the server. */
  readonly result: readonly MatrixSeries[];
}

/** A number without labels; Prometheus only. */
export interface ScalarResult extends Completeness {
  readonly resultType: 'scalar';
  /** The number, with the time of the query. */
  readonly result: Sample;
}

/** A text without labels; Prometheus only. */
export interface StringResult extends Completeness {
  readonly resultType: 'string';
  /** The text, with the time of the query. */
  readonly result: { readonly timestamp: Milliseconds; readonly value: string };
}

/** The answer to a query, told apart by `resultType`. */
export type QueryResult = VectorResult | MatrixResult | ScalarResult | StringResult;

/** What instant and range queries have in common. */
export interface CommonQueryOptions extends PartialReadOptions {
  /**
   * Answer from storage, past the cache. The server then also leaves the time of the query as it is: otherwise it moves
   * an instant query back by `latencyOffset`, and aligns a range query to its step.
   *
   * @default false
   */
  readonly nocache?: boolean;
  /**
   * How old samples must be to be seen; at least 1 ms.
   *
   * @default - what the server is set to with `-search.latencyOffset`, which is 30 s
   */
  readonly latencyOffset?: DurationValue;
}

/** Options of an instant query. */
export interface QueryOptions extends CommonQueryOptions {
  /** When it is evaluated. @default - now, by the clock of the server */
  readonly time?: Instant;
  /**
   * How far back a sample may lie.
   *
   * @default - what the server is set to with `-search.maxLookback`, else 5 minutes
   */
  readonly step?: DurationValue;
}

/** Options of a range query. */
export interface QueryRangeOptions extends CommonQueryOptions {
  /** The time of the first point. */
  readonly start: Instant;
  /** The time of the last point at most; not before `start`. */
  readonly end: Instant;
  /** The distance between two points. */
  readonly step: DurationValue;
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function queryForm(query: string, options: QueryOptions, timeout: Milliseconds): string {
  const { time, step } = options;
  return commonForm(query, options, timeout)
    .set('time', time === undefined ? undefined : formatInstant('time', time))
    .set('step', step === undefined ? undefined : formatDuration('step', step))
    .own('start', 'end')
    .setParams(options.params)
    .toString();
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function queryRangeForm(query: string, options: QueryRangeOptions, timeout: Milliseconds): string {
  return commonForm(query, options, timeout)
    .set('start', formatInstant('start', options.start))
    .set('end', formatInstant('end', options.end))
    .set('step', formatDuration('step', options.step))
    .setSpan(options)
    .own('time')
    .setParams(options.params)
    .toString();
}

function commonForm(query: string, options: CommonQueryOptions, timeout: Milliseconds): Form {
  if (typeof query !== 'string' || query.trim() === '') {
    throw new InvalidArgumentError(
      `query: ${JSON.stringify(query)} is empty; give a MetricsQL expression such as 'up'`,
    );
  }
  const { latencyOffset } = options;
  return new Form()
    .set('query', query)
    .setTimeout(timeout)
    .setFlag('nocache', options.nocache)
    .setFlag('deny_partial_response', options.denyPartialResponse)
    .set('latency_offset', latencyOffset === undefined ? undefined : formatDuration('latencyOffset', latencyOffset));
}

/** @throws ShapeError when the answer is not that of a query */
export function parseQueryResult({ data, isPartial }: ApiAnswer): QueryResult {
  const { resultType, result } = object(data, 'data');
  return parseResult(resultType, result, isPartial);
}

function parseResult(resultType: unknown, result: unknown, isPartial: boolean): QueryResult {
  switch (resultType) {
    case 'vector':
      return { resultType, result: array(result, 'data.result').map(parseVectorSeries), isPartial };
    case 'matrix':
      return { resultType, result: array(result, 'data.result').map(parseMatrixSeries), isPartial };
    case 'scalar':
      return { resultType, result: parseSample(result), isPartial };
    case 'string': {
      const [seconds, value] = pair(result);
      return {
        resultType,
        result: { timestamp: parseTimestamp(seconds), value: string(value, 'the text') },
        isPartial,
      };
    }
    default:
      throw new ShapeError(`data.resultType is ${JSON.stringify(resultType)}, not vector, matrix, scalar or string`);
  }
}

function parseVectorSeries(item: unknown): VectorSeries {
  const { metric, value } = object(item, 'an item of data.result');
  const sample = parseSample(value);
  return { labels: parseLabels(metric), timestamp: sample.timestamp, value: sample.value };
}

function parseMatrixSeries(item: unknown): MatrixSeries {
  const { metric, values } = object(item, 'an item of data.result');
  return { labels: parseLabels(metric), samples: array(values, 'values').map(parseSample) };
}

function parseSample(item: unknown): Sample {
  const [seconds, text] = pair(item);
  return { timestamp: parseTimestamp(seconds), value: parseValue(text) };
}

function parseTimestamp(seconds: unknown): Milliseconds {
  if (typeof seconds !== 'number') throw new ShapeError(`the time ${JSON.stringify(seconds)} is not a number`);
  return Math.round(seconds * 1000);
}

function parseValue(text: unknown): number {
  switch (text) {
    case 'NaN':
      return NaN;
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
  }
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new ShapeError(`the value ${JSON.stringify(text)} is not a number in a string`);
  return value;
}

function pair(value: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) throw new ShapeError('a sample is not a pair of time and value');
  return value as [unknown, unknown];
}
