import { Duration, type Size } from 'cdk8s';
import { all, atLeastOne, duration, milliseconds, object, rule, size, type Check, type Shape } from '../validation';
import { goDuration, type SecretRef } from '../values';
import {
  clientHeadersCheck,
  clientSecrets,
  clientTlsCheck,
  Endpoint,
  endpointOrProps,
  type ClientTls,
} from '../wiring';
import { doubleDollars, secretPath } from '../workload';

/** Requests of clients are joined before they are sent, in data points. */
export interface BatchProps {
  /** So many are sent at once, if they come in time. @default 8192 */
  readonly minSize?: number;
  /** A request with more is split. @default - no limit */
  readonly maxSize?: number;
  /** They are sent after this time, however few. @default Duration.seconds(1) */
  readonly timeout?: Duration;
}

/** How often a target is tried again that is away or overloaded. What a target refuses for good is dropped. */
export interface RetryProps {
  /** To the first retry; later ones take half as long again, each. @default Duration.seconds(1) */
  readonly initialInterval?: Duration;
  /** Between two retries, at the most. @default Duration.seconds(30) */
  readonly maxInterval?: Duration;
  /** Then the data is dropped. @default - never: once the queue is full, clients are refused and keep their data */
  readonly maxElapsedTime?: Duration;
}

/** One place that metrics are sent to, and how. */
export interface ExporterProps {
  /**
   * Where to: a URL that takes OTLP metrics, or a `WriteEndpoint`. Its credentials are sent along; NetworkPolicies let the
   * collector reach it.
   */
  readonly endpoint: Endpoint;
  /**
   * How much may wait, as it is sent before compression; then clients are refused. OTLP only.
   *
   * @default - an equal share of a sixteenth of the memory limit; on disk, of three quarters of the volume of `queue`, or 1 GiB
   *   where that has no size
   */
  readonly queueSize?: Size;
  /** OTLP only: by remote write each request of a client becomes at least one. @default - see `BatchProps` */
  readonly batch?: BatchProps;
  /** OTLP only. @default - for ever, see `RetryProps` */
  readonly retry?: RetryProps;
  /** Requests at once. @default 10 */
  readonly numConsumers?: number;
  /**
   * How long a request may take. By remote write this is the time for all tries of a request, after which it is dropped.
   *
   * @default - 30 s; by remote write 5 minutes
   */
  readonly timeout?: Duration;
  /** Headers of each request, e.g. `{ 'X-Scope-OrgID': 'team' }`; never a secret. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How the target is known, and this client to it.
   *
   * @default - what the URL says, with the authorities of the system
   */
  readonly tls?: ClientTls;
}

const OTLP_TIMEOUT = Duration.seconds(30);
const REMOTE_WRITE_TIMEOUT = Duration.minutes(5);

const batch: Check = all(
  object<BatchProps>({ minSize: atLeastOne, maxSize: atLeastOne, timeout: duration }),
  (value, prop, problems) => {
    const { minSize = DEFAULT_BATCH, maxSize = Infinity } = value as BatchProps;
    problems.when(minSize > maxSize, {
      prop: `${prop}.maxSize`,
      value: maxSize,
      rule: `must not be below minSize (${minSize})`,
      fix: `raise it, or lower \`${prop}.minSize\``,
    });
    return value;
  },
);

const retry: Check = all(
  object<RetryProps>({ initialInterval: duration, maxInterval: duration, maxElapsedTime: duration }),
  (value, prop, problems) => {
    const { initialInterval, maxInterval, maxElapsedTime } = value as RetryProps;
    const longest = maxInterval ? milliseconds(maxInterval) : DEFAULT_MAX_INTERVAL;
    problems.when(initialInterval !== undefined && milliseconds(initialInterval) > longest, {
      prop: `${prop}.initialInterval`,
      value: initialInterval,
      rule: `must not be above maxInterval (${longest / 1000} s)`,
      fix: `lower it, or raise \`${prop}.maxInterval\``,
    });
    problems.when(maxElapsedTime !== undefined && milliseconds(maxElapsedTime) < longest, {
      prop: `${prop}.maxElapsedTime`,
      value: maxElapsedTime,
      rule: `the data would be dropped before the longest interval between two retries (${longest / 1000} s) is over`,
      fix: `raise it, or lower \`${prop}.maxInterval\``,
    });
    return value;
  },
);

/** In data points, as the collector has it by default. */
const DEFAULT_BATCH = 8192;

/** In milliseconds, as the collector has it by default. */
const DEFAULT_MAX_INTERVAL = 30_000;

/** The paths of OTLP metrics: that of the specification, and one that VictoriaMetrics took before. */
const OTLP_PATH = /(?:\/v1\/metrics|\/opentelemetry\/api\/v1\/push)$/;

const WRITE_THIS = "write cluster.ingest().otlp, cluster.write() or Endpoint.external('https://host/v1/metrics')";

const endpoint: Check = all(
  rule((value) => Endpoint.is(value), 'must be an Endpoint', WRITE_THIS),
  (value, prop, problems) => {
    const { kind, url, path } = value as Endpoint;
    if (kind === 'remote-write') return value;
    const reason =
      kind === 'query'
        ? 'the endpoint answers queries and takes no metrics'
        : !/^https?:/.test(url)
          ? 'metrics are sent by OTLP over HTTP or by remote write, and the endpoint speaks neither'
          : !OTLP_PATH.test(path.replace(/\?.*$/, ''))
            ? 'the URL must be the whole one that takes OTLP metrics, which ends in /v1/metrics'
            : undefined;
    if (reason === undefined) return value;
    problems.add({ prop, value: url, rule: reason, fix: WRITE_THIS });
    return undefined;
  },
);

const SHAPE: Shape<Omit<ExporterProps, 'endpoint'>> = {
  queueSize: size,
  batch,
  retry,
  numConsumers: atLeastOne,
  timeout: duration,
  headers: clientHeadersCheck,
  tls: clientTlsCheck,
};

const OTLP_ONLY = ['queueSize', 'batch', 'retry'] as const;

/** An endpoint, or one with more to say. */
export const exporterCheck: Check = all(endpointOrProps<ExporterProps>(endpoint, SHAPE), (value, prop, problems) => {
  const props = value as ExporterProps;
  for (const name of isRemoteWrite(props) ? OTLP_ONLY : []) {
    problems.when(props[name] !== undefined, {
      prop: `${prop}.${name}`,
      value: props[name],
      rule: 'the exporter of remote write has no such setting',
      fix: 'remove it, or send OTLP: cluster.ingest().otlp',
    });
  }
  return value;
});

export function isRemoteWrite({ endpoint: { kind } }: ExporterProps): boolean {
  return kind === 'remote-write';
}

export function timeoutOf(props: ExporterProps): Duration {
  return props.timeout ?? (isRemoteWrite(props) ? REMOTE_WRITE_TIMEOUT : OTLP_TIMEOUT);
}

/** The Secrets that an exporter reads. */
export function secretsOf({ endpoint, tls }: ExporterProps): SecretRef[] {
  return clientSecrets(endpoint.credentials, tls);
}

/** Components of the collector by their ids. */
export type Components = Readonly<Record<string, object>>;

/** How much may wait, and where. */
export interface ExporterQueue {
  readonly bytes: number;
  /** The id of the extension that keeps it on disk. @default - in memory */
  readonly storage?: string;
}

/** @param number its place in the list, from 1: the queue on disk belongs to it */
export function renderExporter(props: ExporterProps, number: number, queue: ExporterQueue): Components {
  const { endpoint: target, numConsumers = 10, headers = {}, tls } = props;
  const type = isRemoteWrite(props) ? 'prometheus_remote_write' : 'otlp_http';
  const [authenticator] = Object.keys(renderAuthenticator(props, number));
  return {
    [`${type}/${number}`]: {
      [isRemoteWrite(props) ? 'endpoint' : 'metrics_endpoint']: doubleDollars(target.url),
      auth: authenticator && { authenticator },
      headers:
        Object.keys(headers).length > 0
          ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, doubleDollars(value)]))
          : undefined,
      tls: tls && renderTls(tls),
      timeout: goDuration(timeoutOf(props)),
      retry_on_failure: renderRetry(props.retry),
      ...(isRemoteWrite(props)
        ? {
            remote_write_queue: { num_consumers: numConsumers },
            // As VictoriaMetrics does it with OTLP.
            resource_to_telemetry_conversion: { enabled: true },
          }
        : { sending_queue: renderQueue(queue, numConsumers, props.batch) }),
    },
  };
}

/** The extension that holds the credentials of an exporter, if any. Both kinds read a file again when it changes. */
export function renderAuthenticator({ endpoint: { credentials } }: ExporterProps, number: number): Components {
  if (!credentials) return {};
  if ('bearerToken' in credentials) {
    return { [`bearertokenauth/${number}`]: { filename: doubleDollars(secretPath(credentials.bearerToken)) } };
  }
  const { username, password } = credentials;
  const client = { username: doubleDollars(username), password_file: doubleDollars(secretPath(password)) };
  return { [`basicauth/${number}`]: { client_auth: client } };
}

function renderTls({ ca, cert, key, serverName, insecureSkipVerify }: ClientTls): object {
  const file = (ref: SecretRef | undefined): string | undefined => ref && doubleDollars(secretPath(ref));
  return {
    ca_file: file(ca),
    cert_file: file(cert),
    key_file: file(key),
    server_name_override: serverName && doubleDollars(serverName),
    insecure_skip_verify: insecureSkipVerify,
  };
}

/** The collector itself gives up after five minutes. */
function renderRetry({ initialInterval, maxInterval, maxElapsedTime }: RetryProps = {}): object {
  return {
    initial_interval: initialInterval ? goDuration(initialInterval) : '1s',
    max_interval: maxInterval ? goDuration(maxInterval) : `${DEFAULT_MAX_INTERVAL / 1000}s`,
    max_elapsed_time: maxElapsedTime ? goDuration(maxElapsedTime) : '0s',
  };
}

/**
 * Requests are joined when they leave the queue. A `batch` processor in front of it would answer clients before the data
 * is in the queue, and drop it when that is full.
 */
function renderQueue({ bytes, storage }: ExporterQueue, numConsumers: number, batchProps: BatchProps = {}): object {
  const { minSize = DEFAULT_BATCH, maxSize, timeout } = batchProps;
  return {
    sizer: 'bytes',
    queue_size: bytes,
    num_consumers: numConsumers,
    storage,
    batch: {
      sizer: 'items',
      min_size: minSize,
      max_size: maxSize,
      flush_timeout: timeout ? goDuration(timeout) : '1s',
    },
  };
}
