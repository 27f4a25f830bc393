import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, LIBRARY, vmstorageFlags, type VmstorageFlags } from '../flags';
import {
  checkStore,
  setStorageFlags,
  STORAGE_GRACE_PERIOD,
  STORAGE_PATH,
  VictoriaMetricsServer,
} from '../victoria-metrics';
import { Cpu, IMAGES } from '../values';
import type { Endpoint } from '../wiring';
import { allowedDisruptions } from '../workload';
import type { ClusterModel } from './model';

const PREFIX = 'vmstorage.';
/** Not HTTP, and without credentials. */
const RPC = { scheme: 'tcp', credentials: undefined } as const;

const INSERT_PORT = { name: 'vminsert', port: 8400 } as const;
const SELECT_PORT = { name: 'vmselect', port: 8401 } as const;

/**
 * A node that was updated has a new address. The DNS of Kubernetes may give the old one for 5 s more, and vminsert and
 * vmselect try once a second: with less, two nodes would be out of reach at once in a rolling update.
 */
const FOUND_AGAIN = Duration.seconds(10);

/**
 * vmstorage: a StatefulSet with a claim for each node, known to vminsert and vmselect by its stable name.
 *
 * Unless told otherwise a node requests 250m CPU and 500Mi memory, is limited to 1500Mi memory and not in CPU, has 120 s
 * to end, a readiness probe and no other: opening a large storage takes minutes.
 */
export class VmStorage extends VictoriaMetricsServer<VmstorageFlags> {
  private readonly writableOrdinals: readonly number[];

  /** @internal */
  public constructor(scope: Construct, id: string, model: ClusterModel) {
    const { vmstorage: props, problems, queryLimits } = model;
    const flags = new FlagSet(vmstorageFlags, problems);
    setStorageFlags(flags, model, props, PREFIX);
    flags
      .set('vminsertAddr', `:${INSERT_PORT.port}`, LIBRARY)
      .set('vmselectAddr', `:${SELECT_PORT.port}`, LIBRARY)
      .refuse(
        ['storage.vminsertConnsShutdownDuration'],
        'the grace period of the pod is reckoned with its default',
        'remove it',
      )
      // vmselect may not ask for more than vmstorage allows.
      .set('search.maxUniqueTimeseries', queryLimits?.maxUniqueTimeseries, 'queryLimits.maxUniqueTimeseries');
    super(scope, id, {
      controller: {
        kind: 'StatefulSet',
        replicas: model.storageReplicas,
        data: { volume: props.volume, mountPath: STORAGE_PATH },
        balanced: false,
        minReady: FOUND_AGAIN,
      },
      name: `${model.instance}-vmstorage`,
      identity: { name: 'vmstorage', instance: model.instance, component: 'storage' },
      image: model.image(IMAGES.vmstorage),
      flags,
      httpPort: 8482,
      extraPorts: [INSERT_PORT, SELECT_PORT],
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would throttle queries and merges.
      resources: {
        cpu: { request: Cpu.millis(250) },
        memory: { request: Size.mebibytes(500), limit: Size.mebibytes(1500) },
      },
      // Opening a large storage takes minutes, and so does flushing it: nothing may kill it in between.
      liveness: false,
      gracePeriod: STORAGE_GRACE_PERIOD,
      props,
      prefix: PREFIX,
      problems,
    });
    this.writableOrdinals = model.writableOrdinals;
    checkStore(props, PREFIX, problems);
    this.checkBudget(model);
  }

  /** Where vminsert sends data: the nodes that are not excluded from writes. @internal */
  public insertNodes(): Endpoint[] {
    return this.writableOrdinals.map((ordinal) => this.podEndpoint(ordinal, INSERT_PORT.name, RPC));
  }

  /** Where vmselect searches: all nodes. @internal */
  public selectNodes(): Endpoint[] {
    return [...Array(this.replicas).keys()].map((ordinal) => this.podEndpoint(ordinal, SELECT_PORT.name, RPC));
  }

  private checkBudget({ vmstorage: { podDisruptionBudget }, replicationFactor, problems }: ClusterModel): void {
    if (!podDisruptionBudget) return;
    const most = Math.max(1, replicationFactor - 1);
    const disruptions = allowedDisruptions(podDisruptionBudget, this.replicas);
    problems.when(disruptions > most, {
      prop: 'vmstorage.podDisruptionBudget',
      value: podDisruptionBudget,
      rule: `lets ${disruptions} nodes be evicted at once, and with replicationFactor ${replicationFactor} there is data on just these`,
      fix: `set \`vmstorage.podDisruptionBudget: { maxUnavailable: ${most} }\` or less`,
    });
  }
}
