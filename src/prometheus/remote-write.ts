import type { Duration } from 'cdk8s';
import type { SecretPath } from '../flags';
import {
  onlyKnownToVmagent,
  relabelConfigsCheck,
  renderCredentials,
  renderRelabelConfigs,
  renderTls,
  SCRAPE_JOB_SHAPE,
  scrapeDuration,
  type Plain,
  type RelabelConfig,
} from '../scrape';
import {
  all,
  boolean,
  duration,
  instance,
  integer,
  milliseconds,
  object,
  type Check,
  type Problems,
} from '../validation';
import type { ClientTls, Endpoint, WriteEndpoint } from '../wiring';

/** How samples wait for a target and are sent to it. What is not sent yet is read again from the log of the volume. */
export interface QueueProps {
  /** How many samples of each shard wait in memory. @default 10000 */
  readonly capacity?: number;
  /** The fewest shards, that is requests at once. @default 1 */
  readonly minShards?: number;
  /** The most shards, that is requests at once. @default 50 */
  readonly maxShards?: number;
  /** How many samples a request has at most. @default 2000 */
  readonly maxSamplesPerSend?: number;
  /** How long a sample waits for others to be sent with. @default Duration.seconds(5) */
  readonly batchSendDeadline?: Duration;
  /** How long to wait after the first failure; twice as long after each further one. @default Duration.millis(30) */
  readonly minBackoff?: Duration;
  /** How long to wait at most. @default Duration.seconds(5) */
  readonly maxBackoff?: Duration;
  /** Whether what a target refuses with 429 is sent again, instead of dropped. @default false */
  readonly retryOnHttp429?: boolean;
  /** Samples that are older are dropped. @default - none is too old */
  readonly sampleAgeLimit?: Duration;
}

/** One place that samples are sent to, and how. */
export interface PrometheusRemoteWriteProps {
  /** Where to. Its credentials are sent along; NetworkPolicies let Prometheus reach it. */
  readonly endpoint: WriteEndpoint;
  /** @default - that of Prometheus */
  readonly queue?: QueueProps;
  /** Relabeling of what goes to this target. @default - none */
  readonly relabelConfigs?: readonly RelabelConfig[];
  /** How long a request may take. @default Duration.seconds(30) */
  readonly timeout?: Duration;
  /** @default - what the URL says, with the authorities of the system */
  readonly tls?: ClientTls;
  /** Whether native histograms are sent; VictoriaMetrics makes its own of them. @default false */
  readonly sendNativeHistograms?: boolean;
  /**
   * Whether the label that tells replicas apart is sent, for a system outside of the stack that takes off copies by it.
   *
   * @default false
   */
  readonly keepReplicaLabel?: boolean;
}

const DEFAULT_CAPACITY = 10_000;
const DEFAULT_MAX_SHARDS = 50;
const DEFAULT_MAX_SAMPLES_PER_SEND = 2000;
const DEFAULT_MIN_BACKOFF_MS = 30;
const DEFAULT_MAX_BACKOFF_MS = 5000;

const atLeastOne = integer({ min: 1 });

const queueCheck: Check = all(
  object<QueueProps>({
    capacity: atLeastOne,
    minShards: atLeastOne,
    maxShards: atLeastOne,
    maxSamplesPerSend: atLeastOne,
    batchSendDeadline: duration,
    minBackoff: duration,
    maxBackoff: duration,
    retryOnHttp429: boolean,
    sampleAgeLimit: duration,
  }),
  (value, prop, problems) => {
    const queue = value as QueueProps;
    const { capacity = DEFAULT_CAPACITY, maxSamplesPerSend = DEFAULT_MAX_SAMPLES_PER_SEND } = queue;
    problems.when(capacity < maxSamplesPerSend, {
      prop: `${prop}.capacity`,
      value: capacity,
      rule: `is less than a request has, which is ${maxSamplesPerSend} (${prop}.maxSamplesPerSend)`,
      fix: `set \`${prop}.capacity\` to ${3 * maxSamplesPerSend} or more`,
    });
    const { minShards = 1, maxShards = DEFAULT_MAX_SHARDS } = queue;
    problems.when(minShards > maxShards, {
      prop: `${prop}.minShards`,
      value: minShards,
      rule: `is more than the most, which is ${maxShards} (${prop}.maxShards)`,
      fix: `set \`${prop}.maxShards\` to ${minShards} or more, or lower it`,
    });
    const min = queue.minBackoff ? milliseconds(queue.minBackoff) : DEFAULT_MIN_BACKOFF_MS;
    const max = queue.maxBackoff ? milliseconds(queue.maxBackoff) : DEFAULT_MAX_BACKOFF_MS;
    problems.when(min > max, {
      prop: `${prop}.minBackoff`,
      value: queue.minBackoff,
      rule: `is longer than the longest, which is ${max} ms (${prop}.maxBackoff)`,
      fix: `set \`${prop}.maxBackoff\` to as much, or shorten it`,
    });
    return value;
  },
);

const endpointCheck: Check = all(
  instance('WriteEndpoint', 'connectFrom', "cluster.write() or WriteEndpoint.external('https://...')"),
  (value, prop, problems) => {
    const { kind, url } = value as Endpoint;
    if (kind === 'remote-write') return value;
    problems.add({
      prop,
      value: url,
      rule: 'the endpoint does not take remote write',
      fix: "write cluster.write() or WriteEndpoint.external('https://...')",
    });
    return undefined;
  },
);

const prometheusRelabelConfigs: Check = all(relabelConfigsCheck, (value, prop, problems) => {
  renderRelabelConfigs(value as readonly RelabelConfig[])
    .flatMap((config, index) => onlyKnownToVmagent(config, `${prop}[${index}]`))
    .forEach((problem) => problems.add({ ...problem, fix: 'remove it, or use a VmAgent' }));
  return value;
});

const objectCheck: Check = all(
  object<PrometheusRemoteWriteProps>(
    {
      endpoint: endpointCheck,
      queue: queueCheck,
      relabelConfigs: prometheusRelabelConfigs,
      timeout: duration,
      tls: SCRAPE_JOB_SHAPE.tls,
      sendNativeHistograms: boolean,
      keepReplicaLabel: boolean,
    },
    'endpoint',
  ),
  (value, prop, problems) => {
    const { endpoint, tls, keepReplicaLabel = false } = value as PrometheusRemoteWriteProps;
    problems.when(tls !== undefined && !endpoint.url.startsWith('https:'), {
      prop: `${prop}.tls`,
      value: tls,
      rule: 'the endpoint is http, so that it would not be used',
      fix: 'remove it, or take an endpoint with https',
    });
    problems.when(keepReplicaLabel && endpoint.isInternal, {
      prop: `${prop}.keepReplicaLabel`,
      value: true,
      rule: 'VictoriaMetrics would take the samples of the replicas for different series, and keep all of them',
      fix: 'remove it',
    });
    return value;
  },
);

/** An endpoint, or one with more to say. */
export const remoteWriteCheck: Check = (value, prop, problems) => {
  const bare = typeof value !== 'object' || value === null || 'connectFrom' in value;
  if (!bare) return objectCheck(value, prop, problems);
  const endpoint = endpointCheck(value, prop, problems);
  return endpoint && { endpoint };
};

/** The same URL twice would be sent every sample twice. */
export function checkTargets(targets: readonly PrometheusRemoteWriteProps[], problems: Problems): void {
  const urls = targets.map(({ endpoint }) => endpoint.url);
  for (const [index, url] of urls.entries()) {
    problems.when(urls.indexOf(url) !== index, {
      prop: `remoteWrite[${index}]`,
      value: url,
      rule: 'the URL is that of another target, and would get every sample twice',
      fix: 'remove one of the two',
    });
  }
}

/**
 * An entry of `remote_write`.
 *
 * @param replicaLabel the external label that tells replicas apart, if there are any
 */
export function renderRemoteWrite(
  props: PrometheusRemoteWriteProps,
  replicaLabel: string | undefined,
  secretPath: SecretPath,
): Plain {
  const { endpoint, queue, relabelConfigs = [], timeout, tls, sendNativeHistograms, keepReplicaLabel = false } = props;
  // Last, so that whatever comes before finds the label.
  const drop = replicaLabel === undefined || keepReplicaLabel ? [] : [dropLabel(replicaLabel)];
  const relabeling = renderRelabelConfigs([...relabelConfigs, ...drop]);
  return {
    url: endpoint.url,
    ...(timeout ? { remote_timeout: scrapeDuration(timeout) } : {}),
    ...(relabeling.length > 0 ? { write_relabel_configs: relabeling } : {}),
    ...(sendNativeHistograms === undefined ? {} : { send_native_histograms: sendNativeHistograms }),
    ...renderCredentials(endpoint.credentials, secretPath),
    ...(tls ? { tls_config: renderTls(tls, secretPath) } : {}),
    ...(queue ? { queue_config: renderQueue(queue) } : {}),
  };
}

/** A rule that takes off a label. */
export function dropLabel(name: string): RelabelConfig {
  return { action: 'labeldrop', regex: name };
}

function renderQueue(queue: QueueProps): Plain {
  const { batchSendDeadline, minBackoff, maxBackoff, sampleAgeLimit } = queue;
  const fields = {
    capacity: queue.capacity,
    min_shards: queue.minShards,
    max_shards: queue.maxShards,
    max_samples_per_send: queue.maxSamplesPerSend,
    batch_send_deadline: batchSendDeadline && scrapeDuration(batchSendDeadline),
    min_backoff: minBackoff && scrapeDuration(minBackoff),
    max_backoff: maxBackoff && scrapeDuration(maxBackoff),
    retry_on_http_429: queue.retryOnHttp429,
    sample_age_limit: sampleAgeLimit && scrapeDuration(sampleAgeLimit),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
