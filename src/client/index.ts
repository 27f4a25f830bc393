export type { Auth, BasicAuth, BearerAuth, Secret } from './auth';
export {
  VictoriaMetricsClient,
  type ClientOptions,
  type ClusterClientOptions,
  type ImportTextOptions,
  type VictoriaMetricsClientOptions,
} from './client';
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
export type {
  CommonQueryOptions,
  MatrixResult,
  MatrixSeries,
  QueryOptions,
  QueryRangeOptions,
  QueryResult,
  RequestOptions,
  Sample,
  ScalarResult,
  StringResult,
  VectorResult,
  VectorSeries,
} from './query';
export { STALE, type TimeSeries, type WriteSample } from './remote-write/encoder';
export { LabelSet, type Labels } from './remote-write/labels';
export type { DurationValue, Instant, Milliseconds } from './time';
