import type { NetworkPolicyPeer } from '../wiring';
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

/**
 * @param revisioned whether pods carry `pod-template-hash`; counting only pods of the same revision keeps a rolling
 *   update of a Deployment from being skewed by the pods that it replaces
 */
export function topologySpread(
  { hosts = 'preferred', zones = 'preferred' }: SpreadProps,
  matchLabels: NonNullable<NetworkPolicyPeer['podSelector']>['matchLabels'],
  revisioned: boolean,
): TopologySpreadConstraint[] {
  return Object.entries({ hosts, zones })
    .filter(([, policy]) => policy !== 'none')
    .map(([topology, policy]) => ({
      maxSkew: 1,
      topologyKey: TOPOLOGIES[topology as keyof typeof TOPOLOGIES],
      whenUnsatisfiable: policy === 'required' ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: { matchLabels },
      ...(revisioned ? { matchLabelKeys: ['pod-template-hash'] } : {}),
    }));
}
