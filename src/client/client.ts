import type { AgentOptions } from 'node:https';
import { authorizationHeader, type Auth } from './auth';
import { clusterEndpoints, explicitEndpoints, singleEndpoints, type Endpoints } from './endpoints';
import { BadResponseError, InvalidArgumentError, type RequestDescription } from './errors';
import { HttpTransport, validateHeaders, type CallOptions, type HttpRequest } from './http';
import {
  parseQueryResult,
  queryForm,
  queryRangeForm,
  type CommonQueryOptions,
  type MatrixResult,
  type QueryOptions,
  type QueryRangeOptions,
  type QueryResult,
  type RequestOptions,
} from './query';
import { WriteRequestEncoder, type TimeSeries } from './remote-write/encoder';
import { SnappyCompressor } from './remote-write/snappy';
import { toMilliseconds, validateTimeout, type Instant, type Milliseconds } from './time';

/** What any client takes. */
export interface ClientOptions {
  /** @default no authentication */
  readonly auth?: Auth;
  /**
   * Time for one call, in milliseconds.
   *
   * @default 30000, which is what VictoriaMetrics allows a query by default (`-search.maxQueryDuration`)
   */
  readonly timeout?: Milliseconds;
  /** Headers of every request, such as those by which a proxy tells tenants apart. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Options of the `http.Agent` and the `https.Agent` that keep the connections: certificates (`ca`, `cert`, `key`),
   * limits (`maxSockets`) and the like.
   */
  readonly agentOptions?: AgentOptions;
}

/** Options with explicit base URLs. At least one of them is needed. */
export interface VictoriaMetricsClientOptions extends ClientOptions {
  /** What stands before `/api/v1/query`, as in `http://vmselect:8481/select/0/prometheus`. */
  readonly readUrl?: string;
  /** What stands before `/api/v1/write`, as in `http://vminsert:8480/insert/0/prometheus`. */
  readonly writeUrl?: string;
}

/** Options of a client for a cluster. */
export interface ClusterClientOptions extends ClientOptions {
  /** The root URL of vminsert, or of a vmauth before it. */
  readonly insert: string;
  /** The root URL of vmselect, or of a vmauth before it. */
  readonly select: string;
  /** `accountID`, `accountID:projectID` or `multitenant`. @default '0' */
  readonly tenant?: string;
}

/** Options of a text import. */
export interface ImportTextOptions extends RequestOptions {
  /** The time of samples that have none of their own. @default now, by the clock of the server */
  readonly timestamp?: Instant;
}

const DEFAULT_TIMEOUT = 30_000;
const USER_AGENT = 'cdk8s-victoriametrics';

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
  readonly #healthUrls: readonly string[];
  readonly #timeout: Milliseconds;
  readonly #transport: HttpTransport;
  readonly #encoder = new WriteRequestEncoder();
  readonly #compressor = new SnappyCompressor();

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(options: VictoriaMetricsClientOptions);
  /** @internal */
  constructor(options: ClientOptions, endpoints: Endpoints);
  constructor(options: VictoriaMetricsClientOptions, endpoints?: Endpoints) {
    const { readUrl, writeUrl, healthUrls } = endpoints ?? explicitEndpoints(options.readUrl, options.writeUrl);
    this.readUrl = readUrl;
    this.writeUrl = writeUrl;
    this.#healthUrls = healthUrls;
    this.#timeout = validateTimeout('timeout', options.timeout ?? DEFAULT_TIMEOUT);
    const headers = validateHeaders(options.headers ?? {});
    if (options.auth !== undefined && headers.authorization !== undefined) {
      throw new InvalidArgumentError('headers: Authorization is given and auth as well; give one of them');
    }
    this.#transport = new HttpTransport({
      headers: { 'user-agent': USER_AGENT, ...headers },
      authorization: authorizationHeader(options.auth),
      agentOptions: options.agentOptions,
    });
  }

  /**
   * Resolves when every server that this client talks to answers on `/health`.
   *
   * @throws VictoriaMetricsError of the first server that does not
   */
  async health(options: RequestOptions = {}): Promise<void> {
    const call = this.#call(options);
    await Promise.all(this.#healthUrls.map((url) => this.#transport.send({ method: 'GET', url }, call)));
  }

  /**
   * Writes series by the remote write protocol 1.0. Resolves when the server accepted the request, which does not mean
   * that it stored every sample: VictoriaMetrics drops samples outside of its retention, more than two days in the
   * future or with too many labels without a word, and counts them in `vm_rows_ignored_total`.
   *
   * The series are encoded before this returns, so the caller may change them at once. Series without samples are left
   * out; when nothing is left, nothing is sent.
   *
   * @throws InvalidArgumentError when a series breaks the rules of the protocol; then nothing was sent
   * @throws VictoriaMetricsError when the server did not accept the request, see `retryable`
   */
  async remoteWrite(series: readonly TimeSeries[], options: RequestOptions = {}): Promise<void> {
    const url = this.#url('writeUrl', '/api/v1/write');
    const call = this.#call(options);
    this.#encoder.reset();
    for (let i = 0; i < series.length; i++) this.#encoder.add(series[i]!, i);
    const message = this.#encoder.finish();
    if (message.length === 0) return;
    // Copied, because a call that is made meanwhile uses the same buffers.
    const body = Buffer.from(this.#compressor.compress(message));
    await this.#transport.send({ method: 'POST', url, headers: REMOTE_WRITE_HEADERS, body }, call);
  }

  /**
   * Writes samples in the text format of Prometheus (`name{label="value"} 1 <milliseconds>`), one a line.
   *
   * Resolves when the server accepted the request. VictoriaMetrics skips lines that it cannot read without a word, and
   * counts them in `vm_rows_invalid_total`.
   *
   * @throws VictoriaMetricsError when the server did not accept the request, see `retryable`
   */
  async importText(text: string | Uint8Array, options: ImportTextOptions = {}): Promise<void> {
    let url = this.#url('writeUrl', '/api/v1/import/prometheus');
    if (options.timestamp !== undefined) url += `?timestamp=${toMilliseconds('timestamp', options.timestamp)}`;
    await this.#transport.send({ method: 'POST', url, headers: TEXT_HEADERS, body: text }, this.#call(options));
  }

  /**
   * Evaluates an expression at one time.
   *
   * Fresh samples are invisible for `-search.latencyOffset` (30 s); see `latencyOffset` and `nocache`.
   *
   * @throws VictoriaMetricsError when the query failed or the answer is none
   */
  async query(query: string, options: QueryOptions = {}): Promise<QueryResult> {
    const call = this.#call(options);
    const url = this.#url('readUrl', '/api/v1/query');
    return this.#query({ method: 'POST', url, query }, queryForm(query, options, call.timeout), options, call);
  }

  /**
   * Evaluates an expression at each step from start to end.
   *
   * Unless `nocache` is set the server moves start and end to multiples of the step.
   *
   * @throws VictoriaMetricsError when the query failed or the answer is none
   */
  async queryRange(query: string, options: QueryRangeOptions): Promise<MatrixResult> {
    const call = this.#call(options);
    const request = { method: 'POST', url: this.#url('readUrl', '/api/v1/query_range'), query } as const;
    const answer = await this.#query(request, queryRangeForm(query, options, call.timeout), options, call);
    if (answer.resultType !== 'matrix') {
      throw new BadResponseError(request, `a range query gave a ${answer.resultType}`, '');
    }
    return answer;
  }

  /** Frees the connections. Calls under way fail, and so do later ones. */
  close(): void {
    this.#transport.close();
  }

  async #query(
    request: RequestDescription,
    body: string,
    options: CommonQueryOptions,
    call: CallOptions,
  ): Promise<QueryResult> {
    // POST, because a long query does not fit a URL.
    const sent: HttpRequest = { ...request, headers: FORM_HEADERS, body };
    return parseQueryResult(await this.#transport.send(sent, call), request, options.denyPartialResponse === true);
  }

  #call(options: RequestOptions): CallOptions {
    const timeout = options.timeout === undefined ? this.#timeout : validateTimeout('timeout', options.timeout);
    return { timeout, signal: options.signal };
  }

  #url(side: 'readUrl' | 'writeUrl', path: string): string {
    const base = this[side];
    if (base === undefined) {
      throw new InvalidArgumentError(`${side}: missing, but this call needs it; give it when the client is made`);
    }
    return `${base}${path}`;
  }
}

/** https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol */
const REMOTE_WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};
const TEXT_HEADERS = { 'content-type': 'text/plain; charset=utf-8' };
const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };
