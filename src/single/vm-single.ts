import { Size, type Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, victoriaMetricsFlags, type VictoriaMetricsFlags } from '../flags';
import {
  checkStore,
  DEFAULT_MAX_QUERY_DURATION,
  HTTP_PORT_NAME,
  imageOfVersion,
  IngestEndpoints,
  labelLimitsCheck,
  listenerPorts,
  listenersCheck,
  passAlertsOn,
  queryLimitsCheck,
  RETENTION_SHAPE,
  SERVER_SHAPE,
  setIngestionFlags,
  setQueryFlags,
  setStorageFlags,
  STORAGE_GRACE_PERIOD,
  STORAGE_PATH,
  STORE_SHAPE,
  VERSION_SHAPE,
  VictoriaMetricsServer,
  type LabelLimits,
  type Listeners,
  type QueryLimits,
  type RetentionProps,
  type ServerProps,
  type StoreProps,
  type VersionProps,
} from '../victoria-metrics';
import { checkProps, checkRequired, forbidden, Problems, type Shape } from '../validation';
import { Cpu, IMAGES } from '../values';
import { INSTANCE_SHAPE, instanceName, type InstanceProps } from '../workload';
import { ReadEndpoint, type Endpoint, type WriteEndpoint } from '../wiring';

/** A single-node VictoriaMetrics. The props are those of a cluster, where they exist. */
export interface VmSingleProps
  extends ServerProps<VictoriaMetricsFlags>, RetentionProps, StoreProps, InstanceProps, VersionProps {
  /** What a single query may cost. @default - the binary's own limits */
  readonly queryLimits?: QueryLimits;
  /** What the labels of a sample may be. @default - the binary's own limits */
  readonly labelLimits?: LabelLimits;
  /** Listeners beside the HTTP port. @default - none */
  readonly listeners?: Listeners;
}

const ONE_PROCESS = 'a single node is one process with one volume';
const USE_CLUSTER = 'remove it, or use VmCluster';

const SHAPE: Shape<
  VmSingleProps & { readonly replicas?: never; readonly replicationFactor?: never; readonly autoscaling?: never }
> = {
  ...SERVER_SHAPE,
  ...RETENTION_SHAPE,
  ...STORE_SHAPE,
  ...INSTANCE_SHAPE,
  ...VERSION_SHAPE,
  queryLimits: queryLimitsCheck,
  labelLimits: labelLimitsCheck,
  listeners: listenersCheck,
  replicas: forbidden(ONE_PROCESS, USE_CLUSTER),
  replicationFactor: forbidden(ONE_PROCESS, USE_CLUSTER),
  autoscaling: forbidden(ONE_PROCESS, USE_CLUSTER),
};

/**
 * A single-node VictoriaMetrics: the right choice below about a million samples per second.
 *
 * Unless told otherwise it requests 250m CPU and 500Mi memory, is limited to 1500Mi memory and not in CPU, has 120 s to
 * end, a readiness probe and no other: opening a large storage takes minutes.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/
 */
export class VmSingle extends VictoriaMetricsServer<VictoriaMetricsFlags> {
  private readonly listeners: Listeners | undefined;
  private readonly dedupInterval: Duration | undefined;
  private readonly maxQueryDuration: Duration;
  private readonly flags: FlagSet<VictoriaMetricsFlags>;

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: VmSingleProps) {
    const problems = new Problems();
    const checked = checkProps(given, SHAPE, problems);
    checkRequired(given, 'volume', problems, {
      rule: 'the single node must be told where to keep its data',
      fix: 'set `volume: { size: Size.gibibytes(100) }`',
    });
    const props: VmSingleProps = { ...checked, volume: checked.volume ?? { ephemeral: true } };
    const { queryLimits, labelLimits, listeners } = props;
    const instance = instanceName(props.name, id, '-vmsingle', problems);
    const flags = new FlagSet(victoriaMetricsFlags, problems);
    setStorageFlags(flags, props, props, '');
    setQueryFlags(flags, queryLimits);
    setIngestionFlags(flags, labelLimits, listeners, '');
    super(scope, id, {
      controller: {
        kind: 'StatefulSet',
        replicas: 1,
        data: { volume: props.volume, mountPath: STORAGE_PATH },
        balanced: true,
      },
      name: `${instance}-vmsingle`,
      identity: { name: 'vmsingle', instance, component: 'single' },
      image: imageOfVersion(IMAGES.victoriaMetrics, props.version, problems),
      flags,
      httpPort: 8428,
      extraPorts: listenerPorts(listeners, ''),
      // The defaults of the VictoriaMetrics operator for vmstorage and vmselect together, without a CPU limit.
      resources: {
        cpu: { request: Cpu.millis(250) },
        memory: { request: Size.mebibytes(500), limit: Size.mebibytes(1500) },
      },
      // Opening a large storage takes minutes, and so does flushing it: nothing may kill it in between.
      liveness: false,
      gracePeriod: STORAGE_GRACE_PERIOD,
      props,
      prefix: '',
      problems,
    });
    this.flags = flags;
    this.listeners = listeners;
    this.dedupInterval = props.dedupInterval;
    this.maxQueryDuration = queryLimits?.maxQueryDuration ?? DEFAULT_MAX_QUERY_DURATION;
    checkStore(props, '', problems);
  }

  /** Where to send Prometheus remote write. */
  public write(): WriteEndpoint {
    return this.ingest().remoteWrite;
  }

  /** Where to query. */
  public read(): ReadEndpoint {
    // Below the root of the one listener there are the pages that store and delete as well.
    const { maxQueryDuration } = this;
    return new ReadEndpoint(this.endpointProps(HTTP_PORT_NAME, { writes: true, maxQueryDuration }));
  }

  /** Where to send data by any protocol. */
  public ingest(): IngestEndpoints {
    return new IngestEndpoints((portName, props) => this.endpointProps(portName, props), {
      listeners: this.listeners,
      dedupInterval: this.dedupInterval,
      prefix: '',
    });
  }

  /**
   * Has queries for rules and alerts answered, as Prometheus answers them: `/api/v1/rules`, `/api/v1/alerts`, and the
   * pages of vmalert below `/vmalert`. Grafana shows the alerts of a data source by them.
   *
   * @param vmalert `vmAlert.pages()`, of no more than one vmalert
   */
  public showAlerts(vmalert: Endpoint): void {
    passAlertsOn(this, this.flags, vmalert);
  }
}
