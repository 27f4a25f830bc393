import { parseFlags, type DeleteSeriesOptions, type ServerOptions } from './admin';
import { checkShape, ShapeError, type ApiAnswer } from './answer';
import { Api } from './api';
import { clusterEndpoints, explicitEndpoints, singleEndpoints, type Endpoints } from './endpoints';
import {
  exportCsvForm,
  exportNativeForm,
  exportSeriesForm,
  parseExport,
  type ExportCsvOptions,
  type ExportedSeries,
  type ExportOptions,
  type ExportSeriesOptions,
} from './export';
import type { Match, RequestOptions } from './form';
import {
  csvFormat,
  formatTimestamp,
  importArguments,
  jsonLines,
  type ImportCsvOptions,
  type ImportOptions,
  type ImportSeriesOptions,
  type ImportTextOptions,
} from './import';
import type { ClientOptions, ClusterClientOptions, VictoriaMetricsClientOptions } from './options';
import {
  parseQueryResult,
  queryForm,
  queryRangeForm,
  type MatrixResult,
  type QueryOptions,
  type QueryRangeOptions,
  type QueryResult,
} from './query';
import { BodyCompressor } from './remote-write/compression';
import { WriteRequestEncoder } from './remote-write/encoder';
import { RemoteWriteEndpoint } from './remote-write/endpoint';
import type { MetricMetadata } from './remote-write/metadata';
import { RemoteWriter, type RemoteWriterOptions } from './remote-write/writer';
import { isList, notAList, type TimeSeries } from './samples';
import {
  labelPath,
  parseSeries,
  parseStrings,
  parseTsdbStatus,
  seriesForm,
  tsdbStatusForm,
  type LabelNamesResult,
  type LabelsOptions,
  type LabelValuesResult,
  type SeriesOptions,
  type SeriesResult,
  type TsdbStatus,
  type TsdbStatusOptions,
} from './series';
import type { Milliseconds } from './time';
import type { Body } from './upload';

/** Options of a write. */
export interface RemoteWriteOptions extends RequestOptions {
  /** What is known of metrics, for servers that keep it. @default - none */
  readonly metadata?: readonly MetricMetadata[];
}

/**
 * A client for VictoriaMetrics: single node, cluster, or either of them behind vmauth or another proxy.
 *
 * Each call is one attempt. Whether another one is worth while is said by `retryable` of the error. Times and durations
 * are milliseconds unless their type says otherwise.
 *
 * ```ts
 * const client = VictoriaMetricsClient.single('http://victoria-metrics:8428');
 * await client.remoteWrite([{ labels: { __name__: 'orders_total' }, samples: [{ timestamp: Date.now(), value: 1 }] }]);
 * const answer = await client.query('sum(rate(orders_total[5m]))');
 * ```
 */
export class VictoriaMetricsClient {
  /**
   * A client for a single node, or for a vmauth that routes `/api/v1/...` itself.
   *
   * @param url the root URL, as in `http://victoria-metrics:8428`
   */
  static single(url: string, options: ClientOptions = {}): VictoriaMetricsClient {
    return new VictoriaMetricsClient(options, singleEndpoints(url));
  }

  /** A client for one tenant of a cluster, or for all of them with the tenant `multitenant`. */
  static cluster(options: ClusterClientOptions): VictoriaMetricsClient {
    return new VictoriaMetricsClient(options, clusterEndpoints(options.insert, options.select, options.tenant ?? '0'));
  }

  /** What stands before `/api/v1/query`. */
  readonly readUrl: string | undefined;
  /** What stands before `/api/v1/write`. */
  readonly writeUrl: string | undefined;

  // Private to the runtime as well: printing or serializing the client shows no secret.
  readonly #api: Api;
  readonly #encoder = new WriteRequestEncoder();
  readonly #compressor = new BodyCompressor(undefined);

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(options: VictoriaMetricsClientOptions);
  /** @internal */
  constructor(options: ClientOptions, endpoints: Endpoints);
  constructor(options: VictoriaMetricsClientOptions, endpoints?: Endpoints) {
    this.#api = new Api(endpoints ?? explicitEndpoints(options.readUrl, options.writeUrl), options);
    this.readUrl = this.#api.endpoints.readUrl;
    this.writeUrl = this.#api.endpoints.writeUrl;
  }

  /**
   * Resolves when every server that this client talks to answers on `/health`.
   *
   * @throws VictoriaMetricsError of the first server that does not
   */
  async health(options: RequestOptions = {}): Promise<void> {
    await this.#api.health(options);
  }

  /**
   * What a server says of itself on `/metrics`, in the text format of Prometheus.
   *
   * @throws VictoriaMetricsError when the server did not answer
   */
  async metrics(options: ServerOptions = {}): Promise<string> {
    return (await this.#api.askServer('/metrics', options)).text;
  }

  /**
   * The flags that a server was started with, by name; secret ones have the value `secret`.
   *
   * @throws VictoriaMetricsError when the server did not answer, or not with flags
   */
  async flags(options: ServerOptions = {}): Promise<Readonly<Record<string, string>>> {
    const { text, request } = await this.#api.askServer('/flags', options);
    return checkShape(
      request,
      () => text,
      () => parseFlags(text),
    );
  }

  /**
   * Writes series by the remote write protocol 1.0. Resolves when the server accepted the request, which does not mean
   * that it stored every sample: VictoriaMetrics drops samples outside of its retention, more than two days in the
   * future or with too many labels without a word, and counts them in `vm_rows_ignored_total`.
   *
   * The series are encoded before this returns, so the caller may change them at once. Series without samples are left
   * out; when nothing is left, nothing is sent. A series that comes several times must be in time order all the same, from
   * one to the next and from write to write: that is not checked here, and Prometheus refuses what is out of order.
   *
   * @throws InvalidArgumentError when a series breaks the rules of the protocol; then nothing was sent
   * @throws VictoriaMetricsError when the server did not accept the request, see `retryable`
   */
  async remoteWrite(series: readonly TimeSeries[], options: RemoteWriteOptions = {}): Promise<void> {
    const { timeout, signal } = this.#api.call(options);
    const endpoint = this.#writeEndpoint(timeout);
    const { metadata = [] } = options;
    if (!isList(series)) throw notAList('series', series);
    this.#encoder.reset();
    for (let i = 0; i < series.length; i++) this.#encoder.add(series[i]!, i);
    for (let i = 0; i < metadata.length; i++) this.#encoder.addMetadata(metadata[i]!, i);
    const message = this.#encoder.finish();
    if (message.length === 0) return;
    await endpoint.send(this.#compressor.compress(message, 'snappy'), signal);
  }

  /**
   * A writer that collects samples and sends them in the background, again where need be, until the server took them. It
   * uses the connections and the time-out of this client, so close the writer first.
   *
   * @throws InvalidArgumentError when an option breaks its rule
   */
  remoteWriter(options: RemoteWriterOptions = {}): RemoteWriter {
    return new RemoteWriter(this.#writeEndpoint(this.#api.timeout), options);
  }

  /**
   * Writes samples in the text format of Prometheus (`name{label="value"} 1 <milliseconds>`), one a line.
   *
   * Resolves when the server accepted the request. VictoriaMetrics skips lines that it cannot read without a word, and
   * counts them in `vm_rows_invalid_total`.
   *
   * @throws VictoriaMetricsError when the server did not accept the request, see `retryable`
   */
  async importText(text: Body, options: ImportTextOptions = {}): Promise<void> {
    const args = importArguments(options, { timestamp: formatTimestamp(options.timestamp) });
    await this.#api.import('/api/v1/import/prometheus', args, 'text/plain; charset=utf-8', text, options);
  }

  /**
   * Imports series, such as those of `exportSeries` of another client. They are read no faster than the server takes
   * them, so that any number fits into memory. The samples of a series may be in any order.
   *
   * What `remoteWrite` says about samples that the server drops holds here, too.
   *
   * @throws InvalidArgumentError when a series breaks a rule; what came before it may have been stored
   * @throws VictoriaMetricsError when the server did not accept the request; it may have stored the beginning
   */
  async importSeries(
    series: Iterable<TimeSeries> | AsyncIterable<TimeSeries>,
    options: ImportSeriesOptions = {},
  ): Promise<void> {
    await this.importJson(jsonLines(series, options.dropNaN === true), options);
  }

  /**
   * Imports JSON lines as they are, from a string, bytes, or a stream of either.
   *
   * VictoriaMetrics skips lines that it cannot read without a word, and counts them in `vm_rows_invalid_total`.
   *
   * @throws VictoriaMetricsError when the server did not accept the request; it may have stored the beginning
   */
  async importJson(lines: Body, options: ImportOptions = {}): Promise<void> {
    await this.#api.import('/api/v1/import', importArguments(options), 'application/stream+json', lines, options);
  }

  /**
   * Imports CSV, from a string, bytes, or a stream of either. A line of headings is skipped as one that cannot be read.
   *
   * @throws InvalidArgumentError when the columns cannot be
   * @throws VictoriaMetricsError when the server did not accept the request; it may have stored the beginning
   */
  async importCsv(csv: Body, options: ImportCsvOptions): Promise<void> {
    const args = importArguments(options, { format: csvFormat(options.columns) });
    await this.#api.import('/api/v1/import/csv', args, 'text/csv; charset=utf-8', csv, options);
  }

  /**
   * Imports what `exportNative` gave, as in `await target.importNative(source.exportNative('{job="shop"}'))`. The
   * fastest way to copy data, and the one that keeps stale markers.
   *
   * @throws VictoriaMetricsError when the server did not accept the request; it may have stored the beginning
   */
  async importNative(data: Body, options: ImportOptions = {}): Promise<void> {
    await this.#api.import('/api/v1/import/native', importArguments(options), 'VictoriaMetrics/native', data, options);
  }

  /**
   * Evaluates an expression at one time.
   *
   * Fresh samples are invisible for `-search.latencyOffset` (30 s); see `latencyOffset` and `nocache`.
   *
   * @throws VictoriaMetricsError when the query failed or the answer is none
   */
  async query(query: string, options: QueryOptions = {}): Promise<QueryResult> {
    const call = this.#api.call(options);
    return this.#api.ask(
      '/api/v1/query',
      queryForm(query, options, call.timeout),
      options,
      call,
      parseQueryResult,
      query,
    );
  }

  /**
   * Evaluates an expression at each step from start to end.
   *
   * Unless `nocache` is set the server moves start and end to multiples of the step.
   *
   * @throws VictoriaMetricsError when the query failed or the answer is none
   */
  async queryRange(query: string, options: QueryRangeOptions): Promise<MatrixResult> {
    const call = this.#api.call(options);
    const form = queryRangeForm(query, options, call.timeout);
    const parse = (answer: ApiAnswer): MatrixResult => {
      const result = parseQueryResult(answer);
      if (result.resultType !== 'matrix') throw new ShapeError(`a range query gave a ${result.resultType}`);
      return result;
    };
    return this.#api.ask('/api/v1/query_range', form, options, call, parse, query);
  }

  /**
   * The series that any of the selectors chooses, by their labels.
   *
   * @throws VictoriaMetricsError when the search failed or the answer is none
   */
  async series(match: Match, options: SeriesOptions = {}): Promise<SeriesResult> {
    const call = this.#api.call(options);
    return this.#api.ask('/api/v1/series', seriesForm(match, options, call.timeout), options, call, parseSeries);
  }

  /**
   * The names of all labels, `__name__` among them.
   *
   * @throws VictoriaMetricsError when the search failed or the answer is none
   */
  async labels(options: LabelsOptions = {}): Promise<LabelNamesResult> {
    const call = this.#api.call(options);
    return this.#api.ask(
      '/api/v1/labels',
      seriesForm(options.match, options, call.timeout),
      options,
      call,
      (answer) => ({
        names: parseStrings(answer),
        isPartial: answer.isPartial,
      }),
    );
  }

  /**
   * The values of a label; those of `__name__` are the names of the metrics.
   *
   * @throws VictoriaMetricsError when the search failed or the answer is none
   */
  async labelValues(label: string, options: LabelsOptions = {}): Promise<LabelValuesResult> {
    const call = this.#api.call(options);
    const form = seriesForm(options.match, options, call.timeout);
    return this.#api.ask(`/api/v1/label/${labelPath(label)}/values`, form, options, call, (answer) => ({
      values: parseStrings(answer),
      isPartial: answer.isPartial,
    }));
  }

  /**
   * What most series are made of: the way to find out why there are so many.
   *
   * @throws VictoriaMetricsError when the search failed or the answer is none
   */
  async tsdbStatus(options: TsdbStatusOptions = {}): Promise<TsdbStatus> {
    const call = this.#api.call(options);
    return this.#api.ask('/api/v1/status/tsdb', tsdbStatusForm(options, call.timeout), options, call, parseTsdbStatus);
  }

  /**
   * Exports the raw samples of the series that any of the selectors chooses, series by series, as fast as they are taken:
   *
   * ```ts
   * for await (const { labels, samples } of client.exportSeries('{job="shop"}')) console.log(labels, samples.length);
   * ```
   *
   * Fresh samples may be missing; `/internal/force_flush` of VictoriaMetrics makes them visible.
   *
   * @throws VictoriaMetricsError at the beginning or between two series, when the export failed or broke off
   */
  exportSeries(match: Match, options: ExportSeriesOptions = {}): AsyncGenerator<ExportedSeries, void, undefined> {
    const path = '/api/v1/export';
    const form = exportSeriesForm(match, options);
    return parseExport(this.#api.stream(path, form, options), this.#api.form(path, form));
  }

  /**
   * Exports raw samples as CSV with a line of headings, as bytes that come in pieces.
   *
   * @throws VictoriaMetricsError at the beginning or between two pieces, when the export failed or broke off
   */
  exportCsv(match: Match, options: ExportCsvOptions): AsyncGenerator<Buffer, void, undefined> {
    return this.#api.stream('/api/v1/export/csv', exportCsvForm(match, options), options);
  }

  /**
   * Exports raw samples in the format of VictoriaMetrics, as bytes that come in pieces. For `importNative`, at once or
   * from a file: `await pipeline(client.exportNative('up'), createWriteStream('up.bin'))`.
   *
   * @throws VictoriaMetricsError at the beginning or between two pieces, when the export failed or broke off
   */
  exportNative(match: Match, options: ExportOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    return this.#api.stream('/api/v1/export/native', exportNativeForm(match, options), options);
  }

  /**
   * Deletes the series that any of the selectors chooses, with all of their samples. It cannot be undone.
   *
   * With `readUrl` the client finds vmselect's path for it where the URL ends in `/select/<tenant>/prometheus`. A vmauth
   * mostly routes no deletions.
   *
   * @throws VictoriaMetricsError when the server did not delete them
   */
  async deleteSeries(match: Match, options: DeleteSeriesOptions = {}): Promise<void> {
    await this.#api.deleteSeries(match, options);
  }

  /** Frees the connections. Calls under way fail, and so do later ones. */
  close(): void {
    this.#api.transport.close();
  }

  #writeEndpoint(timeout: Milliseconds): RemoteWriteEndpoint {
    return new RemoteWriteEndpoint(this.#api.transport, this.#api.url('writeUrl', '/api/v1/write'), timeout);
  }
}
