import { mostReplicas, type Controller } from './controller';
import type { Affinity, PodAffinityTerm, Toleration, TopologySpreadConstraint } from './kubernetes';

/**
 * How strictly replicas are kept apart.
 *
 * Over hosts, `required` leaves a pod of a StatefulSet pending rather than putting it beside another; pods of a
 * Deployment, which surge during an update, are kept even. Over zones, `required` keeps the numbers even, within one.
 * `preferred` tries, `none` leaves it to the scheduler.
 */
export type SpreadPolicy = 'required' | 'preferred' | 'none';

/** Over what the replicas are spread. */
export interface SpreadProps {
  /** Over hosts. @default preferred */
  readonly hosts?: SpreadPolicy;
  /**
   * Over zones. VictoriaMetrics does not know about zones: with more than one vmstorage node in a zone both copies of a
   * sample may be in the same one. For a zone to fail without loss have as many zones as nodes.
   *
   * @default preferred
   */
  readonly zones?: SpreadPolicy;
}

/** Where pods run. */
export interface SchedulingProps {
  /** How far the pods are kept apart. @default - preferred over hosts and zones */
  readonly spread?: SpreadProps;
  /** Labels that nodes must have. @default - none */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that do not keep the pods off. @default - none */
  readonly tolerations?: readonly Toleration[];
  /** Joined with what `spread` brings. @default - none */
  readonly affinity?: Affinity;
  /** The PriorityClass, which says who goes first when room is short. @default - the default class of the cluster */
  readonly priorityClassName?: string;
}

const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

/** The greatest weight that Kubernetes knows. */
const STRONGEST_PREFERENCE = 100;

type MatchLabels = Readonly<Record<string, string>>;

/**
 * Keeps replicas on different hosts, by anti-affinity: where a topology constraint names hosts and zones, and nodes
 * have no zone label, the scheduler would heed neither.
 */
export function affinity(
  controller: Controller,
  { spread: { hosts = 'preferred' } = {}, affinity: given }: SchedulingProps,
  matchLabels: MatchLabels,
): Affinity | undefined {
  if (hosts === 'none' || !isSpread(controller) || isEven(controller, hosts)) return given;
  const apart: PodAffinityTerm = { labelSelector: { matchLabels }, topologyKey: HOST };
  const { requiredDuringSchedulingIgnoredDuringExecution: required = [] } = given?.podAntiAffinity ?? {};
  const { preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = given?.podAntiAffinity ?? {};
  const podAntiAffinity =
    hosts === 'required'
      ? { requiredDuringSchedulingIgnoredDuringExecution: [...required, apart] }
      : {
          preferredDuringSchedulingIgnoredDuringExecution: [
            ...preferred,
            { weight: STRONGEST_PREFERENCE, podAffinityTerm: apart },
          ],
        };
  return { ...given, podAntiAffinity: { ...given?.podAntiAffinity, ...podAntiAffinity } };
}

/** Keeps the numbers of replicas even. */
export function topologySpread(
  controller: Controller,
  { hosts = 'preferred', zones = 'preferred' }: SpreadProps = {},
  matchLabels: MatchLabels,
): TopologySpreadConstraint[] {
  const constraint = (topologyKey: string, policy: SpreadPolicy): TopologySpreadConstraint => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: policy === 'required' ? 'DoNotSchedule' : 'ScheduleAnyway',
    labelSelector: { matchLabels },
    // Counting pods of the same revision only keeps a rolling update from being skewed by the pods that it replaces.
    ...(controller.kind === 'Deployment' ? { matchLabelKeys: ['pod-template-hash'] } : {}),
  });
  if (!isSpread(controller)) return [];
  return [
    ...(isEven(controller, hosts) ? [constraint(HOST, hosts)] : []),
    ...(zones === 'none' ? [] : [constraint(ZONE, zones)]),
  ];
}

/** A DaemonSet is spread by its nature, and a single pod is beside nobody. */
function isSpread(controller: Controller): boolean {
  return controller.kind !== 'DaemonSet' && mostReplicas(controller) > 1;
}

/** Strict anti-affinity would leave no room for the pods that a Deployment adds during an update. */
function isEven({ kind }: Controller, hosts: SpreadPolicy): boolean {
  return kind === 'Deployment' && hosts === 'required';
}
