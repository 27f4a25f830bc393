import { array, number, object, parseLabels, string, type ApiAnswer, type Completeness } from './answer';
import { InvalidArgumentError } from './errors';
import { Form, type Match, type PartialReadOptions, type TimeSpan } from './form';
import { LABEL_NAME, type Labels } from './labels';
import { toMilliseconds, type Instant, type Milliseconds } from './time';

/**
 * Options of a search for series. Days are what the index knows: of a series whose day is met all is found.
 *
 * Without `start` the server looks at the last five minutes.
 */
export interface SeriesOptions extends PartialReadOptions, TimeSpan {
  /** How many are returned at most. @default - all; the server refuses more than `-search.maxSeries`, which is 30000 */
  readonly limit?: number;
}

/** Options of a search for label names or values. */
export interface LabelsOptions extends SeriesOptions {
  /** The series whose labels count. @default - all */
  readonly match?: Match;
}

/** Series without their samples. */
export interface SeriesResult extends Completeness {
  /** The labels of each, the metric name under `__name__`. */
  readonly series: readonly Labels[];
}

/** The names of labels, in alphabetical order. */
export interface LabelNamesResult extends Completeness {
  /** Each once. */
  readonly names: readonly string[];
}

/** The values of a label, in alphabetical order. */
export interface LabelValuesResult extends Completeness {
  /** Each once. */
  readonly values: readonly string[];
}

/** Options of the statistics of the storage. */
export interface TsdbStatusOptions extends PartialReadOptions {
  /** The series that count. @default - all */
  readonly match?: Match;
  /** How long each list is at most. @default 10; the server caps it at `-search.maxTSDBStatusTopNSeries`, which is 1000 */
  readonly topN?: number;
  /** Fills `seriesCountByFocusLabelValue`. @default - none */
  readonly focusLabel?: string;
  /** The day (UTC) that counts, or `'all'` for all days. @default - today */
  readonly date?: Instant | 'all';
}

/** How often something occurs. */
export interface NamedCount {
  /** A metric name, a label name, or `name=value`. */
  readonly name: string;
  /** Series, or values where the list is of label values. */
  readonly count: number;
}

/** How many series a metric has, and how often it was asked for. */
export interface MetricCount extends NamedCount {
  /** How often the metric was queried; undefined where the server does not count (`-storage.trackMetricNamesStats`). */
  readonly requests?: number;
  /** When it was queried last, in milliseconds since the Unix epoch; undefined where that never was or is not counted. */
  readonly lastRequest?: Milliseconds;
}

/** What the index of VictoriaMetrics is made of; lists start with the highest count. */
export interface TsdbStatus extends Completeness {
  /** Series that count. */
  readonly totalSeries: number;
  /** Labels of all these series together, so that a pair counts once for each series that has it. */
  readonly totalLabelValuePairs: number;
  /** Series of each metric. */
  readonly seriesCountByMetricName: readonly MetricCount[];
  /** Series that have each label. */
  readonly seriesCountByLabelName: readonly NamedCount[];
  /** Series with each value of the label `focusLabel`; empty unless that is given. */
  readonly seriesCountByFocusLabelValue: readonly NamedCount[];
  /** Series with each `name=value`. */
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
  /**
   * Different values of each label. Of a cluster the highest count of any one vmstorage node, which knows only its own
   * series.
   */
  readonly labelValueCountByLabelName: readonly NamedCount[];
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function seriesForm(match: Match | undefined, options: SeriesOptions, timeout: Milliseconds): string {
  const form = new Form();
  if (match !== undefined) form.setMatch(match);
  return form
    .setTimeout(timeout)
    .setSpan(options)
    .setCount('limit', 'limit', options.limit)
    .setFlag('deny_partial_response', options.denyPartialResponse)
    .own('match[]', 'match')
    .setParams(options.params)
    .toString();
}

/** @throws InvalidArgumentError when an option breaks its rule */
export function tsdbStatusForm(options: TsdbStatusOptions, timeout: Milliseconds): string {
  const { match, date } = options;
  const form = new Form();
  if (match !== undefined) form.setMatch(match);
  return form
    .setTimeout(timeout)
    .setCount('topN', 'topN', options.topN)
    .set('focusLabel', options.focusLabel)
    .set('date', date === undefined ? undefined : formatDay(date))
    .setFlag('deny_partial_response', options.denyPartialResponse)
    .own('match[]', 'match')
    .setParams(options.params)
    .toString();
}

function formatDay(date: Instant | 'all'): string {
  if (date === 'all') return '0';
  const day = new Date(toMilliseconds('date', date));
  // Beyond these there is no date of four digits, or no such storage.
  if (!(day.getTime() >= 0 && day.getUTCFullYear() <= 9999)) {
    throw new InvalidArgumentError(`date: ${String(date)} is not a day of the storage; give one from 1970 to 9999`);
  }
  return day.toISOString().slice(0, 10);
}

/** The path of a label; a name that is no plain one is escaped as Prometheus 3 does. */
export function labelPath(label: string): string {
  if (typeof label !== 'string' || label === '') {
    throw new InvalidArgumentError(`label: ${JSON.stringify(label)} is not a label name; give one such as 'job'`);
  }
  if (LABEL_NAME.test(label) && !label.startsWith('U__')) return label;
  // https://github.com/prometheus/proposals/blob/main/proposals/0028-utf8.md
  const escaped = label.replace(/[^a-zA-Z0-9:]/gu, (it) =>
    it === '_' ? '__' : `_${it.codePointAt(0)!.toString(16)}_`,
  );
  return `U__${escaped}`;
}

/** @throws ShapeError when the answer is not that of a search for series */
export function parseSeries({ data, isPartial }: ApiAnswer): SeriesResult {
  return { series: array(data, 'data').map((item) => parseLabels(item, 'an item of data')), isPartial };
}

/** @throws ShapeError when the answer is not that of a search for labels */
export function parseStrings({ data }: ApiAnswer): readonly string[] {
  return array(data, 'data').map((item) => string(item, 'an item of data'));
}

/** @throws ShapeError when the answer is not the statistics of VictoriaMetrics */
export function parseTsdbStatus({ data, isPartial }: ApiAnswer): TsdbStatus {
  const status = object(data, 'data');
  const counts = (name: string): readonly NamedCount[] =>
    array(status[name], `data.${name}`).map((item) => parseCount(object(item, `an item of data.${name}`)));
  return {
    isPartial,
    totalSeries: number(status.totalSeries, 'data.totalSeries'),
    totalLabelValuePairs: number(status.totalLabelValuePairs, 'data.totalLabelValuePairs'),
    seriesCountByMetricName: array(status.seriesCountByMetricName, 'data.seriesCountByMetricName').map(
      parseMetricCount,
    ),
    seriesCountByLabelName: counts('seriesCountByLabelName'),
    seriesCountByFocusLabelValue: counts('seriesCountByFocusLabelValue'),
    seriesCountByLabelValuePair: counts('seriesCountByLabelValuePair'),
    labelValueCountByLabelName: counts('labelValueCountByLabelName'),
  };
}

function parseCount(item: Record<string, unknown>): NamedCount {
  return { name: string(item.name, 'name'), count: number(item.value, 'value') };
}

function parseMetricCount(item: unknown): MetricCount {
  const entry = object(item, 'an item of data.seriesCountByMetricName');
  const { requestsCount: requests, lastRequestTimestamp: seconds } = entry;
  return {
    ...parseCount(entry),
    ...(requests === undefined ? undefined : { requests: number(requests, 'requestsCount') }),
    ...(seconds === undefined || seconds === 0
      ? undefined
      : { lastRequest: number(seconds, 'lastRequestTimestamp') * 1000 }),
  };
}
