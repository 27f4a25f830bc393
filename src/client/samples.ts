import { InvalidArgumentError } from './errors';
import type { Labels } from './labels';
import type { LabelSet } from './remote-write/labels';

/**
 * Written instead of a value, this ends a series: queries stop to return it at once rather than after the staleness
 * interval. On the wire it is the NaN that Prometheus reserves for the purpose, which no JavaScript number can carry
 * reliably.
 */
export const STALE = 'stale';

/** One value of a series that is written. */
export interface WriteSample {
  /** Milliseconds since the Unix epoch, a whole number. */
  readonly timestamp: number;
  /**
   * A number, or {@link STALE}. Infinities are kept. NaN is sent, but VictoriaMetrics stores no other NaN than the
   * stale marker and says nothing.
   */
  readonly value: number | typeof STALE;
}

/** One observation behind a series, mostly with the trace that it belongs to. */
export interface Exemplar {
  /** Such as `{ trace_id: '...' }`; names and values have at most 128 characters together. */
  readonly labels: Labels;
  /** The value that was observed. */
  readonly value: number;
  /** Milliseconds since the Unix epoch, a whole number. */
  readonly timestamp: number;
}

/** A series that is written. The series of a query result has this shape as well. */
export interface TimeSeries {
  /** Plain labels are validated and encoded at each write; a {@link LabelSet} only once. */
  readonly labels: Labels | LabelSet;
  /** In time order, each sample later than the one before it, which is checked within this list. */
  readonly samples: readonly WriteSample[];
  /**
   * Traces behind the samples. Prometheus keeps them with its feature flag `exemplar-storage`; VictoriaMetrics ignores
   * them.
   *
   * @default - none
   */
  readonly exemplars?: readonly Exemplar[];
}

/** What is wrong where something is not even made as a series is: without the compiler a caller may give anything. */
export function malformed(series: TimeSeries, index: number): InvalidArgumentError | undefined {
  const path = `series[${index}]`;
  if (!isObject(series)) return notA(path, series, 'series', '{ labels, samples }');
  if (!isObject(series.labels)) return notA(`${path}.labels`, series.labels, 'set of labels', '{ __name__, ... }');
  if (!isList(series.samples)) return notAList(`${path}.samples`, series.samples);
  const sample = series.samples.findIndex((item) => !isObject(item));
  if (sample < 0) return undefined;
  return notA(`${path}.samples[${sample}]`, series.samples[sample], 'sample', '{ timestamp, value }');
}

/** The error for what should be a list. */
export function notAList(path: string, value: unknown): InvalidArgumentError {
  return notA(path, value, 'list', '[...]');
}

export function isList(value: unknown): boolean {
  return Array.isArray(value);
}

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

export function notA(path: string, value: unknown, what: string, example: string): InvalidArgumentError {
  const given = value === null ? 'null' : `a value of type ${typeof value}`;
  return new InvalidArgumentError(`${path}: ${given} is no ${what}; give ${example}`);
}
