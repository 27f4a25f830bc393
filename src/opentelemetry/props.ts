import {
  atLeastOne,
  filledListOf,
  listOf,
  object,
  oneOf,
  portNumber,
  rule,
  text,
  type Check,
  type Shape,
  all,
} from '../validation';
import { isServiceName, secretRefCheck, type SecretRef } from '../values';
import type { Endpoint } from '../wiring';
import {
  INSTANCE_SHAPE,
  SCALING_SHAPE,
  volumeCheck,
  WORKLOAD_SHAPE,
  type InstanceProps,
  type ScalingProps,
  type VolumeProps,
  type WorkloadProps,
} from '../workload';
import { configCheck, type CollectorConfig } from './config';
import { exporterCheck, type ExporterProps } from './exporter';

/** An OpenTelemetry Collector. */
export interface OpenTelemetryCollectorProps extends WorkloadProps, ScalingProps, InstanceProps {
  /**
   * Where metrics are sent; each target gets all of them. OTLP (`cluster.ingest().otlp`) is the better way into
   * VictoriaMetrics: it takes delta counters and exponential histograms, which remote write (`cluster.write()`) drops, and
   * waits on disk where asked to. Names arrive as clients gave them, e.g. `http.server.duration`; the flag
   * `opentelemetry.usePrometheusNaming` of the storage makes Prometheus names of them. Remote write sends those always.
   *
   * What waits belongs to a place in this list: add new targets at the end.
   */
  readonly exporters: readonly (Endpoint | ExporterProps)[];
  /**
   * How many pods, any of which gets what a client sends. Processors that keep what they know of a series, such as
   * `deltatocumulative`, want just one.
   *
   * With a queue on a claim, what waits there for a pod that is scaled in waits until the pod is back.
   *
   * @default 2
   */
  readonly replicas?: number;
  /**
   * Where metrics wait while a target is away, for targets that take OTLP. With a claim they outlive the pod, which then
   * belongs to a StatefulSet.
   *
   * @default - in memory, which a clean exit empties if the targets are there
   */
  readonly queue?: VolumeProps;
  /** What clients must send to the OTLP ports. Endpoints carry it to whoever connects. @default - nothing */
  readonly bearerToken?: SecretRef;
  /** How much the process tells about itself. @default info */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Components and pipelines beside those that the props make. @default - none */
  readonly config?: CollectorConfig;
  /** Ports of receivers in `config`; clients get in by `collector.connections.allowFrom(...)`. @default - none */
  readonly receiverPorts?: readonly ReceiverPort[];
}

/** A port that a receiver of `config` listens on. */
export interface ReceiverPort {
  /** At most 15 characters, as Kubernetes wants it of a port. */
  readonly name: string;
  /** The number of the port. */
  readonly port: number;
  /** What it is opened for. @default TCP */
  readonly protocol?: 'TCP' | 'UDP';
}

const receiverPort: Check = object<ReceiverPort>(
  {
    name: all(
      text(),
      rule(
        (value) => isServiceName(value as string) && (value as string).length <= 15,
        'the name of a port has at most 15 lower-case letters, digits and -, and begins with a letter',
        "write for example 'statsd'",
      ),
    ),
    port: portNumber,
    protocol: oneOf('TCP', 'UDP'),
  },
  'name',
  'port',
);

export const SHAPE: Shape<OpenTelemetryCollectorProps> = {
  ...WORKLOAD_SHAPE,
  ...SCALING_SHAPE,
  ...INSTANCE_SHAPE,
  exporters: filledListOf(
    exporterCheck,
    'metrics would be taken and sent nowhere',
    'write for example [cluster.ingest().otlp]',
  ),
  replicas: atLeastOne,
  queue: volumeCheck,
  bearerToken: secretRefCheck,
  logLevel: oneOf('debug', 'info', 'warn', 'error'),
  config: configCheck,
  receiverPorts: listOf(receiverPort),
};

/** What the checks make of the props: a bare endpoint has become an object. */
export type CheckedProps = Partial<Omit<OpenTelemetryCollectorProps, 'exporters'>> & {
  readonly exporters?: readonly ExporterProps[];
};
