import { BadResponseError, InvalidArgumentError, PartialResponseError, type RequestDescription } from './errors';
import type { Labels } from './remote-write/labels';
import {
  formatDuration,
  formatInstant,
  toMilliseconds,
  type DurationValue,
  type Instant,
  type Milliseconds,
} from './time';

/** A value at a time. */
export interface Sample {
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: Milliseconds;
  /** May be NaN or an infinity. */
  readonly value: number;
}

/** A series of an instant query: its value at one time. */
export interface VectorSeries extends Sample {
  readonly labels: Labels;
}

/** A series of a range query. It can be given to `remoteWrite` as it is. */
export interface MatrixSeries {
  readonly labels: Labels;
  /** In time order. */
  readonly samples: readonly Sample[];
}

interface QueryAnswer {
  /**
   * Whether some vmstorage nodes did not respond, so that data may be missing. False where the server does not say:
   * Prometheus and single nodes answer from all data, and a cluster refuses a bare range such as `m[5m]` rather than
   * answer it in part.
   */
  readonly isPartial: boolean;
}

/** One value for each series; what VictoriaMetrics gives for any instant query but a bare range such as `m[5m]`. */
export interface VectorResult extends QueryAnswer {
  readonly resultType: 'vector';
  readonly result: readonly VectorSeries[];
}

/** A list of samples for each series. */
export interface MatrixResult extends QueryAnswer {
  readonly resultType: 'matrix';
  readonly result: readonly MatrixSeries[];
}

/** A number without labels; Prometheus only. */
export interface ScalarResult extends QueryAnswer {
  readonly resultType: 'scalar';
  readonly result: Sample;
}

/** A text without labels; Prometheus only. */
export interface StringResult extends QueryAnswer {
  readonly resultType: 'string';
  readonly result: { readonly timestamp: Milliseconds; readonly value: string };
}

/** The answer to a query, told apart by `resultType`. */
export type QueryResult = VectorResult | MatrixResult | ScalarResult | StringResult;

/** What every call takes. */
export interface RequestOptions {
  /**
   * Time for the whole call, in milliseconds. Queries tell it to the server as well, which then stops its work; the
   * server caps it at `-search.maxQueryDuration`.
   *
   * @default the time-out of the client
   */
  readonly timeout?: Milliseconds;
  /** Ends the call, which rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** What instant and range queries have in common. */
export interface CommonQueryOptions extends RequestOptions {
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
   * @default what the server is set to with `-search.latencyOffset`, which is 30 s
   */
  readonly latencyOffset?: DurationValue;
  /**
   * Reject with an error rather than answer without the data of vmstorage nodes that do not respond. Cluster only.
   *
   * @default what the server is set to with `-search.denyPartialResponse`, which is false
   */
  readonly denyPartialResponse?: boolean;
  /** Other arguments of the API, such as `round_digits` or `extra_filters[]`. */
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
}

/** Options of an instant query. */
export interface QueryOptions extends CommonQueryOptions {
  /** @default now, by the clock of the server */
  readonly time?: Instant;
  /**
   * How far back a sample may lie.
   *
   * @default what the server is set to with `-search.maxLookback`, else 5 minutes
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
  const form = commonForm(query, options, timeout);
  if (options.time !== undefined) form.set('time', formatInstant('time', options.time));
  if (options.step !== undefined) form.set('step', formatDuration('step', options.step));
  return withParams(form, options.params);
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function queryRangeForm(query: string, options: QueryRangeOptions, timeout: Milliseconds): string {
  const form = commonForm(query, options, timeout);
  form.set('start', formatInstant('start', options.start));
  form.set('end', formatInstant('end', options.end));
  form.set('step', formatDuration('step', options.step));
  const start = toMilliseconds('start', options.start);
  const end = toMilliseconds('end', options.end);
  if (end < start) {
    // The server would silently answer for the five minutes after start.
    throw new InvalidArgumentError(`end: ${end} lies before start ${start}; give an end that is not before the start`);
  }
  return withParams(form, options.params);
}

function commonForm(query: string, options: CommonQueryOptions, timeout: Milliseconds): URLSearchParams {
  if (typeof query !== 'string' || query.trim() === '') {
    throw new InvalidArgumentError(
      `query: ${JSON.stringify(query)} is empty; give a MetricsQL expression such as 'up'`,
    );
  }
  const form = new URLSearchParams({ query, timeout: formatDuration('timeout', Math.ceil(timeout)) });
  if (options.nocache === true) form.set('nocache', '1');
  if (options.denyPartialResponse === true) form.set('deny_partial_response', '1');
  if (options.latencyOffset !== undefined) {
    form.set('latency_offset', formatDuration('latencyOffset', options.latencyOffset));
  }
  return form;
}

const OWN_ARGUMENTS = new Set([
  ...['query', 'timeout', 'nocache', 'deny_partial_response', 'latency_offset', 'time', 'step', 'start', 'end'],
]);

function withParams(form: URLSearchParams, params: CommonQueryOptions['params']): string {
  for (const [name, value] of Object.entries(params ?? {})) {
    if (OWN_ARGUMENTS.has(name)) {
      throw new InvalidArgumentError(`params: ${name} has an option or argument of its own; use that`);
    }
    for (const item of typeof value === 'string' ? [value] : value) form.append(name, item);
  }
  return form.toString();
}

/**
 * @throws BadResponseError when the body is not an answer of the query API
 * @throws PartialResponseError when the answer is partial although that was denied
 */
export function parseQueryResult(body: Buffer, request: RequestDescription, denyPartialResponse: boolean): QueryResult {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new BadResponseError(request, 'not JSON', bodyStart(body), { cause });
  }
  try {
    const { status, data, isPartial } = object(answer, 'the answer');
    if (status !== 'success') throw new ShapeError(`status is ${JSON.stringify(status)}, not "success"`);
    const { resultType, result } = object(data, 'data');
    const parsed = parseResult(resultType, result, isPartial === true);
    if (parsed.isPartial && denyPartialResponse) throw new PartialResponseError(request);
    return parsed;
  } catch (error) {
    if (error instanceof ShapeError) throw new BadResponseError(request, error.message, bodyStart(body));
    throw error;
  }
}

function bodyStart(body: Buffer): string {
  return body.toString('utf8', 0, 0x4000);
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
      if (typeof value !== 'string') throw new ShapeError('a string result without text');
      return { resultType, result: { timestamp: parseTimestamp(seconds), value }, isPartial };
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

function parseLabels(metric: unknown): Labels {
  const labels = object(metric, 'metric');
  for (const name of Object.keys(labels)) {
    if (typeof labels[name] !== 'string') throw new ShapeError(`the label ${name} is not a string`);
  }
  return labels as Labels;
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

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShapeError(`${what} is not an object`);
  }
  return value as Record<string, unknown>;
}

function array(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShapeError(`${what} is not a list`);
  return value;
}

function pair(value: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) throw new ShapeError('a sample is not a pair of time and value');
  return value as [unknown, unknown];
}

/** An answer of another shape; turned into a BadResponseError, which knows the request. */
class ShapeError extends Error {}
