export type { DeleteSeriesOptions, ServerOptions } from './admin';
export type { Completeness } from './answer';
export type { Auth, BasicAuth, BearerAuth, Secret } from './auth';
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
} from './errors';
export type { ExportCsvOptions, ExportedSeries, ExportOptions, ExportSeriesOptions, ExportTextOptions } from './export';
export type { Match, PartialReadOptions, ReadOptions, RequestOptions, TimeSpan } from './form';
export type { CsvColumn, ImportCsvOptions, ImportOptions, ImportSeriesOptions, ImportTextOptions } from './import';
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
export * as metricsql from './metricsql';
export * from './producer';
export type { CompressedBody, Encoding, ZstdCodec } from './remote-write/compression';
export { STALE, type TimeSeries, type WriteSample } from './remote-write/encoder';
export type { WriteTarget } from './remote-write/endpoint';
export type { Exemplar } from './remote-write/exemplar';
export { LabelSet, type Labels } from './remote-write/labels';
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
export type { DurationValue, Instant, Milliseconds } from './time';
export type { Pem, TlsOptions } from './tls';
export type { Body, Chunks } from './upload';
