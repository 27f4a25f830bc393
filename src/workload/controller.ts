import type { PersistentVolumeClaim } from './kubernetes';
import type { ClaimRetentionPolicy } from './storage';

/** What keeps the pods running. */
export type ControllerKind = 'StatefulSet' | 'Deployment' | 'DaemonSet';

/** What the spec of a controller is made from. */
export interface ControllerParts {
  readonly selector: Readonly<Record<string, string>>;
  readonly template: object;
  /** Left out for a DaemonSet, and where an autoscaler owns the number: a number here would reset it at every apply. */
  readonly replicas?: number;
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

export function controllerSpec(kind: ControllerKind, parts: ControllerParts): object {
  return {
    replicas: parts.replicas,
    revisionHistoryLimit: REVISION_HISTORY_LIMIT,
    selector: { matchLabels: parts.selector },
    template: parts.template,
    ...SPECIAL[kind](parts),
  };
}
