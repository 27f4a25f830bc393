import { inClusterAddresses, podNames } from './addresses';
import { allowedEvictions, budgetsOf } from './disruption';
import { flagValues } from './flags';
import { matches, workloads, type Manifest, type Policy, type Workload } from './manifest';
import { governingService } from './services';

/** Opening and flushing a large storage takes minutes; this is the least that may be called patience. */
const FLUSH_SECONDS = 60;

const TOPOLOGY_KEYS = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'];

/** What holds the only copy of data keeps it: its claims stay, and nothing kills it while it starts or flushes. */
export const storedData: Policy = (objects) =>
  programs(objects, 'vmstorage', 'vmsingle').flatMap((workload) => {
    const { title, manifest, pod, containers } = workload;
    const { kind, spec } = manifest;
    const { whenDeleted, whenScaled } = spec.persistentVolumeClaimRetentionPolicy ?? {};
    return [
      ...(kind === 'StatefulSet' ? [] : [`${title}: must be a StatefulSet`]),
      ...(spec.podManagementPolicy === 'Parallel' ? [] : [`${title}: podManagementPolicy must be Parallel`]),
      ...(whenDeleted === 'Retain' && whenScaled === 'Retain'
        ? []
        : [`${title}: persistentVolumeClaimRetentionPolicy must be Retain for both`]),
      ...containers
        .filter(({ livenessProbe }) => livenessProbe)
        .map(({ name }) => `${title}: container ${name} has a livenessProbe, which may kill a long start`),
      ...((pod.terminationGracePeriodSeconds ?? 30) >= FLUSH_SECONDS
        ? []
        : [`${title}: terminationGracePeriodSeconds must be ${FLUSH_SECONDS} at least`]),
      ...(governingService(workload, objects)?.spec.publishNotReadyAddresses === true
        ? []
        : [`${title}: its Service must publish addresses that are not ready`]),
    ];
  });

/** Replicas of vmstorage are kept apart, or the loss of one host or zone is the loss of several. */
export const spreadStorage: Policy = (objects) =>
  programs(objects, 'vmstorage').flatMap(({ title, pod, podLabels }) => {
    const { requiredDuringSchedulingIgnoredDuringExecution: required = [] } = pod.affinity?.podAntiAffinity ?? {};
    const { preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = pod.affinity?.podAntiAffinity ?? {};
    const terms = [
      ...(pod.topologySpreadConstraints ?? []),
      ...required,
      ...preferred.map(({ podAffinityTerm }) => podAffinityTerm),
    ];
    const isSpread = (key: string) =>
      terms.some(
        ({ topologyKey, labelSelector }) =>
          topologyKey === key && labelSelector !== undefined && matches(labelSelector, podLabels),
      );
    return TOPOLOGY_KEYS.filter((key) => !isSpread(key)).map((key) => `${title}: is not spread over ${key}`);
  });

/** vminsert and vmselect are updated and drained without an interruption. */
export const zeroDowntime: Policy = (objects) =>
  programs(objects, 'vminsert', 'vmselect').flatMap((workload) => {
    const { title, manifest, pod, containers, program } = workload;
    const { kind, spec } = manifest;
    const main = containers.find(({ name }) => name === program);
    const [delay] = flagValues(main, 'http.shutdownDelay');
    return [
      ...(kind !== 'Deployment' || Number(spec.strategy?.rollingUpdate?.maxUnavailable ?? NaN) === 0
        ? []
        : [`${title}: strategy.rollingUpdate.maxUnavailable must be 0`]),
      ...(delay !== undefined && goSeconds(delay) > 0 && goSeconds(delay) < (pod.terminationGracePeriodSeconds ?? 30)
        ? []
        : [`${title}: -http.shutdownDelay must be set, below terminationGracePeriodSeconds`]),
      ...(main?.readinessProbe ? [] : [`${title}: needs a readinessProbe`]),
      ...(budgetsOf(workload, objects).length === 1 ? [] : [`${title}: needs a PodDisruptionBudget`]),
    ];
  });

/**
 * The processes of a cluster agree on its nodes, on replication and on deduplication, and a drain leaves a copy of
 * everything.
 */
export const replication: Policy = (objects) =>
  programs(objects, 'vmstorage').flatMap((storage) => {
    const instance = storage.podLabels['app.kubernetes.io/instance'];
    const nodes = podNames(storage, objects);
    const [insert, select] = ['vminsert', 'vmselect'].map((program) =>
      programs(objects, program).find(
        ({ namespace, podLabels }) =>
          namespace === storage.namespace && podLabels['app.kubernetes.io/instance'] === instance,
      ),
    );
    if (!insert || !select) return [`${storage.title}: its cluster lacks a vminsert or a vmselect`];
    const copies = Number(flagOf(insert, 'replicationFactor') ?? 1);
    const dedup = flagOf(storage, 'dedup.minScrapeInterval');
    const evictions = budgetsOf(storage, objects).map((budget) => allowedEvictions(budget, nodes.length));
    const missing = nodes.filter((node) => !storageNodes(select, objects).includes(node));
    return [
      ...missing.map((node) => `${select.title}: does not search the vmstorage node ${node}`),
      ...(storageNodes(insert, objects).length >= 2 * copies - 1
        ? []
        : [`${insert.title}: ${copies} copies of each sample need ${2 * copies - 1} vmstorage nodes`]),
      ...(Number(flagOf(select, 'replicationFactor') ?? 1) === copies
        ? []
        : [`${select.title}: -replicationFactor differs from that of ${insert.title}`]),
      ...(flagOf(select, 'dedup.minScrapeInterval') === dedup
        ? []
        : [`${select.title}: -dedup.minScrapeInterval differs from that of ${storage.title}`]),
      ...(copies === 1 || dedup !== undefined ? [] : [`${storage.title}: copies need -dedup.minScrapeInterval`]),
      ...(copies === 1 || evictions.every((count) => count < copies)
        ? []
        : [`${storage.title}: its PodDisruptionBudget lets all ${copies} copies be evicted`]),
    ];
  });

function programs(objects: readonly Manifest[], ...names: readonly string[]): Workload[] {
  return workloads(objects).filter(({ program }) => names.includes(program));
}

function flagOf({ containers, program }: Workload, flag: string): string | undefined {
  return flagValues(
    containers.find(({ name }) => name === program),
    flag,
  )[0];
}

/** The distinct pods that `-storageNode` names. */
function storageNodes(workload: Workload, objects: readonly Manifest[]): string[] {
  const nodes = inClusterAddresses(workload, objects).filter(({ place }) => place.endsWith('-storageNode'));
  return [...new Set(nodes.flatMap(({ pod }) => pod ?? []))];
}

const GO_UNITS: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, h: 3600 };

/** A duration in Go's notation. */
function goSeconds(text: string): number {
  return [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (GO_UNITS[unit ?? ''] ?? NaN),
    0,
  );
}
