import { InvalidArgumentError } from './errors';
import type { RequestOptions } from './form';
import type { Labels } from './labels';
import { LabelSet } from './remote-write/labels';
import { malformed, STALE, type TimeSeries } from './samples';
import { toMilliseconds, type Instant } from './time';

/** What every import takes. */
export interface ImportOptions extends RequestOptions {
  /** Labels that all samples get; they take the place of labels of the same name. @default - none */
  readonly extraLabels?: Labels;
}

/** Options of a text import. */
export interface ImportTextOptions extends ImportOptions {
  /** The time of samples that have none of their own. @default - now, by the clock of the server */
  readonly timestamp?: Instant;
}

/** Options of an import of series. */
export interface ImportSeriesOptions extends ImportOptions {
  /**
   * Leave out stale markers and NaN, which JSON lines cannot carry, rather than refuse them. Native import and remote
   * write keep stale markers.
   *
   * @default false
   */
  readonly dropNaN?: boolean;
}

/** A column of CSV. */
export type CsvColumn =
  /** A label. */
  | { readonly label: string }
  /** The values of a metric. */
  | { readonly metric: string }
  /** The time: a format, or a layout of Go after `custom:`. */
  | { readonly time: 'unix_s' | 'unix_ms' | 'unix_ns' | 'rfc3339' | `custom:${string}` }
  /** Not imported. */
  | undefined;

/** Options of an import of CSV. */
export interface ImportCsvOptions extends ImportOptions {
  /** What the columns are, from the first to the last that counts. At least one is a metric, at most one the time. */
  readonly columns: readonly CsvColumn[];
}

/** Lines are at most 10 MiB (`-import.maxLineLen`); these take less than 1. */
const SAMPLES_PER_LINE = 10_000;
/** Lines are sent together up to so many characters. */
const PIECE = 64 * 1024;
/** `-csvimport.*` takes no more columns. */
const MAX_COLUMNS = 64 * 1024;

/** @returns the query string with its question mark, or nothing */
export function importArguments(
  options: ImportOptions,
  own: Readonly<Record<string, string | undefined>> = {},
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(own)) if (value !== undefined) params.set(name, value);
  for (const [name, value] of Object.entries(options.extraLabels ?? {})) {
    if (name === '' || name.includes('=') || typeof value !== 'string') {
      throw new InvalidArgumentError(
        `extraLabels: ${JSON.stringify(name)} is no label name without an equals sign, or its value is not a string`,
      );
    }
    params.append('extra_label', `${name}=${value}`);
  }
  return params.size === 0 ? '' : `?${params.toString()}`;
}

export function formatTimestamp(timestamp: Instant | undefined): string | undefined {
  return timestamp === undefined ? undefined : String(toMilliseconds('timestamp', timestamp));
}

/** @throws InvalidArgumentError when the server could not read the format */
export function csvFormat(columns: readonly CsvColumn[]): string {
  const entries = columns.flatMap((column, i) => {
    if (column === undefined) return [];
    const [[type, name] = []] = Object.entries(column) as [string, unknown][];
    if (!['label', 'metric', 'time'].includes(type ?? '') || typeof name !== 'string' || !/^[^,]+$/.test(name)) {
      throw new InvalidArgumentError(
        `columns[${i}]: ${JSON.stringify(column)} is not a column; give { label }, { metric } or { time }, ` +
          'each with a text without commas',
      );
    }
    return [{ type, text: `${i + 1}:${type}:${name}` }];
  });
  const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
  if (count('metric') === 0 || count('time') > 1 || columns.length > MAX_COLUMNS) {
    throw new InvalidArgumentError(
      `columns: ${count('metric')} metrics and ${count('time')} times among ${columns.length} columns; ` +
        `give at least one metric, at most one time, and at most ${MAX_COLUMNS} columns`,
    );
  }
  return entries.map(({ text }) => text).join(',');
}

/** Writes series as JSON lines, in pieces. @throws InvalidArgumentError when a series breaks a rule */
export async function* jsonLines(
  series: Iterable<TimeSeries> | AsyncIterable<TimeSeries>,
  dropNaN: boolean,
): AsyncGenerator<string, void, undefined> {
  let piece = '';
  let index = 0;
  for await (const item of series) {
    for (const line of seriesLines(item, index, dropNaN)) {
      piece += line;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
    index++;
  }
  if (piece !== '') yield piece;
}

function* seriesLines(series: TimeSeries, index: number, dropNaN: boolean): Generator<string> {
  const error = malformed(series, index);
  if (error !== undefined) throw error;
  const { labels, samples } = series;
  const metric = JSON.stringify(validLabels(labels instanceof LabelSet ? labels.labels : labels, index));
  let values: (number | string)[] = [];
  let timestamps: number[] = [];
  for (const [i, { timestamp, value }] of samples.entries()) {
    const path = `series[${index}].samples[${i}]`;
    if (!Number.isSafeInteger(timestamp)) {
      throw new InvalidArgumentError(
        `${path}.timestamp: ${String(timestamp)} is not a whole number of milliseconds; round it`,
      );
    }
    if (value === STALE || Number.isNaN(value)) {
      if (dropNaN) continue;
      throw new InvalidArgumentError(
        `${path}.value: ${String(value)} cannot be carried by JSON lines; ` +
          'set dropNaN to leave such samples out, or keep stale markers with remoteWrite or importNative',
      );
    }
    if (typeof value !== 'number') {
      throw new InvalidArgumentError(`${path}.value: ${String(value)} is a ${typeof value}; give a number`);
    }
    values.push(Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity');
    timestamps.push(timestamp);
    if (values.length < SAMPLES_PER_LINE) continue;
    yield jsonLine(metric, values, timestamps);
    [values, timestamps] = [[], []];
  }
  if (values.length > 0) yield jsonLine(metric, values, timestamps);
}

function jsonLine(metric: string, values: readonly (number | string)[], timestamps: readonly number[]): string {
  return `{"metric":${metric},"values":${JSON.stringify(values)},"timestamps":[${timestamps.join()}]}\n`;
}

function validLabels(labels: Labels, index: number): Labels {
  const entries = Object.entries(labels);
  // The server would skip such a series, or the label, and only log it.
  const bad = entries.find(([name, value]) => name === '' || typeof value !== 'string');
  if (bad !== undefined || entries.every(([, value]) => value === '')) {
    throw new InvalidArgumentError(
      `series[${index}].labels: ${JSON.stringify(labels)} are no labels; give at least one, with a name and a string as value`,
    );
  }
  return labels;
}
