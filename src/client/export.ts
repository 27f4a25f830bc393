import { array, checkShape, number, object, parseJson, parseLabels, ShapeError } from './answer';
import { BadResponseError, InvalidArgumentError, type RequestDescription } from './errors';
import { Form, type Match, type ReadOptions, type TimeSpan } from './form';
import type { Labels } from './labels';
import { STALE, type WriteSample } from './samples';

/**
 * Options of an export. Without `start` it begins with the oldest sample.
 *
 * A cluster refuses an export rather than leave out the data of vmstorage nodes that do not respond.
 */
export interface ExportOptions extends ReadOptions, TimeSpan {}

/** Options of an export in a text format. */
export interface ExportTextOptions extends ExportOptions {
  /**
   * The server sends blocks as it finds them and holds no series in memory. They come in any order then, several for a
   * series, and of a replicated cluster each once for every copy.
   *
   * @default false
   */
  readonly reduceMemUsage?: boolean;
}

/** Options of an export of series. */
export interface ExportSeriesOptions extends ExportTextOptions {
  /**
   * How many samples come in one piece at most; a series with more comes in several. This bounds the memory of the
   * client.
   *
   * @default 10000
   */
  readonly maxSamplesPerItem?: number;
}

/** Options of an export of CSV. */
export interface ExportCsvOptions extends ExportTextOptions {
  /**
   * The columns: label names, `__name__`, `__value__` and `__timestamp__`, which may tell its format:
   * `__timestamp__:unix_s`, `:unix_ms`, `:unix_ns`, `:rfc3339` or `:custom:<layout of Go>`.
   */
  readonly columns: readonly string[];
}

/**
 * Raw samples of a series, as they were stored. It can be given to `importSeries` (with `dropNaN` where it has stale
 * markers). `remoteWrite` and `remoteWriter` take it as well, but refuse several samples of one time, as a storage has
 * that does not deduplicate, and names that Prometheus had not, such as `service.name` of OpenTelemetry.
 */
export interface ExportedSeries {
  /** The metric name is under `__name__`. */
  readonly labels: Labels;
  /** In time order, several of one time where that was stored; a stale marker is `STALE`, as no other NaN is stored. */
  readonly samples: readonly WriteSample[];
}

const MAX_SAMPLES_PER_ITEM = 10_000;
/** A line of as many samples and labels as VictoriaMetrics takes is far shorter. */
const MAX_LINE = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

function exportForm(match: Match, options: ExportTextOptions): Form {
  return new Form()
    .setMatch(match)
    .setSpan(options)
    .setFlag('reduce_mem_usage', options.reduceMemUsage)
    .own('format', 'max_rows_per_line', 'timeout');
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function exportSeriesForm(match: Match, options: ExportSeriesOptions): string {
  return exportForm(match, options)
    .setCount('max_rows_per_line', 'maxSamplesPerItem', options.maxSamplesPerItem ?? MAX_SAMPLES_PER_ITEM)
    .setParams(options.params)
    .toString();
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function exportCsvForm(match: Match, options: ExportCsvOptions): string {
  const { columns } = options;
  const bad = columns.find((column) => column === '' || /[,\n\r]/.test(column));
  if (columns.length === 0 || bad !== undefined) {
    throw new InvalidArgumentError(
      `columns: ${JSON.stringify(columns)} are no columns of CSV; give names without commas and line breaks, ` +
        "such as ['__name__', 'job', '__value__', '__timestamp__:unix_ms']",
    );
  }
  return exportForm(match, options).set('format', columns.join(',')).setParams(options.params).toString();
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function exportNativeForm(match: Match, options: ExportOptions): string {
  return exportForm(match, options).setParams(options.params).toString();
}

/** Reads series from JSON lines; holds one line at a time. @throws BadResponseError when a line has another shape */
export async function* parseExport(
  pieces: AsyncIterable<Buffer>,
  request: RequestDescription,
): AsyncGenerator<ExportedSeries, void, undefined> {
  for await (const line of lines(pieces, request)) {
    const answer = parseJson(line, request);
    yield checkShape(
      request,
      () => line,
      () => parseSeries(answer),
    );
  }
}

async function* lines(pieces: AsyncIterable<Buffer>, request: RequestDescription): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, end);
      start = end + 1;
      const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      length = 0;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < piece.length) {
      begun.push(piece.subarray(start));
      length += piece.length - start;
      if (length > MAX_LINE) throw new BadResponseError(request, `a line of more than ${MAX_LINE} bytes`, '');
    }
  }
  // Every line of VictoriaMetrics ends: what does not was cut off, and may look whole.
  if (begun.length > 0) throw new BadResponseError(request, 'cut off within a line', Buffer.concat(begun).toString());
}

function parseSeries(line: unknown): ExportedSeries {
  const { metric, values, timestamps } = object(line, 'a line');
  const times = array(timestamps, 'timestamps');
  const numbers = array(values, 'values');
  if (times.length !== numbers.length) {
    throw new ShapeError(`there are ${numbers.length} values and ${times.length} timestamps`);
  }
  return {
    labels: parseLabels(metric),
    samples: numbers.map((value, i) => ({
      timestamp: number(times[i], 'a timestamp'),
      value: parseValue(value),
    })),
  };
}

function parseValue(value: unknown): WriteSample['value'] {
  switch (value) {
    case null:
      return STALE;
    case 'Infinity':
      return Infinity;
    case '-Infinity':
      return -Infinity;
  }
  return number(value, `the value ${JSON.stringify(value)}`);
}
