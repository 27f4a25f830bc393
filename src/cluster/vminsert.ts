import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, vminsertFlags, type VminsertFlags } from '../flags';
import {
  FINISH_SECONDS,
  IngestEndpoints,
  listenerPorts,
  setGracefulFlags,
  setIngestionFlags,
  SHUTDOWN_DELAY,
  VictoriaMetricsServer,
  type Listeners,
} from '../victoria-metrics';
import { wholeSeconds } from '../validation';
import { Cpu, IMAGES, Tenant } from '../values';
import { scaling } from '../workload';
import type { ClusterModel } from './model';
import { allNodes, setNodeFlags } from './storage-nodes';
import type { VmStorage } from './vmstorage';

const PREFIX = 'vminsert.';

/** What vminsert needs after its listener has closed, to hand over what it has in memory. */
const HAND_OVER_SECONDS = 45;

/**
 * vminsert: a Deployment without state.
 *
 * Unless told otherwise a pod requests 150m CPU and 200Mi memory, is limited to 500Mi memory and not in CPU, has 45 s
 * beyond `shutdownDelay` to end, and readiness and liveness probes.
 */
export class VmInsert extends VictoriaMetricsServer<VminsertFlags> {
  private readonly listeners: Listeners | undefined;
  private readonly dedupInterval: Duration | undefined;

  /** @internal */
  public constructor(scope: Construct, id: string, model: ClusterModel, vmstorage: VmStorage) {
    const { vminsert: props, replicationFactor, problems } = model;
    const { shutdownDelay = SHUTDOWN_DELAY } = props;
    const nodes = allNodes(vmstorage.insertNodes(), model, 'insertPort');
    const flags = new FlagSet(vminsertFlags, problems);
    setIngestionFlags(flags, model.labelLimits, props.listeners, PREFIX);
    setNodeFlags(flags, nodes, replicationFactor);
    setGracefulFlags(flags, props, PREFIX);
    super(scope, id, {
      controller: { kind: 'Deployment', ...scaling(props, PREFIX, problems) },
      name: `${model.instance}-vminsert`,
      identity: { name: 'vminsert', instance: model.instance, component: 'insert' },
      image: model.image(IMAGES.vminsert),
      flags,
      httpPort: 8480,
      extraPorts: listenerPorts(props.listeners, PREFIX),
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would throttle bursts.
      resources: {
        cpu: { request: Cpu.millis(150) },
        memory: { request: Size.mebibytes(200), limit: Size.mebibytes(500) },
      },
      liveness: true,
      gracePeriod: {
        standard: Duration.seconds(wholeSeconds(shutdownDelay) + HAND_OVER_SECONDS),
        least: Duration.seconds(wholeSeconds(shutdownDelay) + FINISH_SECONDS),
      },
      props,
      prefix: PREFIX,
      problems,
    });
    this.listeners = props.listeners;
    this.dedupInterval = model.dedupInterval;
    for (const node of nodes) node.connectFrom(this);
  }

  /** The ingestion protocols for one tenant. */
  public ingest(given?: Tenant): IngestEndpoints {
    return new IngestEndpoints((portName, props) => this.endpointProps(portName, props), {
      tenant: Tenant.from(given),
      listeners: this.listeners,
      dedupInterval: this.dedupInterval,
      prefix: PREFIX,
    });
  }
}
