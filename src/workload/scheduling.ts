import type { ControllerKind } from './controller';
import type { Affinity, Toleration, TopologySpreadConstraint } from './kubernetes';

/**
 * How strictly replicas are kept apart: `required` leaves a pod pending rather than putting it beside another,
 * `preferred` puts it there when nothing else is free, `none` leaves it to the scheduler.
 */
export type SpreadPolicy = 'required' | 'preferred' | 'none';

/** Over what the replicas are spread. */
export interface SpreadProps {
  /** Over hosts. @default preferred */
  readonly hosts?: SpreadPolicy;
  /** Over zones. @default preferred */
  readonly zones?: SpreadPolicy;
}

/** Where pods run. */
export interface SchedulingProps {
  /** @default - preferred over hosts and zones */
  readonly spread?: SpreadProps;
  /** @default - none */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** @default - none */
  readonly tolerations?: readonly Toleration[];
  /** @default - none */
  readonly affinity?: Affinity;
  /** @default - the default class of the cluster */
  readonly priorityClassName?: string;
}

const TOPOLOGIES = { hosts: 'kubernetes.io/hostname', zones: 'topology.kubernetes.io/zone' } as const;

/** Keeps the replicas apart. A DaemonSet is spread by its nature. */
export function topologySpread(
  kind: ControllerKind,
  { hosts = 'preferred', zones = 'preferred' }: SpreadProps = {},
  matchLabels: Readonly<Record<string, string>>,
): TopologySpreadConstraint[] {
  if (kind === 'DaemonSet') return [];
  return Object.entries({ hosts, zones })
    .filter(([, policy]) => policy !== 'none')
    .map(([topology, policy]) => ({
      maxSkew: 1,
      topologyKey: TOPOLOGIES[topology as keyof typeof TOPOLOGIES],
      whenUnsatisfiable: policy === 'required' ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: { matchLabels },
      // Counting pods of the same revision only keeps a rolling update from being skewed by the pods that it replaces.
      ...(kind === 'Deployment' ? { matchLabelKeys: ['pod-template-hash'] } : {}),
    }));
}
