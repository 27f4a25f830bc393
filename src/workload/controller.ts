import type { Duration } from 'cdk8s';
import type { AutoscalingProps } from './autoscaling';
import type { PersistentVolumeClaim } from './kubernetes';
import type { ClaimRetentionPolicy, EphemeralProps, VolumeProps } from './storage';

/** Where a process writes, and to what. */
export interface DataVolume<V extends VolumeProps> {
  /** What is mounted. */
  readonly volume: V;
  /** The folder in the main container. */
  readonly mountPath: string;
}

/** What keeps the pods running, and what only it can have. */
export type Controller =
  | {
      readonly kind: 'StatefulSet';
      readonly replicas: number;
      /** @default - none */
      readonly autoscaling?: AutoscalingProps;
      /** @default - nowhere */
      readonly data?: DataVolume<VolumeProps>;
      /** Whether clients reach any ready pod through one address, beside the names of the pods. */
      readonly balanced: boolean;
      /** How long a pod is ready before the next one is updated. @default - no longer than that */
      readonly minReady?: Duration;
    }
  | {
      readonly kind: 'Deployment';
      readonly replicas: number;
      /** @default - none */
      readonly autoscaling?: AutoscalingProps;
      /** @default - nowhere */
      readonly data?: DataVolume<EphemeralProps>;
    }
  | { readonly kind: 'DaemonSet' };

export type ControllerKind = Controller['kind'];

/** The least number of pods; of a DaemonSet, on each node. */
export function leastReplicas(controller: Controller): number {
  return controller.kind === 'DaemonSet' ? 1 : (controller.autoscaling?.minReplicas ?? controller.replicas);
}

/** The greatest number of pods; of a DaemonSet there is no telling. */
export function mostReplicas(controller: Controller): number {
  return controller.kind === 'DaemonSet' ? Infinity : (controller.autoscaling?.maxReplicas ?? controller.replicas);
}

/** What the spec of a controller is made from. */
interface ControllerParts {
  readonly selector: Readonly<Record<string, string>>;
  readonly template: object;
  /** The headless Service that gives the pods of a StatefulSet their names. */
  readonly governingService: string;
  readonly claims: readonly PersistentVolumeClaim[];
  readonly claimRetentionPolicy?: ClaimRetentionPolicy;
}

/**
 * How long a name may be. A StatefulSet puts its name with a hash of 10 characters and a dash into a label, which has
 * at most 63 characters; pods of the others get names cut to fit.
 */
export const MAX_NAME_LENGTH: Readonly<Record<ControllerKind, number>> = {
  StatefulSet: 52,
  Deployment: 63,
  DaemonSet: 63,
};

/** The default of Kubernetes, said so that a server-side apply owns it. */
const REVISION_HISTORY_LIMIT = 10;

const SPECIAL: Readonly<Record<ControllerKind, (parts: ControllerParts) => object>> = {
  StatefulSet: ({ governingService, claims, claimRetentionPolicy }) => ({
    serviceName: governingService,
    // Pods do not wait for each other: after an outage of the whole set all must come back at once.
    podManagementPolicy: 'Parallel',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    persistentVolumeClaimRetentionPolicy: {
      whenDeleted: claimRetentionPolicy?.whenDeleted ?? 'Retain',
      whenScaled: claimRetentionPolicy?.whenScaled ?? 'Retain',
    },
    volumeClaimTemplates: claims.length > 0 ? claims : undefined,
  }),
  Deployment: () => ({
    // A new pod is ready before an old one goes.
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  }),
  DaemonSet: () => ({
    // Two pods of one node would contend for its ports and paths.
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  }),
};

export function controllerSpec(controller: Controller, parts: ControllerParts): object {
  return {
    // An autoscaler owns the number: a number here would reset it at every apply.
    replicas: controller.kind === 'DaemonSet' || controller.autoscaling ? undefined : controller.replicas,
    minReadySeconds: controller.kind === 'StatefulSet' ? controller.minReady?.toSeconds() : undefined,
    revisionHistoryLimit: REVISION_HISTORY_LIMIT,
    selector: { matchLabels: parts.selector },
    template: parts.template,
    ...SPECIAL[controller.kind](parts),
  };
}
