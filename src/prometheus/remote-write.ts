import type { Duration } from 'cdk8s';
import type { SecretPath } from '../flags';
import {
  onlyKnownToVmagent,
  relabelConfigsCheck,
  renderCredentials,
  renderRelabelConfigs,
  renderTls,
  type Plain,
  type RelabelConfig,
} from '../scrape';
import { all, atLeastOne, boolean, duration, milliseconds, object, type Check } from '../validation';
import { prometheusDuration } from '../values';
import {
  clientHeadersCheck,
  clientTlsCheck,
  endpointOrProps,
  writeEndpointCheck,
  type ClientTls,
  type WriteEndpoint,
} from '../wiring';

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
  /** How samples wait and are sent. @default - that of Prometheus */
  readonly queue?: QueueProps;
  /** Relabeling of what goes to this target. @default - none */
  readonly relabelConfigs?: readonly RelabelConfig[];
  /** How long a request may take. @default Duration.seconds(30) */
  readonly timeout?: Duration;
  /** Headers of each request, e.g. `{ 'X-Scope-OrgID': 'team' }`; never a secret. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How the target is known, and this client to it.
   *
   * @default - what the URL says, with the authorities of the system
   */
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

const prometheusRelabelConfigs: Check = all(relabelConfigsCheck, (value, prop, problems) => {
  renderRelabelConfigs(value as readonly RelabelConfig[])
    .flatMap((config, index) => onlyKnownToVmagent(config, `${prop}[${index}]`))
    .forEach((problem) => problems.add({ ...problem, fix: 'remove it, or use a VmAgent' }));
  return value;
});

/** Prometheus sets these itself, and does not start with others. */
const ITS_OWN_HEADERS =
  /^(?:host|content-(?:encoding|length|type)|user-agent|connection|keep-alive|proxy-authenticate|www-authenticate|accept-encoding|x-prometheus-remote-(?:read|write)-version|x-amz-(?:date|security-token|content-sha256))$/i;

const headersCheck: Check = all(clientHeadersCheck, (value, prop, problems) => {
  for (const [name, header] of Object.entries(value as Readonly<Record<string, string>>)) {
    problems.when(ITS_OWN_HEADERS.test(name), {
      prop: `${prop}['${name}']`,
      value: header,
      rule: 'Prometheus sets it itself, and would not start',
      fix: 'remove it',
    });
  }
  return value;
});

const replicaLabelIsTakenOff: Check = (value, prop, problems) => {
  const { endpoint, keepReplicaLabel = false } = value as PrometheusRemoteWriteProps;
  problems.when(keepReplicaLabel && endpoint.isInternal, {
    prop: `${prop}.keepReplicaLabel`,
    value: true,
    rule: 'VictoriaMetrics would take the samples of the replicas for different series, and keep all of them',
    fix: 'remove it',
  });
  return value;
};

/** An endpoint, or one with more to say. */
export const targetCheck: Check = all(
  endpointOrProps<PrometheusRemoteWriteProps>(writeEndpointCheck, {
    queue: queueCheck,
    relabelConfigs: prometheusRelabelConfigs,
    timeout: duration,
    headers: headersCheck,
    tls: clientTlsCheck,
    sendNativeHistograms: boolean,
    keepReplicaLabel: boolean,
  }),
  replicaLabelIsTakenOff,
);

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
  const {
    endpoint,
    queue,
    relabelConfigs = [],
    timeout,
    headers,
    tls,
    sendNativeHistograms,
    keepReplicaLabel = false,
  } = props;
  // Last, so that whatever comes before finds the label.
  const drop = replicaLabel === undefined || keepReplicaLabel ? [] : [dropLabel(replicaLabel)];
  const relabeling = renderRelabelConfigs([...relabelConfigs, ...drop]);
  return {
    url: endpoint.url,
    ...(timeout ? { remote_timeout: prometheusDuration(timeout) } : {}),
    ...(headers ? { headers } : {}),
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
    batch_send_deadline: batchSendDeadline && prometheusDuration(batchSendDeadline),
    min_backoff: minBackoff && prometheusDuration(minBackoff),
    max_backoff: maxBackoff && prometheusDuration(maxBackoff),
    retry_on_http_429: queue.retryOnHttp429,
    sample_age_limit: sampleAgeLimit && prometheusDuration(sampleAgeLimit),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
