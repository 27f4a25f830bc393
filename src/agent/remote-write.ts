import type { Duration, Size } from 'cdk8s';
import type { ArrayFlag, FlagSet, VmagentFlags } from '../flags';
import { relabelConfigsCheck, type RelabelConfig } from '../scrape';
import {
  all,
  atLeastOne,
  duration,
  integer,
  kibibytes,
  mapOf,
  oneOf,
  rule,
  size,
  type Check,
  type Problems,
} from '../validation';
import { goDuration, type SecretRef } from '../values';
import {
  clientHeadersCheck,
  clientSecrets,
  clientTlsCheck,
  endpointOrProps,
  writeEndpointCheck,
  type ClientTls,
  type WriteEndpoint,
} from '../wiring';
import { credentialFiles, secretPath, type CredentialFiles, type VolumeProps } from '../workload';
import { processingFiles, type ProcessingFiles } from './processing';
import { diskLimits } from './queue';
import { streamAggregationCheck, type StreamAggregationProps } from './stream-aggregation';

/** One place that samples are sent to, and how. */
export interface AgentRemoteWriteProps {
  /** Where to. Its credentials are sent along; NetworkPolicies let the agent reach it. */
  readonly endpoint: WriteEndpoint;
  /** Requests at once. @default - two for each CPU */
  readonly queues?: number;
  /**
   * Requests at once beside those of `queues` that send fresh samples while older ones wait on disk; samples of a
   * series then arrive out of order.
   *
   * @default 0
   */
  readonly inmemoryQueues?: number;
  /**
   * How much may wait on disk while the target is away; then the oldest is dropped. 513 MiB at the least.
   *
   * @default - an equal share of the volume of `queue`; 1 GiB where that has no size
   */
  readonly maxDiskUsage?: Size;
  /** Relabeling of what goes to this target, after that of all targets. @default - none */
  readonly relabelConfigs?: readonly RelabelConfig[];
  /** Aggregation of what goes to this target, on pods as with that of all targets. @default - none */
  readonly streamAggregation?: StreamAggregationProps;
  /** How long a request may take. @default - a minute */
  readonly timeout?: Duration;
  /** How much is sent in a second. @default - no limit */
  readonly rateLimit?: Size;
  /** Headers of each request, e.g. `{ 'X-Scope-OrgID': 'team' }`; never a secret. @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How the target is known, and this client to it.
   *
   * @default - what the URL says, with the authorities of the system
   */
  readonly tls?: ClientTls;
  /** How samples are sent. @default - that of VictoriaMetrics, which takes less network, if the target understands it */
  readonly protocol?: 'victoriametrics' | 'prometheus';
}

const DELIMITER = '^^';

/** What is in `headers` stands in the args, in one string. */
const headers: Check = all(
  clientHeadersCheck,
  mapOf(
    rule(
      (value) => !(value as string).includes(DELIMITER),
      `must not hold ${DELIMITER}, by which vmagent tells headers apart`,
      'leave these characters out',
    ),
  ),
);

/** An endpoint, or one with more to say. */
export const targetCheck: Check = endpointOrProps<AgentRemoteWriteProps>(writeEndpointCheck, {
  queues: atLeastOne,
  inmemoryQueues: integer({ min: 0 }),
  maxDiskUsage: size,
  relabelConfigs: relabelConfigsCheck,
  streamAggregation: streamAggregationCheck,
  timeout: duration,
  rateLimit: size,
  headers,
  tls: clientTlsCheck,
  protocol: oneOf('victoriametrics', 'prometheus'),
});

/** A target with what follows from all of them. */
export interface Target extends AgentRemoteWriteProps, ProcessingFiles {
  /** The prop, e.g. `remoteWrite[0]`. */
  readonly prop: string;
  /** What may wait on disk, in MiB. */
  readonly diskLimit: number;
}

/** @param podName what stands in a file for the name of the pod */
export function targetsOf(
  remoteWrite: readonly AgentRemoteWriteProps[],
  queue: VolumeProps,
  podName: string,
  problems: Problems,
): Target[] {
  const targets = remoteWrite.map((one, index) => ({ ...one, prop: `remoteWrite[${index}]` }));
  const limits = diskLimits(queue, targets, problems);
  return targets.map((target, index) => ({
    ...target,
    ...processingFiles(target, `-${index + 1}`, podName),
    diskLimit: limits[index]!,
  }));
}

/** The Secrets that targets are sent or that connections to them need. */
export function secretsOf({ endpoint, tls }: AgentRemoteWriteProps): SecretRef[] {
  return clientSecrets(endpoint.credentials, tls);
}

const credentialsOf = ({ endpoint }: AgentRemoteWriteProps): CredentialFiles => credentialFiles(endpoint.credentials);

/** The flags that take a list of values. */
type ListFlag = {
  [K in keyof VmagentFlags]-?: ArrayFlag extends VmagentFlags[K] ? K : never;
}[keyof VmagentFlags];

type PerTarget = (target: Target) => string | number | boolean | undefined;

/** The flags of one target each. vmagent tells whose a value is by its place, so that no place may be left out. */
const FLAGS: readonly (readonly [flag: ListFlag, prop: string, value: PerTarget])[] = [
  ['remoteWrite.url', 'endpoint', ({ endpoint: { url } }) => url],
  ['remoteWrite.basicAuth.username', 'endpoint', (target) => credentialsOf(target).username],
  ['remoteWrite.basicAuth.passwordFile', 'endpoint', (target) => credentialsOf(target).passwordFile],
  ['remoteWrite.bearerTokenFile', 'endpoint', (target) => credentialsOf(target).bearerTokenFile],
  ['remoteWrite.queues', 'queues', ({ queues }) => queues],
  ['remoteWrite.inmemoryQueues', 'inmemoryQueues', ({ inmemoryQueues }) => inmemoryQueues],
  ['remoteWrite.maxDiskUsagePerURL', 'maxDiskUsage', ({ diskLimit }) => `${diskLimit}MiB`],
  ['remoteWrite.urlRelabelConfig', 'relabelConfigs', ({ relabelFile }) => relabelFile],
  ['remoteWrite.sendTimeout', 'timeout', ({ timeout }) => timeout && goDuration(timeout)],
  ['remoteWrite.rateLimit', 'rateLimit', ({ rateLimit }) => rateLimit && Math.round(kibibytes(rateLimit) * 1024)],
  [
    'remoteWrite.headers',
    'headers',
    ({ headers }) =>
      headers &&
      Object.entries(headers)
        .map(([name, value]) => `${name}:${value}`)
        .join(DELIMITER),
  ],
  ['remoteWrite.tlsCAFile', 'tls.ca', ({ tls }) => tls?.ca && secretPath(tls.ca)],
  ['remoteWrite.tlsCertFile', 'tls.cert', ({ tls }) => tls?.cert && secretPath(tls.cert)],
  ['remoteWrite.tlsKeyFile', 'tls.key', ({ tls }) => tls?.key && secretPath(tls.key)],
  ['remoteWrite.tlsServerName', 'tls.serverName', ({ tls }) => tls?.serverName],
  ['remoteWrite.tlsInsecureSkipVerify', 'tls.insecureSkipVerify', ({ tls }) => tls?.insecureSkipVerify],
  ['remoteWrite.forcePromProto', 'protocol', ({ protocol }) => protocol && protocol === 'prometheus'],
  ['remoteWrite.forceVMProto', 'protocol', ({ protocol }) => protocol && protocol === 'victoriametrics'],
  ['remoteWrite.streamAggr.config', 'streamAggregation.rules', ({ aggregationFile }) => aggregationFile],
  ['remoteWrite.streamAggr.keepInput', 'streamAggregation.keepInput', (target) => target.streamAggregation?.keepInput],
  ['remoteWrite.streamAggr.dropInput', 'streamAggregation.dropInput', (target) => target.streamAggregation?.dropInput],
  [
    'remoteWrite.streamAggr.dedupInterval',
    'streamAggregation.dedupInterval',
    ({ streamAggregation: { dedupInterval } = {} }) => dedupInterval && goDuration(dedupInterval),
  ],
  [
    'remoteWrite.streamAggr.ignoreOldSamples',
    'streamAggregation.ignoreOldSamples',
    (target) => target.streamAggregation?.ignoreOldSamples,
  ],
  [
    'remoteWrite.streamAggr.ignoreFirstIntervals',
    'streamAggregation.ignoreFirstIntervals',
    (target) => target.streamAggregation?.ignoreFirstIntervals,
  ],
  [
    'remoteWrite.streamAggr.dropInputLabels',
    'streamAggregation.dropInputLabels',
    (target) => target.streamAggregation?.dropInputLabels?.join(DELIMITER),
  ],
  [
    'remoteWrite.streamAggr.enableWindows',
    'streamAggregation.enableWindows',
    (target) => target.streamAggregation?.enableWindows,
  ],
];

export function setTargetFlags(flags: FlagSet<VmagentFlags>, targets: readonly Target[]): void {
  for (const [flag, prop, valueOf] of FLAGS) {
    const values = targets.map(valueOf);
    const given = values.some((value) => value !== undefined);
    flags.set(flag, given ? values.map((value) => value ?? '') : undefined, `remoteWrite[...].${prop}`);
  }
}
