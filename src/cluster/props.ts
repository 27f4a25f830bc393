import type { VminsertFlags, VmselectFlags, VmstorageFlags } from '../flags';
import {
  GRACEFUL_SHAPE,
  labelLimitsCheck,
  listenersCheck,
  queryLimitsCheck,
  RETENTION_SHAPE,
  SERVER_SHAPE,
  STORE_SHAPE,
  VERSION_SHAPE,
  type GracefulProps,
  type LabelLimits,
  type Listeners,
  type QueryLimits,
  type RetentionProps,
  type ServerProps,
  type StoreProps,
  type VersionProps,
} from '../victoria-metrics';
import { boolean, forbidden, integer, listOf, object, portNumber, text, type Shape } from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import { cidrCheck } from '../wiring';
import {
  INSTANCE_SHAPE,
  SCALING_SHAPE,
  volumeCheck,
  type InstanceProps,
  type ScalingProps,
  type VolumeProps,
} from '../workload';

/** The nodes that store data and answer the searches of vmselect. */
export interface VmStorageProps extends Omit<ServerProps<VmstorageFlags>, 'service'>, StoreProps {
  /**
   * How many nodes there are. Scaling out needs nothing else. Before scaling in, list the nodes that go, the highest
   * ordinals, in `excludeFromWrites` and wait until their data is past the retention, or move it: what a removed node
   * holds can no longer be queried.
   *
   * @default - 2 x replicationFactor - 1, and at least 2
   */
  readonly replicas?: number;
  /**
   * Ordinals of the nodes that get no new data and still answer queries, so that they can be drained.
   *
   * @default - none
   */
  readonly excludeFromWrites?: readonly number[];
  /**
   * Accepts fewer than 2 x replicationFactor - 1 nodes: while replicationFactor - 1 of them are down, new data is
   * stored fewer times than replicationFactor says, and that is never made up for.
   *
   * @default false
   */
  readonly allowReducedReplicationOnOutage?: boolean;
}

/** Beyond what anybody runs; a slip of the finger must not make a list of a million nodes. */
const MOST_NODES = 1000;

const VMSTORAGE_SHAPE: Shape<VmStorageProps & { readonly autoscaling?: never; readonly service?: never }> = {
  ...SERVER_SHAPE,
  ...STORE_SHAPE,
  replicas: integer({ min: 1, max: MOST_NODES }),
  excludeFromWrites: listOf(integer({ min: 0 })),
  allowReducedReplicationOnOutage: boolean,
  service: forbidden(
    'vminsert and vmselect find each node by its own name, and nobody else connects to vmstorage',
    'remove it, or patch the headless Service',
  ),
  autoscaling: forbidden(
    'vmstorage cannot be autoscaled: a node that is scaled in takes its data with it',
    'remove it and set `vmstorage.replicas`',
  ),
};

/** The processes that take data and spread it over the vmstorage nodes. */
export interface VmInsertProps extends ServerProps<VminsertFlags>, ScalingProps, GracefulProps {
  /** Listeners beside the HTTP port. @default - none */
  readonly listeners?: Listeners;
}

const VMINSERT_SHAPE: Shape<VmInsertProps> = {
  ...SERVER_SHAPE,
  ...SCALING_SHAPE,
  ...GRACEFUL_SHAPE,
  listeners: listenersCheck,
};

/** The processes that answer queries. */
export interface VmSelectProps extends ServerProps<VmselectFlags>, ScalingProps, GracefulProps {
  /**
   * Where query results and temporary files of large queries are kept. On a claim they outlive the pod, which then
   * belongs to a StatefulSet.
   *
   * @default - the node's disk, empty after a restart
   */
  readonly cache?: VolumeProps;
  /**
   * The key by which processes whose cache is on a claim reset the caches of each other, when series are deleted.
   * Needed beside `httpAuth`, since they do not send basic auth to each other.
   *
   * @default - none
   */
  readonly resetCacheAuthKey?: SecretRef;
}

const VMSELECT_SHAPE: Shape<VmSelectProps> = {
  ...SERVER_SHAPE,
  ...SCALING_SHAPE,
  ...GRACEFUL_SHAPE,
  cache: volumeCheck,
  resetCacheAuthKey: secretRefCheck,
};

/** A VictoriaMetrics cluster. */
export interface VmClusterProps extends RetentionProps, InstanceProps, VersionProps {
  /**
   * On how many vmstorage nodes each sample is stored. With N copies N - 1 nodes may be down and queries still see
   * everything. vminsert, vmselect and deduplication are set to match.
   *
   * Raising it copies nothing that is stored already: until that is past the retention, an answer with a node down lacks
   * what was only there, and vmselect calls it complete all the same.
   *
   * @default 1
   * @see https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#replication-and-data-safety
   */
  readonly replicationFactor?: number;
  /** What a single query may cost. @default - the binary's own limits */
  readonly queryLimits?: QueryLimits;
  /** What the labels of a sample may be. @default - the binary's own limits */
  readonly labelLimits?: LabelLimits;
  /** vmstorage nodes that run elsewhere and belong to this cluster. @default - none */
  readonly externalStorageNodes?: readonly ExternalStorageNode[];
  /** The nodes that store data. */
  readonly vmstorage: VmStorageProps;
  /** The processes that take data. @default - two replicas */
  readonly vminsert?: VmInsertProps;
  /** The processes that answer queries. @default - two replicas with their cache on the node's disk */
  readonly vmselect?: VmSelectProps;
}

/** A vmstorage node that this app does not make. */
export interface ExternalStorageNode {
  /** DNS name or address. */
  readonly host: string;
  /** Where it takes data from vminsert. @default 8400 */
  readonly insertPort?: number;
  /** Where it answers vmselect. @default 8401 */
  readonly selectPort?: number;
  /** The addresses behind the host, for NetworkPolicies, which cannot name a host. @default - any address on the ports */
  readonly cidr?: string;
}

export const CLUSTER_SHAPE: Shape<VmClusterProps> = {
  ...RETENTION_SHAPE,
  ...INSTANCE_SHAPE,
  ...VERSION_SHAPE,
  replicationFactor: integer({ min: 1, max: MOST_NODES }),
  queryLimits: queryLimitsCheck,
  labelLimits: labelLimitsCheck,
  externalStorageNodes: listOf(
    object<ExternalStorageNode>(
      {
        host: text(
          /^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9.])?$|^\[[0-9a-fA-F:]+\]$/,
          'a host name or address without port',
        ),
        insertPort: portNumber,
        selectPort: portNumber,
        cidr: cidrCheck,
      },
      'host',
    ),
  ),
  vmstorage: object(VMSTORAGE_SHAPE),
  vminsert: object(VMINSERT_SHAPE),
  vmselect: object(VMSELECT_SHAPE),
};
