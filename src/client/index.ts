export type { DeleteSeriesOptions, ServerOptions } from './admin';
export type { Completeness } from './answer';
export {
  authorizationHeader,
  type Auth,
  type AuthorizationHeader,
  type BasicAuth,
  type BearerAuth,
  type Secret,
} from './auth';
export { VictoriaMetricsClient, type RemoteWriteOptions } from './client';
export type { Clock } from './clock';
export {
  BadResponseError,
  CredentialsError,
  HttpError,
  InvalidArgumentError,
  NetworkError,
  PartialResponseError,
  RequestError,
  TimeoutError,
  VictoriaMetricsError,
  type RequestDescription,
} from './errors';
export type { ExportCsvOptions, ExportedSeries, ExportOptions, ExportSeriesOptions, ExportTextOptions } from './export';
export type { Match, PartialReadOptions, ReadOptions, RequestOptions, TimeSpan } from './form';
export type { CsvColumn, ImportCsvOptions, ImportOptions, ImportSeriesOptions, ImportTextOptions } from './import';
export type { Labels } from './labels';
export type { ClientOptions, ClusterClientOptions, VictoriaMetricsClientOptions } from './options';
export type {
  CommonQueryOptions,
  MatrixResult,
  MatrixSeries,
  QueryOptions,
  QueryRangeOptions,
  QueryResult,
  Sample,
  ScalarResult,
  StringResult,
  VectorResult,
  VectorSeries,
} from './query';
/** Builders of MetricsQL, in which no value can become syntax. */
export * as metricsql from './metricsql';
export * from './producer';
export type { Encoding, ZstdCodec } from './remote-write/compression';
export { LabelSet } from './remote-write/labels';
export type { MetricMetadata, MetricType } from './remote-write/metadata';
export type { RetryEvent } from './remote-write/sender';
export {
  RemoteWriter,
  type CloseOptions,
  type DropEvent,
  type RemoteWriterOptions,
  type WhenFull,
} from './remote-write/writer';
export type { DropReason, RemoteWriterMetrics } from './remote-write/writer-metrics';
export { STALE, type Exemplar, type TimeSeries, type WriteSample } from './samples';
export type {
  LabelNamesResult,
  LabelsOptions,
  LabelValuesResult,
  MetricCount,
  NamedCount,
  SeriesOptions,
  SeriesResult,
  TsdbStatus,
  TsdbStatusOptions,
} from './series';
export { durationMilliseconds, type DurationValue, type Instant, type Milliseconds } from './time';
export type { Pem, TlsOptions } from './tls';
export type { Body, Chunks } from './upload';
