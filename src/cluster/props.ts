import type { VminsertFlags, VmselectFlags, VmstorageFlags } from '../flags';
import {
  GRACEFUL_SHAPE,
  labelLimitsCheck,
  listenersCheck,
  queryLimitsCheck,
  RETENTION_SHAPE,
  SERVER_SHAPE,
  STORE_SHAPE,
  type GracefulProps,
  type LabelLimits,
  type Listeners,
  type QueryLimits,
  type RetentionProps,
  type ServerProps,
  type StoreProps,
} from '../roles';
import { boolean, forbidden, integer, listOf, object, text, type Shape } from '../validation';
import { SCALING_SHAPE, volumeCheck, type ScalingProps, type VolumeProps } from '../workload';

/** The nodes that store data and answer the searches of vmselect. */
export interface VmStorageProps extends ServerProps<VmstorageFlags>, StoreProps {
  /**
   * Scaling out needs nothing else. Before scaling in, list the nodes that go in `excludeFromWrites` and wait until
   * their data is past the retention, or move it: what a removed node holds can no longer be queried.
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

export const VMSTORAGE_SHAPE: Shape<VmStorageProps & { readonly autoscaling?: never }> = {
  ...SERVER_SHAPE,
  ...STORE_SHAPE,
  replicas: integer({ min: 1 }),
  excludeFromWrites: listOf(integer({ min: 0 })),
  allowReducedReplicationOnOutage: boolean,
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

export const VMINSERT_SHAPE: Shape<VmInsertProps> = {
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
}

export const VMSELECT_SHAPE: Shape<VmSelectProps> = {
  ...SERVER_SHAPE,
  ...SCALING_SHAPE,
  ...GRACEFUL_SHAPE,
  cache: volumeCheck,
};

/** A VictoriaMetrics cluster. */
export interface VmClusterProps extends RetentionProps {
  /** Begins the names of all objects and is the label `app.kubernetes.io/instance`. @default - the id of the construct */
  readonly name?: string;
  /**
   * The version of all three components, e.g. `v1.150.0`.
   *
   * @default - the version that this library was made for
   */
  readonly version?: string;
  /**
   * On how many vmstorage nodes each sample is stored. With N copies N - 1 nodes may be down and queries still see
   * everything. vminsert, vmselect and deduplication are set to match.
   *
   * @default 1
   * @see https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#replication-and-data-safety
   */
  readonly replicationFactor?: number;
  /** @default - the binary's own limits */
  readonly queryLimits?: QueryLimits;
  /** @default - the binary's own limits */
  readonly labelLimits?: LabelLimits;
  /** vmstorage nodes that run elsewhere and belong to this cluster. @default - none */
  readonly externalStorageNodes?: readonly ExternalStorageNode[];
  readonly vmstorage: VmStorageProps;
  /** @default - two replicas */
  readonly vminsert?: VmInsertProps;
  /** @default - two replicas with their cache on the node's disk */
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

const port = integer({ min: 1, max: 65_535 });

export const CLUSTER_SHAPE: Shape<VmClusterProps> = {
  ...RETENTION_SHAPE,
  name: text(),
  version: text(/^v\d+\.\d+\.\d+[\w.-]*$/, "a version like 'v1.150.0'"),
  replicationFactor: integer({ min: 1 }),
  queryLimits: queryLimitsCheck,
  labelLimits: labelLimitsCheck,
  externalStorageNodes: listOf(
    object<ExternalStorageNode>(
      {
        host: text(
          /^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9.])?$|^\[[0-9a-fA-F:]+\]$/,
          'a host name or address without port',
        ),
        insertPort: port,
        selectPort: port,
        cidr: text(/^[0-9a-fA-F.:]+\/\d{1,3}$/, "a CIDR like '10.0.0.0/24'"),
      },
      'host',
    ),
  ),
  vmstorage: object(VMSTORAGE_SHAPE),
  vminsert: object(VMINSERT_SHAPE),
  vmselect: object(VMSELECT_SHAPE),
};
