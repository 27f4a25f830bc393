import { Duration } from 'cdk8s';
import { imageOfVersion, type LabelLimits, type QueryLimits, type RetentionProps } from '../victoria-metrics';
import { checkProps, type Checked, type Problems } from '../validation';
import type { Image } from '../values';
import { instanceName } from '../workload';
import {
  CLUSTER_SHAPE,
  type ExternalStorageNode,
  type VmClusterProps,
  type VmInsertProps,
  type VmSelectProps,
  type VmStorageProps,
} from './props';

/** With copies of every sample about, the copies must go: any interval does, this is the shortest there is. */
const REMOVE_COPIES = Duration.millis(1);

/** What the props mean: defaults filled in, everything checked against everything else. */
export interface ClusterModel extends RetentionProps {
  readonly instance: string;
  readonly replicationFactor: number;
  readonly storageReplicas: number;
  /** The vmstorage nodes that take new data. */
  readonly writableOrdinals: readonly number[];
  readonly externalStorageNodes: readonly ExternalStorageNode[];
  readonly queryLimits?: QueryLimits;
  readonly labelLimits?: LabelLimits;
  readonly vmstorage: VmStorageProps;
  readonly vminsert: VmInsertProps;
  readonly vmselect: VmSelectProps;
  readonly problems: Problems;
  /** The image of a component in the version of the cluster. */
  image(component: Image): Image;
}

export function clusterModel(
  id: string,
  given: Partial<VmClusterProps> | undefined = {},
  problems: Problems,
): ClusterModel {
  const props = checkProps(given, CLUSTER_SHAPE, problems);
  const vmstorage = storageProps(given, props, problems);
  const { replicationFactor = 1, externalStorageNodes = [], version } = props;
  const storageReplicas = vmstorage.replicas ?? Math.max(2, 2 * replicationFactor - 1);
  const excluded = vmstorage.excludeFromWrites ?? [];
  const model: ClusterModel = {
    instance: instanceName(props.name, id, '-vmstorage', problems),
    retention: props.retention,
    futureRetention: props.futureRetention,
    dedupInterval: props.dedupInterval ?? (replicationFactor > 1 ? REMOVE_COPIES : undefined),
    seriesLimits: props.seriesLimits,
    replicationFactor,
    storageReplicas,
    writableOrdinals: [...Array(storageReplicas).keys()].filter((ordinal) => !excluded.includes(ordinal)),
    externalStorageNodes,
    queryLimits: props.queryLimits,
    labelLimits: props.labelLimits,
    vmstorage,
    vminsert: props.vminsert ?? {},
    vmselect: props.vmselect ?? {},
    problems,
    image: (component) => imageOfVersion(component, version, problems, '-cluster'),
  };
  checkExcluded(model, excluded);
  checkReplication(model);
  return model;
}

/** vmstorage must be there and say where it keeps its data. */
function storageProps(
  given: Partial<VmClusterProps>,
  props: Checked<VmClusterProps>,
  problems: Problems,
): VmStorageProps {
  const storage: Checked<VmStorageProps> = props.vmstorage ?? {};
  if ((given.vmstorage as Partial<VmStorageProps> | null | undefined)?.volume === undefined) {
    problems.add({
      prop: 'vmstorage.volume',
      value: undefined,
      rule: 'vmstorage must be told where to keep its data',
      fix: 'set `vmstorage: { volume: { size: Size.gibibytes(100) } }`',
    });
  }
  return { ...storage, volume: storage.volume ?? { ephemeral: true } };
}

function checkExcluded({ storageReplicas, problems }: ClusterModel, excluded: readonly number[]): void {
  excluded.forEach((ordinal, index) => {
    const prop = `vmstorage.excludeFromWrites[${index}]`;
    problems.when(ordinal >= storageReplicas, {
      prop,
      value: ordinal,
      rule: `there is no such node: with ${storageReplicas} replicas the ordinals are 0 to ${storageReplicas - 1}`,
      fix: 'name an ordinal that exists',
    });
    problems.when(excluded.indexOf(ordinal) !== index, {
      prop,
      value: ordinal,
      rule: 'the node is listed twice',
      fix: 'remove one of the two entries',
    });
  });
}

function checkReplication(model: ClusterModel): void {
  const { replicationFactor: copies, storageReplicas, writableOrdinals, externalStorageNodes, vmstorage } = model;
  const { problems } = model;
  const writable = writableOrdinals.length + externalStorageNodes.length;
  const excluded = storageReplicas - writableOrdinals.length;
  const among = [
    `vmstorage.replicas = ${storageReplicas}`,
    ...(excluded > 0 ? [`${excluded} of them excluded from writes`] : []),
    ...(externalStorageNodes.length > 0 ? [`${externalStorageNodes.length} external`] : []),
  ].join(', ');
  const enough = 2 * copies - 1 + storageReplicas - writable;
  const raise = `set \`vmstorage.replicas\` to ${enough} or more`;
  if (writable < copies) {
    problems.add({
      prop: 'replicationFactor',
      value: copies,
      rule: `needs as many vmstorage nodes that take data, and there are ${writable} (${among})`,
      fix:
        writable === 0
          ? `${raise}, or take a node out of \`vmstorage.excludeFromWrites\``
          : `${raise}, or \`replicationFactor\` to ${Math.floor((writable + 1) / 2)} or less`,
    });
  } else if (writable < 2 * copies - 1 && !vmstorage.allowReducedReplicationOnOutage) {
    const down = copies - 1;
    problems.add({
      prop: 'replicationFactor',
      value: copies,
      rule:
        `needs ${2 * copies - 1} vmstorage nodes that take data, and there are ${writable} (${among}): with ` +
        `${down} down, new data would be stored fewer than ${copies} times, and that is never made up for`,
      fix: `${raise}, or accept it with \`vmstorage.allowReducedReplicationOnOutage: true\``,
    });
  }
}
