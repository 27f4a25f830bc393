import type { AgentOptions } from 'node:https';
import type { Auth } from './auth';
import type { Milliseconds } from './time';
import type { TlsOptions } from './tls';

/** What any client takes. */
export interface ClientOptions {
  /** How requests are authenticated. @default - they are not */
  readonly auth?: Auth;
  /**
   * Time for one call, in milliseconds; for exports and for imports of streams, time for each wait for the server.
   *
   * @default 30000, which is what VictoriaMetrics allows a query by default (`-search.maxQueryDuration`)
   */
  readonly timeout?: Milliseconds;
  /** Headers of every request, such as those by which a proxy tells tenants apart. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /** How servers with `https` are recognized, and the client by them. @default - the authorities that Node.js knows */
  readonly tls?: TlsOptions;
  /**
   * Options of the `http.Agent` and the `https.Agent` that keep the connections, such as `maxSockets`.
   *
   * @default - connections are kept for 30 s
   */
  readonly agentOptions?: AgentOptions;
  /**
   * Bytes of an answer at most, after it was decompressed; one that is longer is a BadResponseError. Exports come in
   * pieces and may have any length.
   *
   * @default 268435456, which is 256 MiB
   */
  readonly maxResponseBytes?: number;
}

/** Options with explicit base URLs. At least one of them is needed. */
export interface VictoriaMetricsClientOptions extends ClientOptions {
  /**
   * What stands before `/api/v1/query`, as in `http://vmselect:8481/select/0/prometheus`.
   *
   * @default - none: calls that read are refused
   */
  readonly readUrl?: string;
  /**
   * What stands before `/api/v1/write`, as in `http://vminsert:8480/insert/0/prometheus`.
   *
   * @default - none: calls that write are refused
   */
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
